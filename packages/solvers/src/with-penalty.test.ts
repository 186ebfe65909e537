import { backend } from '@drnn/backend-cpu';
import { allOf, crossEntropy, elasticNet, l1, type Penalty, ridge } from '@drnn/objectives';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accelerate,
  anderson,
  type Iterate,
  type Problem,
  problem,
  proximalSharedNewtonWith,
  nesterov,
  run,
  sharedNewton,
  type Solver,
  tolerance,
  withPenalty,
  withStopping,
} from './index.js';
import { relativeDifference, smallSamples, someTheta } from './small-samples.js';

const on = await backend();
const units = 5;
const samples = smallSamples({ seed: 2, units, steps: 120, inputs: 2 });
const smooth = { weights: 'variance', clip: 0.4 } as const;
const penalties: readonly Penalty[] = [ridge(0), ridge(3), ridge(1e-6), allOf(ridge(1e-3), l1(1e-2)), elasticNet(0.1)];

const both = async <Result>(
  penalty: Penalty,
  use: (made: Problem, view: Problem) => Promise<Result>,
): Promise<Result> => {
  const first = await problem(on, samples, crossEntropy({ ...smooth, ridge: 1e-2 }));
  const made = await problem(on, samples, crossEntropy({ ...smooth, penalty, ridge: 0 }));
  try {
    return await use(made, withPenalty(first, penalty));
  } finally {
    first.release();
    made.release();
    expect(on.memory().handles).toBe(0);
  }
};

describe('the same problem with another penalty', () => {
  it('is the problem that is made with it', async () => {
    const property = fc.asyncProperty(
      fc.constantFrom(...penalties),
      fc.integer({ min: 1, max: 1000 }),
      async (penalty, seed) => {
        await both(penalty, async (made, view) => {
          const [theta, v] = [someTheta(units + 3, units, seed), someTheta(units + 3, units, seed + 1)];
          const [a, b] = [await made.evaluate(theta), await view.evaluate(theta)];
          expect(relativeDifference(b.gradient, a.gradient)).toBeLessThan(1e-11);
          b.value.forEach((value, j) => expect(value).toBeCloseTo(a.value[j]!, 8));
          const times = await view.curvatureTimes(theta, v);
          expect(relativeDifference(times, await made.curvatureTimes(theta, v))).toBeLessThan(1e-11);
          const metric = await view.metric();
          const solved = (await made.metric()).solve(a.gradient);
          expect(relativeDifference(metric.solve(a.gradient), solved)).toBeLessThan(1e-9);
          const [scale, ownScale] = [await made.gradientScale(), await view.gradientScale()];
          ownScale.forEach((size, j) => expect(size / scale[j]!).toBeCloseTo(1, 9));
          expect(view.structure?.each?.weight).toEqual(made.structure?.each?.weight);
        });
      },
    );
    await fc.assert(property, { numRuns: 20 });
  });

  it.each(penalties.slice(1).map((penalty, k) => [k, penalty] as const))(
    'has the optimum of that problem (%i)',
    async (_, penalty) => {
      await both(penalty, async (made, view) => {
        const solver: Solver<Iterate> =
          made.structure === null
            ? accelerate(anderson(5))(sharedNewton)
            : proximalSharedNewtonWith(nesterov, nesterov);
        const exact = withStopping(tolerance(1e-8))(solver);
        const [a, b] = [await run(exact, made), await run(exact, view)];
        expect([a.status, b.status]).toEqual(['converged', 'converged']);
        expect(relativeDifference(b.theta, a.theta)).toBeLessThan(1e-6);
      });
    },
  );
});
