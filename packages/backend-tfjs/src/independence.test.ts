import { matrix, mul, pointwise, sub, tanh } from '@drnn/tensor';
import { drawnMatrix } from '@drnn/tensor/laws';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { backend } from './wasm.js';

const e = pointwise(({ z, d }) => sub(tanh(z), d));

/** A pass with a known answer: X'(tanh(X Theta) - D). */
const passOf = async (on: Awaited<ReturnType<typeof backend>>, seed: number) => {
  const [x, d] = [drawnMatrix(900, 6, seed), drawnMatrix(900, 4, seed + 1)];
  const request = { currents: { z: drawnMatrix(6, 4, seed + 2) }, backProject: [e], columnSums: [mul(e, e)] };
  const { backProject } = await on.pass(await on.rows(x), { ...request, data: { d: await on.rows(d) } });
  return backProject[0]?.data;
};

describe('tfjs-wasm beside others', () => {
  afterEach(() => vi.restoreAllMocks());

  it('leaves no listener behind, takes none away, and writes nothing', async () => {
    const written = (['log', 'info', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name));
    const mine = (): void => undefined;
    process.on('uncaughtException', mine);
    const listeners = () => ['uncaughtException', 'unhandledRejection'].map((event) => process.rawListeners(event));
    const before = listeners();
    const on = await backend();
    const during = listeners();
    await passOf(on, 1);
    await on.close();
    const after = listeners();
    process.removeListener('uncaughtException', mine);
    expect(during).toEqual(before);
    expect(after).toEqual(before);
    written.forEach((spy) => expect(spy).not.toHaveBeenCalled());
  });

  it('two of ours and a program that uses tf.setBackend do not disturb each other', async () => {
    const [one, two] = [await backend(), await backend()];
    const [first, second] = [await passOf(one, 1), await passOf(two, 9)];
    await tf.setBackend('wasm');
    const theirs = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const arrays = tf.memory().numTensors;

    const use = async (): Promise<number[]> => {
      const seen: number[] = [];
      for (let k = 0; k < 5; k++) {
        seen.push(...(await tf.tidy(() => tf.tanh(tf.matMul(theirs, theirs))).data()));
        await Promise.resolve();
      }
      return seen;
    };
    const [again, other, seen] = await Promise.all([passOf(one, 1), passOf(two, 9), use()]);
    expect(again).toEqual(first);
    expect(other).toEqual(second);
    [7, 10, 15, 22].forEach((x, k) => expect(seen[16 + k]).toBeCloseTo(Math.tanh(x), 6));

    await one.close();
    expect(await passOf(two, 9)).toEqual(second);
    expect(tf.getBackend()).toBe('wasm');
    const squared = tf.square(theirs);
    expect([...(await squared.data())]).toEqual([1, 4, 9, 16]);
    expect(tf.memory().numTensors).toBe(arrays + 5 * 1 + 1);
    await two.close();
  });

  it('leaves the choice of an engine to the program', () => {
    // It is registered by our import, and last in the order.
    expect(tf.engine().registryFactory['wasm']?.priority).toBe(0);
  });

  it('is of no use after it was closed, and closes twice', async () => {
    const on = await backend();
    const rows = await on.rows(matrix(3, 2));
    await on.close();
    await on.close();
    await expect(on.read(rows)).rejects.toThrow('a closed backend');
  });
});
