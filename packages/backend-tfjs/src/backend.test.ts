import { backend as cpu, host as cpuHost } from '@drnn/backend-cpu';
import {
  DrnnError,
  type Host,
  matrix,
  mul,
  pointwise,
  type RowSource,
  rowRange,
  sub,
  tanh,
  variable,
} from '@drnn/tensor';
import { drawnMatrix, streamed } from '@drnn/tensor/laws';
import { beforeAll, describe, expect, it } from 'vitest';
import { backendOn } from './backend.js';
import type { TfjsEngine } from './engine.js';
import { loadedLast, registeredInstance } from './registered.js';
import { tfjsEngine, type TfjsEngineOptions } from './tfjs-engine.js';

await loadedLast('wasm', () => import('@tensorflow/tfjs-backend-wasm'));

const engineWith = async (options: TfjsEngineOptions = {}): Promise<TfjsEngine> =>
  tfjsEngine('wasm', await registeredInstance('wasm'), options);

const e = pointwise(({ z, d }) => sub(tanh(z), d));
const currents = { z: drawnMatrix(5, 4, 3) };

describe('arrays on an engine', () => {
  let engine: TfjsEngine;
  beforeAll(async () => {
    engine = await engineWith();
  });

  it('are given up after a pass, of resident and of streamed rows, and after reading', async () => {
    const on = backendOn(engine);
    const [x, d] = [drawnMatrix(1300, 5, 1), drawnMatrix(1300, 4, 2)];
    for (const put of [(values: typeof x) => values, (values: typeof x) => streamed(values, true)]) {
      const [design, target] = [await on.rows(put(x)), await on.rows(put(d))];
      const held = engine.arrays();
      const request = { currents, data: { d: target }, backProject: [e], columnSums: [mul(e, e)], keep: [e, tanh(e)] };
      const { kept } = await on.pass(design, request);
      // Three chunks of each.
      expect(engine.arrays()).toBe(held + 6);
      await on.read(design);
      await on.gram(design);
      await on.gramEach(design, target, 1, 3);
      kept.forEach((rows) => rows.release());
      expect(engine.arrays()).toBe(held);
      design.release();
      target.release();
    }
    expect(engine.arrays()).toBe(0);
    expect(on.memory()).toEqual({ handles: 0, bytes: 0 });
  });

  it('are given up after an error in the middle of a pass, and after an abort', async () => {
    const on = backendOn(engine);
    const x = drawnMatrix(2000, 5, 1);
    const failing: RowSource = {
      rows: 2000,
      columns: 4,
      blocks: async function* () {
        yield drawnMatrix(1500, 4, 2);
        throw new Error('the disk is gone');
      },
    };
    const design = await on.rows(x);
    const held = engine.arrays();
    const data = { d: await on.rows(failing) };
    await expect(on.pass(design, { currents, data, backProject: [e], keep: [e] })).rejects.toThrow('the disk is gone');
    expect(engine.arrays()).toBe(held);

    const controller = new AbortController();
    const aborted = on.scope(async (inner) => {
      const target = await inner.rows(drawnMatrix(2000, 4, 2));
      await inner.pass(design, { currents, data: { d: target }, keep: [e] });
      controller.abort();
      controller.signal.throwIfAborted();
    });
    await expect(aborted).rejects.toThrow();
    expect(engine.arrays()).toBe(held);
    design.release();
    expect(engine.arrays()).toBe(0);
  });

  it('do not grow in number over a loop of passes', async () => {
    const on = backendOn(engine);
    const [design, d] = [await on.rows(drawnMatrix(700, 5, 1)), await on.rows(drawnMatrix(700, 4, 2))];
    const counts = new Set<number>();
    for (let k = 0; k < 20; k++) {
      const shifted = sub(e, 0.01 * k);
      await on.pass(design, { currents, data: { d }, backProject: [shifted], columnSums: [shifted] });
      counts.add(engine.arrays());
    }
    expect(counts.size).toBe(1);
    design.release();
    d.release();
  });
});

