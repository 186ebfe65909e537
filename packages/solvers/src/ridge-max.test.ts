import { backend } from '@drnn/backend-cpu';
import {
  allOf,
  crossEntropy,
  l1,
  leastSquares,
  matching,
  type Objective,
  poisson,
  ridge,
  type Transfer,
  transfers,
} from '@drnn/objectives';
import { selectTransitions } from '@drnn/simulator';
import type { Matrix } from '@drnn/tensor';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { biasOnly } from './bias-only.js';
import {
  l1Max,
  newton,
  type Problem,
  problem,
  proximalSharedNewtonWith,
  nesterov,
  ridgeMax,
  run,
  tolerance,
  withPenalty,
  withStopping,
} from './index.js';
import { smallSamples } from './small-samples.js';

const on = await backend();
const [units, inputs] = [4, 1] as const;
const samplesOf = (seed: number, transfer: Transfer['name'] = 'tanh') =>
  smallSamples({ seed, units, inputs, steps: 90, noise: 0.3, transfer: transfer === 'logistic' ? transfer : 'tanh' });

const objectives: readonly (readonly [string, Objective])[] = [
  ['least squares', leastSquares()],
  ['cross-entropy', crossEntropy()],
  ['cross-entropy, weighted and clipped', crossEntropy({ weights: 'variance', clip: 0.3 })],
  ['cross-entropy, self-connections free', crossEntropy({ constraints: {} })],
  ['logistic', matching(transfers.logistic)],
];

/** Each unit's loss, ridge not counted, at the optimum with a ridge per transition. */
const lossWith = async (base: Problem, strength: number): Promise<Float64Array> => {
  const { theta, status } = await run(withStopping(tolerance(1e-9))(newton), withPenalty(base, ridge(strength)));
  expect(status).toBe('converged');
  return (await withPenalty(base, ridge(0)).evaluate(theta)).value;
};

const inProblem = async <Result>(
  objective: Objective,
  seed: number,
  use: (base: Problem) => Promise<Result>,
  bias = true,
): Promise<Result> => {
  const base = await problem(on, samplesOf(seed, objective.transfer?.name), objective, { bias });
  try {
    return await use(base);
  } finally {
    base.release();
    expect(on.memory().handles).toBe(0);
  }
};

describe('ridgeMax', () => {
  it.each(objectives)(
    'leaves every unit no more than the fraction of what weights explain: %s',
    async (_, objective) => {
      const property = fc.asyncProperty(
        fc.record({ seed: fc.integer({ min: 1, max: 500 }), bias: fc.boolean(), explains: fc.constantFrom(0.01, 0.1) }),
        ({ seed, bias, explains }) =>
          inProblem(
            objective,
            seed,
            async (base) => {
              const { strength, perUnit } = await ridgeMax(base, { explains });
              expect(strength).toBe(Math.max(...perUnit));
              const nothing = (await withPenalty(base, ridge(0)).evaluate((await biasOnly(base)).theta)).value;
              // Twins of a unit make X'X singular without a ridge; this one changes nothing that is seen here.
              const [most, left] = [await lossWith(base, 1e-9), await lossWith(base, strength)];
              for (let j = 0; j < units; j++) {
                const could = nothing[j]! - most[j]!;
                expect(could).toBeGreaterThan(0);
                expect(nothing[j]! - left[j]!).toBeLessThanOrEqual(explains * could + 1e-9);
              }
            },
            bias,
          ),
      );
      await fc.assert(property, { numRuns: 6 });
    },
  );

  it('is not much larger than it must be for least squares', async () => {
    await inProblem(leastSquares(), 3, async (base) => {
      const { perUnit } = await ridgeMax(base);
      const nothing = (await withPenalty(base, ridge(0)).evaluate((await biasOnly(base)).theta)).value;
      const most = await lossWith(base, 1e-9);
      for (const [j, strength] of perUnit.entries()) {
        const left = await lossWith(base, strength / 2);
        expect(nothing[j]! - left[j]!).toBeGreaterThan(0.01 * (nothing[j]! - most[j]!));
      }
    });
  });

  it('is per transition: the same recording twice has the same', async () => {
    const samples = samplesOf(5);
    const rows = Array.from({ length: samples.targets.rows }, (_, t) => t);
    const twice = selectTransitions(samples, [...rows, ...rows]);
    const [one, two] = [await problem(on, samples, crossEntropy()), await problem(on, twice, crossEntropy())];
    expect((await ridgeMax(two)).strength / (await ridgeMax(one)).strength).toBeCloseTo(1, 6);
    one.release();
    two.release();
  });

  it('has a scale where the curvature has no bound, and refuses what is no fraction', async () => {
    const samples = smallSamples({ seed: 1, units, steps: 90, transfer: 'exp' });
    const base = await problem(on, samples, poisson());
    const { strength } = await ridgeMax(base);
    expect(strength).toBeGreaterThan(0);
    expect(Number.isFinite(strength)).toBe(true);
    await expect(ridgeMax(base, { explains: 1 })).rejects.toThrow(/a fraction between 0 and 1/);
    base.release();
  });
});

const weightsOf = ({ data }: Matrix): readonly number[] => [...data.subarray(0, (units + inputs) * units)];

describe('l1Max', () => {
  it.each(objectives)('is where the first weight moves: %s', async (_, objective) => {
    await inProblem(objective, 7, async (base) => {
      const { strength, perUnit } = await l1Max(base);
      const at = async (factor: number): Promise<Matrix> => {
        const view = withPenalty(base, allOf(l1(factor * strength), ridge(1e-4)));
        return (await run(withStopping(tolerance(1e-9))(proximalSharedNewtonWith(nesterov, nesterov)), view)).theta;
      };
      expect(weightsOf(await at(1.0001)).every((w) => w === 0)).toBe(true);
      const below = await at(0.99);
      const moved = weightsOf(below).flatMap((w, i) => (w === 0 ? [] : [i % units]));
      expect(moved.length).toBeGreaterThan(0);
      for (const j of moved) expect(perUnit[j]).toBeGreaterThan(0.989 * strength);
    });
  });
});

describe('the fit with a bias only', () => {
  it('has no slope by the bias, also where curvature vanishes beyond the clip', async () => {
    for (const [, objective] of objectives) {
      await inProblem(objective, 11, async (base) => {
        const { theta, gradient } = await biasOnly(base);
        expect(weightsOf(theta).every((w) => w === 0)).toBe(true);
        const scale = Math.max(...gradient.data.map(Math.abs));
        for (const slope of gradient.data.subarray((units + inputs) * units))
          expect(Math.abs(slope)).toBeLessThan(1e-9 * scale);
      });
    }
  });
});
