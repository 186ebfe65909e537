import { host } from '@drnn/backend-cpu';
import { type FreePattern, zeroDiagonalPattern } from '@drnn/objectives';
import { fillGaussian, randomStream } from '@drnn/simulator';
import { metricOf } from '@drnn/solvers';
import { matrix, type Matrix, rowRange } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { growingMetric } from './growing-metric.js';

const field = (rows: number, columns: number, seed: number): Matrix => {
  const result = matrix(rows, columns);
  const stream = randomStream(seed, 'field');
  for (let t = 0; t < rows; t++) fillGaussian(stream(t), 1, result.data.subarray(t * columns, (t + 1) * columns));
  return result;
};

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
};

describe('growingMetric', () => {
  const patterns: readonly FreePattern[] = [
    { kind: 'all' },
    zeroDiagonalPattern(9),
    { kind: 'one-fixed', fixed: Int32Array.of(8, 2, 5) },
    { kind: 'sets', sets: [Int32Array.of(1, 2), Int32Array.of(0, 5, 8), Int32Array.of(4)] },
  ];

  it('is the metric of the rows that are in it, whichever came and went', () =>
    fc.assert(
      fc.property(
        fc.constantFrom(...patterns),
        fc.array(fc.record({ rows: fc.integer({ min: 1, max: 4 }), ask: fc.boolean() }), { maxLength: 40 }),
        fc.integer({ min: 0, max: 30 }),
        fc.integer(),
        (free, pieces, leaving, seed) => {
          const predictors = 9;
          const total = 60 + pieces.reduce((sum, { rows }) => sum + rows, 0);
          const x = field(total, predictors, seed);
          const ridge = new Float64Array(predictors).fill(0.3);
          const growing = growingMetric(host, predictors, free);
          growing.add(rowRange(x, 0, 60));
          growing.metric(ridge);
          let at = 60;
          for (const { rows, ask } of pieces) {
            growing.add(rowRange(x, at, at + rows));
            at += rows;
            if (ask) growing.metric(ridge);
          }
          if (leaving > 0) growing.drop(host.gram(rowRange(x, 0, leaving)));
          const expected = metricOf(host, host.gram(rowRange(x, leaving, total)), ridge, free);
          const gradient = field(predictors, 3, seed + 1);
          const found = growing.metric(ridge);
          expect(largestDifference(found.solve(gradient).data, expected.solve(gradient).data)).toBeLessThan(1e-9);
          expect(largestDifference(found.dualNorm(gradient), expected.dualNorm(gradient))).toBeLessThan(1e-9);
          expect(largestDifference(found.inverseDiagonal(), expected.inverseDiagonal())).toBeLessThan(1e-9);
        },
      ),
    ));
});
