/** Problems on which a solver once gave up, or claimed too much. */
import { backend } from '@drnn/backend-cpu';
import { crossEntropy, matching, transfers } from '@drnn/objectives';
import { sourceOfTransitions, transitions } from '@drnn/simulator';
import { type Backend, matrix, type Matrix } from '@drnn/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { accelerate, anderson, newton, problem, run, samplesOf, sharedNewton } from './index.js';
import { relativeDifference, smallSamples } from './small-samples.js';

const on: Backend = await backend();
afterAll(() => on.close());
const shared = accelerate(anderson())(sharedNewton);

const withTwin = (rates: Matrix): Matrix => {
  const result = matrix(rates.rows, rates.columns + 1);
  for (let t = 0; t < rates.rows; t++) {
    result.data.set(rates.data.subarray(t * rates.columns, (t + 1) * rates.columns), t * result.columns);
    result.data[t * result.columns + rates.columns] = rates.data[t * rates.columns]!;
  }
  return result;
};

describe('hard problems', () => {
  it('rectified units with targets below zero: both solvers reach one optimum', async () => {
    const { predictors } = smallSamples({ seed: 61, units: 4, steps: 300 });
    const rates = { ...predictors, data: predictors.data.map((r) => Math.max(0, r)) };
    const task = await problem(on, { rates, alpha: 0.3 }, matching(transfers.relu, { ridge: 1e-3 }));
    const [a, b] = [await run(newton, task), await run(shared, task)];
    expect([a.status, b.status]).toEqual(['converged', 'converged']);
    expect(relativeDifference(a.theta, b.theta)).toBeLessThan(1e-6);
    expect(a.theta.data.some((w) => Math.abs(w) > 0.1)).toBe(true);
  });

  it.each([0, 1e-18, 1e-16])(
    'a unit recorded twice, ridge %s: finite, and no gradient is called zero that is not',
    async (ridge) => {
      for (const seed of [1, 2, 3, 4]) {
        const { predictors } = smallSamples({ seed, units: 6, steps: 400 });
        const task = await problem(
          on,
          { rates: withTwin(predictors), alpha: 0.3 },
          crossEntropy({ weights: 'variance', clip: 0.2, ridge }),
        );
        for (const size of await task.gradientScale()) expect(size).toBeGreaterThan(0);
        const [a, b] = [await run(newton, task), await run(shared, task)];
        for (const { status, residual } of [a, b]) {
          expect(status).not.toBe('non-finite');
          expect(Number.isFinite(residual)).toBe(true);
        }
        expect(Math.abs(a.objective / b.objective - 1)).toBeLessThan(1e-6);
        task.release();
      }
    },
  );

  it('missing samples are no clipped targets, and leave the inverse finite', async () => {
    const { predictors } = smallSamples({ seed: 62, units: 4, steps: 100, transfer: 'logistic' });
    const observed = matrix(predictors.rows, 4, new Float64Array(predictors.rows * 4).fill(1));
    observed.data[42] = 0;
    const from = transitions({ rates: predictors, alpha: 0.3, observed });
    for (const transfer of [transfers.logistic, transfers.softplus, transfers.exp]) {
      const complete = await samplesOf(
        sourceOfTransitions(transitions({ rates: predictors, alpha: 0.3 })),
        matching(transfer),
        on.host,
      );
      const samples = await samplesOf(sourceOfTransitions(from), matching(transfer), on.host);
      expect(samples.clipped).toBe(complete.clipped);
      expect(samples.inverted).not.toBeNull();
    }
  });
});
