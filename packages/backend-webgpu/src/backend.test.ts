import { backendOn } from '@drnn/backend-tfjs';
import { backend as tfjsWasm } from '@drnn/backend-tfjs/wasm';
import {
  type Backend,
  constant,
  div,
  DrnnError,
  exp,
  type Expression,
  isDeviceLost,
  matrix,
  max,
  min,
  mul,
  pointwise,
  sub,
  tanh,
  variable,
} from '@drnn/tensor';
import { backendLaws, drawnMatrix } from '@drnn/tensor/laws';
import { requires } from '@drnn/testing';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { describe, expect, it, vi } from 'vitest';
import { backend } from './backend.js';
import { deviceEngine } from './device-engine.js';
import { openGpu } from './gpu.js';

const e = pointwise(({ z, d }) => sub(tanh(z), d));
const currents = { z: drawnMatrix(6, 4, 3) };

/** A backend whose device and tfjs instance are at hand. */
const opened = async () => {
  const gpu = await openGpu();
  const instance = gpu.surroundings(() => new WebGPUBackend(gpu.device, gpu.info));
  const engine = deviceEngine(gpu, instance);
  return { gpu, instance, engine, on: backendOn(engine) };
};

const passOf = async (on: Backend, seed: number, time = 300) =>
  on.scope(async (inner) => {
    const data = { d: await inner.rows(drawnMatrix(time, 4, seed + 1)) };
    const { backProject } = await inner.pass(await inner.rows(drawnMatrix(time, 6, seed)), {
      currents,
      data,
      backProject: [e],
      columnSums: [mul(e, e)],
    });
    return backProject[0]?.data ?? new Float64Array(0);
  });

describe.skipIf(!requires('webgpu'))('the WebGPU backend', () => {
  it.each(backendLaws.map((law) => [law.name, law] as const))('obeys: %s', (_, law) =>
    law.check(() => backend(), { runs: 5 }),
  );

  it('says what device it runs on', async () => {
    const on = await backend();
    expect(on.device).toMatch(/^(software )?adapter: ./);
    expect([on.name, on.precision]).toEqual(['webgpu', 'mixed']);
    await on.close();
  });

  it('has mixed precision only, and names every option it does not know', async () => {
    await expect(backend({ precision: 'float64' })).rejects.toThrow(/float64[^]*backend-wasm/);
    const options: object = { threads: 2 };
    await expect(backend(options)).rejects.toThrow(/threads/);
  });

  it('refuses NaN, infinity and what float32 cannot hold, on the way in and out', async () => {
    const { on, engine } = await opened();
    const one = (value: number) => matrix(1, 1, Float64Array.of(value));
    for (const value of [NaN, Infinity, 1e39]) await expect(on.rows(one(value))).rejects.toThrow(DrnnError);
    const design = await on.rows(one(1));
    for (const value of [NaN, -Infinity, -1e39])
      await expect(on.pass(design, { currents: { z: one(value) }, data: {}, keep: [variable('z')] })).rejects.toThrow(
        DrnnError,
      );
    const tooLarge = exp(variable('z'));
    const asks = { currents: { z: one(100) }, data: {} };
    await expect(on.pass(design, { ...asks, keep: [tooLarge] })).rejects.toThrow('pass keep[0]');
    await expect(on.pass(design, { ...asks, columnSums: [tooLarge] })).rejects.toThrow('pass columnSums[0]');
    await expect(on.pass(design, { ...asks, backProject: [tooLarge] })).rejects.toThrow('pass backProject[0]');
    design.release();
    expect(engine.arrays()).toBe(0);
    // The branch not taken may overflow.
    const guarded = min(div(1, variable('z')), 5);
    const again = await on.rows(one(1));
    const { columnSums } = await on.pass(again, { currents: { z: one(0.5) }, data: {}, columnSums: [guarded] });
    expect(columnSums[0]?.[0]).toBe(2);
    await on.close();
  });

  it('takes every constant, and names that are no names in WGSL', async () => {
    const on = await backend();
    const design = await on.rows(matrix(3, 0));
    const name = '}; fn main() {';
    const data = Object.fromEntries([[name, await on.rows(matrix(3, 1, Float64Array.of(1, 2, 3)))]]);
    const x = variable(name);
    const sum = async (expression: Expression) =>
      (await on.pass(design, { currents: {}, data, columnSums: [expression] })).columnSums[0]?.[0];
    expect(await sum(x)).toBe(6);
    expect(await sum(min(x, 1e300))).toBe(6);
    expect(await sum(max(x, constant(-Infinity)))).toBe(6);
    expect(await sum(mul(x, -0.5))).toBe(-3);
    expect(await sum(mul(x, 1e-45))).toBe(0);
    expect(await sum(mul(x, 2 ** 100))).toBe(6 * 2 ** 100);
    expect(await sum(mul(x, 2 ** -100))).toBe(6 * 2 ** -100);
    expect(await sum({ kind: 'binary', operation: 'add', left: constant(3e38), right: constant(-3e38) })).toBe(0);
    await on.close();
  });

  it('is the same from run to run, also with products so long that tfjs would split them', async () => {
    const on = await backend();
    const [time, predictors] = [160, 2100];
    const design = await on.rows(drawnMatrix(time, predictors, 1));
    const request = { currents: { z: drawnMatrix(predictors, 2, 2) }, data: {}, backProject: [tanh(variable('z'))] };
    const runs = [await on.pass(design, request), await on.pass(design, request)];
    expect(runs[0]?.backProject).toEqual(runs[1]?.backProject);
    await on.close();
  });

  it('gives every buffer back', async () => {
    const { on, engine, instance } = await opened();
    await passOf(on, 1);
    expect(engine.arrays()).toBe(0);
    const held = await on.rows(drawnMatrix(5000, 6, 1));
    const data = { d: await on.rows(drawnMatrix(5000, 4, 1)) };
    const { kept } = await on.pass(held, { currents, data, backProject: [e], keep: [e] });
    [held, ...Object.values(data), ...kept].forEach((rows) => rows.release());
    await passOf(on, 1);
    expect(on.memory()).toEqual({ handles: 0, bytes: 0 });
    expect(engine.arrays()).toBe(0);
    expect(instance.memory().numBytesInGPU).toBe(0);
    await on.close();
  });

  it('two devices and tfjs-wasm at once do not disturb each other', async () => {
    const all = [await backend(), await backend(), await tfjsWasm()];
    const alone: Float64Array[] = [];
    for (const [k, on] of all.entries()) alone.push(await passOf(on, 10 * k, 900));
    const together = await Promise.all(all.map((on, k) => passOf(on, 10 * k, 900)));
    expect(together).toEqual(alone);
    const [first, second] = all;
    const rows = await first?.rows(matrix(3, 3));
    if (rows !== undefined)
      await expect(second?.read(rows)).rejects.toThrow('rows that this webgpu backend did not make');
    await first?.close();
    expect(await passOf(all[1] ?? all[2]!, 10, 900)).toEqual(alone[1]);
    for (const on of all) await on.close();
  });

  it('leaves nothing on the global object, and writes nothing', async () => {
    const written = (['log', 'info', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name));
    const navigator: unknown = Reflect.get(globalThis, 'navigator');
    const seen = (): unknown[] => [
      Object.getOwnPropertyNames(globalThis).filter((name) => name.startsWith('GPU')),
      typeof navigator === 'object' && navigator !== null && 'gpu' in navigator,
      'navigator' in globalThis,
      process.env['VK_ICD_FILENAMES'],
    ];
    const before = seen();
    const on = await backend();
    await passOf(on, 1);
    expect(seen()).toEqual(before);
    await on.close();
    expect(seen()).toEqual(before);
    written.forEach((spy) => expect(spy).not.toHaveBeenCalled());
    vi.restoreAllMocks();
  });
});

