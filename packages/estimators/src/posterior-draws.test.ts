import { backend } from '@drnn/backend-cpu';
import type { FreePattern } from '@drnn/objectives';
import { fillGaussian, randomStream } from '@drnn/simulator';
import { freeSet } from '@drnn/solvers';
import { matrix, type Matrix } from '@drnn/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { posteriorDraws, standardErrors } from './index.js';

const on = await backend();
afterAll(() => on.close());

const [transitions, predictors, units] = [60, 5, 3] as const;

const field = (rows: number, columns: number, seed: number): Matrix => {
  const result = matrix(rows, columns);
  fillGaussian(randomStream(seed, 'field')(0), 1, result.data);
  return result;
};

// Two predictors move nearly alike: their weights are strongly correlated.
const x = field(transitions, predictors, 1);
for (let t = 0; t < transitions; t++)
  x.data[t * predictors + 1] = x.data[t * predictors]! + 0.1 * x.data[t * predictors + 1]!;
const h = matrix(transitions, units, field(transitions, units, 2).data.map(Math.exp));
const ridge = Float64Array.of(0.5, 1, 2, 1, 0);
const theta = field(predictors, units, 3);

const patterns: readonly FreePattern[] = [
  { kind: 'all' },
  { kind: 'one-fixed', fixed: Int32Array.of(0, 1, 4) },
  { kind: 'sets', sets: [Int32Array.of(0, 1, 2, 3, 4), Int32Array.of(1, 3), Int32Array.of(4)] },
];

const withPosterior = <Result>(
  free: FreePattern,
  use: (posterior: Parameters<typeof posteriorDraws>[0]) => Promise<Result>,
  prior = ridge,
): Promise<Result> =>
  on.scope(async (inner) =>
    use({ on: inner, design: await inner.rows(x), curvatures: await inner.rows(h), ridge: prior, free }),
  );

/** d' (X' diag(h_j) X + Lambda) d, written out. */
const squaredLength = (d: Float64Array, j: number): number => {
  let sum = 0;
  for (let t = 0; t < transitions; t++) {
    let z = 0;
    for (let p = 0; p < predictors; p++) z += x.data[t * predictors + p]! * d[p]!;
    sum += h.data[t * units + j]! * z * z;
  }
  for (let p = 0; p < predictors; p++) sum += ridge[p]! * d[p]! ** 2;
  return sum;
};

describe('posteriorDraws', () => {
  it.each(patterns)('have the standard errors and the correlations of the posterior: $kind', async (free) => {
    const count = 4000;
    const [draws, { errors }] = await withPosterior(free, async (posterior) => [
      await posteriorDraws(posterior, { theta, count }),
      await standardErrors({ ...posterior, method: 'exact' }),
    ]);
    for (let j = 0; j < units; j++) {
      const set = freeSet(free, predictors, j);
      let mean = 0;
      for (const draw of draws) {
        const d = Float64Array.from(
          { length: predictors },
          (_, p) => draw.data[p * units + j]! - theta.data[p * units + j]!,
        );
        mean += squaredLength(d, j) / count;
      }
      // Chi-squared with as many degrees of freedom as there are free weights; five standard deviations of its mean.
      expect(Math.abs(mean - set.length)).toBeLessThan(5 * Math.sqrt((2 * set.length) / count));
      for (let p = 0; p < predictors; p++) {
        const i = p * units + j;
        const spread = Math.sqrt(draws.reduce((sum, { data }) => sum + (data[i]! - theta.data[i]!) ** 2, 0) / count);
        if (set.includes(p)) expect(spread / errors.data[i]!).toBeCloseTo(1, 1);
        else expect(spread).toBe(0);
      }
    }
  });

  it('are the same however many follow, and however many units are held at once', async () => {
    const free = patterns[1]!;
    const [few, many] = await withPosterior(free, async (posterior) => [
      await posteriorDraws(posterior, { theta, count: 2, seed: 7, unitsAtOnce: 1 }),
      await posteriorDraws(posterior, { theta, count: 5, seed: 7, unitsAtOnce: 3 }),
    ]);
    few.forEach((draw, k) => draw.data.forEach((value, i) => expect(value).toBeCloseTo(many[k]!.data[i]!, 12)));
    expect(many[0]!.data).not.toEqual(many[1]!.data);
  });

  it('are refused where nothing determines a weight, and for bad requests', async () => {
    const flat = new Float64Array(predictors);
    for (let t = 0; t < transitions; t++) x.data[t * predictors + 3] = 0;
    await withPosterior(
      patterns[0]!,
      async (posterior) => {
        await expect(posteriorDraws(posterior, { theta, count: 1 })).rejects.toThrow(
          'neither the transitions nor the prior',
        );
      },
      flat,
    );
    await withPosterior(patterns[0]!, async (posterior) => {
      const bad = posteriorDraws(posterior, { theta: matrix(2, 2), count: 0 });
      await expect(bad).rejects.toThrow(/theta[^]*count/);
    });
  });
});
