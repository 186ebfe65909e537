import { host } from '@drnn/backend-cpu';
import { matrix } from '@drnn/tensor';
import { drawnMatrix, streamed } from '@drnn/tensor/laws';
import { requires } from '@drnn/testing';
import { describe, expect, it } from 'vitest';
import { backend } from './backend.js';

const cases = [1, 2].flatMap((threads) => (['float64', 'mixed'] as const).map((precision) => ({ threads, precision })));

describe.skipIf(!requires('blas')).each(cases)('Gram matrices in $precision on $threads threads', (options) => {
  it('are those of each unit by itself, whether many are asked for or few, and however rows come', async () => {
    const on = await backend(options);
    const [time, units] = [301, 24];
    // Whole numbers: every sum is exact in any order, so that both ways must give the same.
    const whole = (columns: number, seed: number, size: number) => {
      const { data } = drawnMatrix(time, columns, seed);
      return matrix(
        time,
        columns,
        data.map((value) => Math.round(size * value)),
      );
    };
    for (const predictors of [1, 3, 67]) {
      const x = whole(predictors, 1, 20);
      const w = matrix(
        time,
        units,
        whole(units, 2, 5).data.map((value) => value * value),
      );
      const expected = Array.from({ length: units }, (_, j) =>
        host.gram(
          x,
          Float64Array.from({ length: time }, (__, t) => w.data[t * units + j]!),
        ),
      );
      for (const placed of [x, streamed(x, true)]) {
        const [design, weights] = [await on.rows(placed), await on.rows(w)];
        for (const [from, to] of [
          [0, units],
          [3, 4],
          [7, 21],
        ] as const) {
          const found = await on.gramEach(design, weights, from, to);
          expect(found).toHaveLength(to - from);
          found.forEach(({ data }, k) => {
            expect(data.findIndex((value, i) => value !== expected[from + k]?.data[i])).toBe(-1);
          });
        }
      }
    }
    await on.close();
  });
});
