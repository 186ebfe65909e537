import { backend as cpu } from '@drnn/backend-cpu';
import { DrnnError, mul, pointwise, sub, tanh, variable } from '@drnn/tensor';
import { backendLaws, drawnMatrix, streamed } from '@drnn/tensor/laws';
import { requires } from '@drnn/testing';
import { describe, expect, it } from 'vitest';
import { backend } from './backend.js';

const cases = [1, 2].flatMap((threads) => (['float64', 'mixed'] as const).map((precision) => ({ threads, precision })));

describe.skipIf(!requires('blas')).each(cases)('the BLAS backend in $precision on $threads threads', (options) => {
  it.each(backendLaws.map((law) => [law.name, law] as const))('obeys: %s', (_, law) =>
    law.check(() => backend(options), { runs: 15 }),
  );

  it('keeps to its contract over more rows than float32 may sum, and units that make short blocks', async () => {
    const [on, exact] = [await backend(options), await cpu()];
    const e = pointwise(({ z, d }) => sub(tanh(z), d));
    for (const [time, predictors, units] of [
      [5003, 7, 5],
      [2500, 6, 1100],
    ] as const) {
      const [x, target] = [drawnMatrix(time, predictors, 1), drawnMatrix(time, units, 2)];
      const request = { currents: { z: drawnMatrix(predictors, units, 3) }, columnSums: [mul(e, e)], keep: [e] };
      const [asked, wanted] = await Promise.all(
        [on, exact].map(async (each) =>
          each.pass(await each.rows(streamed(x, true)), {
            ...request,
            data: { d: await each.rows(target) },
            backProject: [e, variable('d')],
          }),
        ),
      );
      // X' e sums |x| |e| <= 6 a row; what enters e is off by the rounding of some 7 terms of the current, and of tanh.
      const tolerance = time * 20 * on.accuracy.product;
      const off = (k: ArrayLike<number> | undefined, of: Float64Array | undefined): number =>
        of?.findIndex((value, i) => !(Math.abs(value - (k?.[i] ?? NaN)) < tolerance)) ?? 0;
      wanted?.backProject.forEach(({ data }, k) => expect(off(asked?.backProject[k]?.data, data)).toBe(-1));
      expect(off(asked?.columnSums[0], wanted?.columnSums[0])).toBe(-1);
      const [kept, reference] = [asked?.kept[0], wanted?.kept[0]];
      if (kept === undefined || reference === undefined) throw new Error('nothing was kept');
      expect(off((await on.read(kept)).data, (await exact.read(reference)).data)).toBe(-1);
    }
    await on.close();
    await exact.close();
  });
});

describe.skipIf(!requires('blas'))('making a BLAS backend', () => {
  it('says which library it works with', async () => {
    const on = await backend({ threads: 1 });
    expect(on.name).toBe('blas');
    expect(on.precision).toBe('mixed');
    expect(on.library.path).not.toBe('');
    expect([1, null]).toContain(on.library.threads);
    await on.close();
  });

  it('keeps the threads of two backends apart', async () => {
    const [one, two] = [await backend({ threads: 1 }), await backend({ threads: 2, precision: 'float64' })];
    expect([one.threads, two.threads]).toEqual([1, 2]);
    const x = drawnMatrix(600, 20, 1);
    const results = await Promise.all([one, two, one].map(async (on) => on.gram(await on.rows(x))));
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    await one.close();
    await two.close();
  });

  it('names every option it does not know', async () => {
    const options: object = { precision: 'float16', threads: 0, library: 'libopenblas.so' };
    await expect(backend(options)).rejects.toThrow(DrnnError);
    await expect(backend(options)).rejects.toThrow(/library[^]*float16[^]*threads/);
  });
});