describe.skipIf(!requires('webgpu'))('a WebGPU device that fails', () => {
  it('lost between passes and during one: an error that names it, from then on; close works', async () => {
    for (const during of [false, true]) {
      const { gpu, on } = await opened();
      const design = await on.rows(drawnMatrix(600, 6, 1));
      const data = { d: await on.rows(drawnMatrix(600, 4, 2)) };
      const request = { currents, data, backProject: [e] };
      await on.pass(design, request);
      const running = during ? on.pass(design, request) : null;
      const outcome = running?.catch((error: unknown) => error);
      gpu.device.destroy();
      if (!during) await gpu.device.lost;
      const error = during ? await outcome : await on.pass(design, request).catch((one: unknown) => one);
      expect(isDeviceLost(error)).toBe(true);
      expect(String(error)).toMatch(/lost device \((software )?adapter: .*\)/);
      await expect(on.read(design)).rejects.toThrow(/lost device/);
      await expect(on.rows(drawnMatrix(2, 2, 1))).rejects.toThrow(/lost device/);
      design.release();
      await on.close();
      expect(on.memory()).toEqual({ handles: 0, bytes: 0 });
      await expect(on.read(design)).rejects.toThrow('a closed backend');
    }
  });

  it('refusing a program: an error with its words, of the burst that asked; the next one is right', async () => {
    const { engine, instance } = await opened();
    const run = (code: string) =>
      engine.burst(() => {
        const program = {
          outputShape: [4],
          dispatchLayout: { x: [0] },
          dispatch: [1, 1, 1] satisfies [number, number, number],
          workgroupSize: [64, 1, 1] satisfies [number, number, number],
          variableNames: [],
          size: true,
          shaderKey: code,
          getUserCode: () => `fn main(index : i32) { if (index < uniforms.size) { ${code} } }`,
        };
        return engine.download(instance.runWebGPUProgram(program, [], 'float32'));
      });
    const [bad, good] = await Promise.allSettled([
      run('setOutputAtIndex(index, nothing(index));'),
      run('setOutputAtIndex(index, 3.0f);'),
    ]);
    expect(bad.status === 'rejected' && String(bad.reason)).toMatch(
      /DrnnError: backend-webgpu: saw [^]*nothing[^]*refused our program/,
    );
    expect(good.status === 'fulfilled' && [...good.value]).toEqual([3, 3, 3, 3]);
    await engine.close();
  });
});