describe('a backend on an engine', () => {
  it('gives what the CPU gives at the ends of chunks', async () => {
    const [on, reference] = [backendOn(await engineWith()), await cpu({ precision: 'mixed' })];
    for (const time of [1, 511, 512, 513, 1024, 1025]) {
      const [x, d] = [drawnMatrix(time, 5, time), drawnMatrix(time, 4, time + 1)];
      const [got, exact] = await Promise.all(
        [on, reference].map(async (each) => {
          const data = { d: await each.rows(d) };
          return each.pass(await each.rows(x), { currents, data, backProject: [e], columnSums: [e] });
        }),
      );
      const size = 4 * time;
      exact?.backProject[0]?.data.forEach((value, k) => {
        expect(Math.abs((got?.backProject[0]?.data[k] ?? NaN) - value)).toBeLessThan(1e-6 * size);
      });
      exact?.columnSums[0]?.forEach((value, k) => {
        expect(Math.abs((got?.columnSums[0]?.[k] ?? NaN) - value)).toBeLessThan(1e-6 * size);
      });
    }
    await on.close();
    await reference.close();
  });

  it('has mixed precision only, and names every option it does not know', async () => {
    const engine = await engineWith();
    expect(() => backendOn(engine, { precision: 'float64' })).toThrow(/float64[^]*Hint: .*backend-wasm/);
    const options: object = { threads: 2, precision: 'float16' };
    expect(() => backendOn(engine, options)).toThrow(/threads[^]*float16/);
    const on = backendOn(engine, { precision: 'mixed' });
    expect(on.precision).toBe('mixed');
    await expect(on.rows(matrix(1, 1, Float64Array.of(1e39)))).rejects.toThrow(/float32/);
    await on.close();
  });

  it('makes Gram matrices on the host that it is given', async () => {
    const calls: number[] = [];
    const host: Host = {
      ...cpuHost,
      name: 'counted',
      gram: (a, weights, out) => {
        calls.push(a.rows);
        return cpuHost.gram(a, weights, out);
      },
    };
    const on = backendOn(await engineWith(), { host });
    await on.gram(await on.rows(drawnMatrix(1000, 3, 1)));
    expect(on.host.name).toBe('counted');
    expect(calls).toEqual([512, 488]);
    await on.close();
  });

  it('refuses what the device has no room for, in one piece or in all', async () => {
    const on = backendOn(await engineWith({ limits: { array: 4000, total: 10_000 } }));
    await expect(on.rows(matrix(600, 2))).rejects.toThrow(/4096 bytes in one piece, expected at most 4000/);
    const design = await on.rows(matrix(1000, 1));
    await expect(on.rows(matrix(1600, 1))).rejects.toThrow(/6400 bytes beside 4000[^]*streamed/);
    await expect(on.pass(design, { currents: { z: matrix(1, 1001) }, data: {} })).rejects.toThrow(/currents.z/);
    design.release();
    await on.rows(matrix(1600, 1));
    await on.close();
  });

  it('on an engine that loses NaN, refuses NaN and infinity wherever they enter, and where they come out', async () => {
    const accuracy = { pointwise: 1e-6, absolute: 0, product: 1e-6, propagatesNaN: false };
    const engine = await engineWith({ accuracy });
    const on = backendOn(engine);
    const bad = matrix(700, 2);
    bad.data[1203] = Infinity;
    await expect(on.rows(bad)).rejects.toThrow('Infinity at [time=601, column=1]');
    const [design, source] = [
      await on.rows(rowRange(bad, 0, 600)),
      await on.rows(streamed(rowRange(bad, 100, 700), true)),
    ];
    const asks = { currents: {}, data: { d: source }, columnSums: [variable('d')] };
    await expect(on.pass(design, asks)).rejects.toThrow('Infinity at [time=501, column=1]');
    const theta = matrix(2, 2, Float64Array.of(1, 2, NaN, 4));
    await expect(on.pass(design, { currents: { z: theta }, data: {}, keep: [variable('z')] })).rejects.toThrow(
      DrnnError,
    );
    const one = matrix(2, 1, Float64Array.of(1, 1));
    const { columnSums } = await on.pass(design, { currents: { z: one }, data: {}, columnSums: [variable('z')] });
    expect(columnSums[0]?.[0]).toBe(0);
    const divided = pointwise(({ z }) => ({
      kind: 'binary',
      operation: 'divide',
      left: { kind: 'constant', value: 1 },
      right: z,
    }));
    await expect(on.pass(design, { currents: { z: one }, data: {}, columnSums: [divided] })).rejects.toThrow(
      'columnSums[0]',
    );
    expect(engine.arrays()).toBe(2);
    await on.close();
  });

  it('says what is missing where no such engine is imported', async () => {
    await expect(registeredInstance('webgl')).rejects.toThrow(/tfjs-backend-webgl/);
    const instance = await registeredInstance('wasm');
    expect(() => tfjsEngine('webgl', instance)).toThrow(/no kernels[^]*tfjs-backend-webgl/);
  });
});
