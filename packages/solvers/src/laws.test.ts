import { backend } from '@drnn/backend-cpu';
import { crossEntropy, matching, type Objective, type TransferName, transfers } from '@drnn/objectives';
import { transitions } from '@drnn/simulator';
import { type Backend, copyMatrix, matrix, type Matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  accelerate,
  anderson,
  bestSoFar,
  defaultStop,
  firstOf,
  type Iterate,
  iterate,
  maxSteps,
  nesterov,
  never,
  newton,
  problem,
  run,
  sharedNewton,
  snapshot,
  type Solver,
  stalled,
  tolerance,
  unaccelerated,
  withPolish,
  withRestart,
  withStopping,
  withTrace,
} from './index.js';
import { relativeDifference, smallSamples, someTheta } from './small-samples.js';

const on: Backend = await backend();
afterAll(() => on.close());

const solvers: Readonly<Record<string, Solver<Iterate>>> = {
  'shared-newton': sharedNewton,
  anderson: accelerate(anderson(5))(sharedNewton),
  nesterov: accelerate(nesterov)(sharedNewton),
  newton,
};

const clippedCrossEntropy = crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-3 });

/** Objectives of every loss, with what is needed for a bounded curvature. */
const objectives: Readonly<Record<string, Objective>> = {
  ...Object.fromEntries(
    Object.entries(transfers).map(([name, transfer]) => [name, matching(transfer, { ridge: 1e-3 })]),
  ),
  'tanh clipped': clippedCrossEntropy,
  'tanh capped': crossEntropy({ weights: { kind: 'capped', cap: 10 }, ridge: 1e-3 }),
  'tanh calibrated': crossEntropy({ weights: { kind: 'calibrated', kappa: 0.01 }, ridge: 1e-3 }),
  'logistic clipped': matching(transfers.logistic, { weights: 'variance', clip: 0.3, ridge: 1e-3 }),
  'exp clipped': matching(transfers.exp, { weights: { kind: 'capped', cap: 5 }, clip: 0.3, ridge: 1e-3 }),
};
const transferName = (objective: Objective): TransferName => {
  const name = objective.transfer?.name;
  const found = Object.keys(transfers).find((known): known is TransferName => known === name);
  return found ?? 'tanh';
};

describe('problem', () => {
  it.each(Object.entries(objectives))('%s: gradient and curvature against differences', async (_, objective) => {
    const task = await problem(on, smallSamples({ seed: 3, inputs: 2, transfer: transferName(objective) }), objective);
    const { predictors, units } = task.shape;
    const theta = someTheta(predictors, units, 1);
    const direction = someTheta(predictors, units, 2);
    const step = 1e-5;
    const along = (size: number): Matrix => {
      const moved = copyMatrix(theta);
      on.host.columnScaleAdd(new Float64Array(units).fill(size), direction, moved);
      return moved;
    };
    const [up, down, here] = [
      await task.evaluate(along(step)),
      await task.evaluate(along(-step)),
      await task.evaluate(theta),
    ];
    const slope = on.host.columnDot(here.gradient, direction);
    slope.forEach((s, j) => {
      const difference = (up.value[j]! - down.value[j]!) / (2 * step);
      expect(Math.abs(difference - s)).toBeLessThan(1e-5 * (1 + Math.abs(s)));
    });
    const product = await task.curvatureTimes(theta, direction);
    // Switches of a clipped slope make the difference of gradients inexact at samples that cross one.
    const allowed = objective.clip === null && objective.name !== 'matching loss of relu' ? 1e-5 : 0.05;
    const difference = matrix(predictors, units);
    difference.data.forEach((_unused, i) => {
      difference.data[i] = (up.gradient.data[i]! - down.gradient.data[i]!) / (2 * step);
    });
    expect(relativeDifference(product, difference)).toBeLessThan(allowed);
    task.release();
  });

  it.each(Object.entries(objectives))('%s: convex along random segments', async (_, objective) => {
    const task = await problem(on, smallSamples({ seed: 5, transfer: transferName(objective) }), objective);
    const { predictors, units } = task.shape;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1e6),
        fc.nat(1e6),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        async (s1, s2, t) => {
          const [a, b] = [someTheta(predictors, units, s1, 2), someTheta(predictors, units, s2, 2)];
          const between = matrix(predictors, units);
          between.data.forEach((_unused, i) => (between.data[i] = t * a.data[i]! + (1 - t) * b.data[i]!));
          const [fa, fb, fm] = [await task.evaluate(a), await task.evaluate(b), await task.evaluate(between)];
          fm.value.forEach((f, j) => {
            const chord = t * fa.value[j]! + (1 - t) * fb.value[j]!;
            expect(f).toBeLessThanOrEqual(chord + 1e-9 * (1 + Math.abs(chord)));
          });
        },
      ),
      { numRuns: 15 },
    );
    task.release();
  });
});

describe('every solver', () => {
  it.each(Object.entries(objectives))('%s: any start, the same optimum by Newton', async (_, objective) => {
    const task = await problem(on, smallSamples({ seed: 7, transfer: transferName(objective) }), objective);
    const reference = await run(newton, task);
    expect(reference.status).toBe('converged');
    for (const seed of [1, 2, 3]) {
      const start = someTheta(task.shape.predictors, task.shape.units, seed, 3);
      const other = await run(newton, task, { start });
      expect(relativeDifference(other.theta, reference.theta)).toBeLessThan(1e-6);
      if (task.curvatureBound !== null && task.curvatureBound <= 2) {
        const shared = await run(accelerate(anderson())(sharedNewton), task, { start });
        expect(shared.status).toBe('converged');
        expect(relativeDifference(shared.theta, reference.theta)).toBeLessThan(1e-6);
      }
    }
    task.release();
  });

  it.each(Object.entries(solvers))('%s: monotone for every unit, and inside the constraint', async (_, solver) => {
    const task = await problem(on, smallSamples({ seed: 11, units: 8, noise: 0.3 }), clippedCrossEntropy);
    const start = someTheta(task.shape.predictors, task.shape.units, 9, 2);
    const before = copyMatrix(start);
    const rounding = await task.rounding();
    let previous: Iterate | null = null;
    for await (const state of iterate(solver, task, { start })) {
      for (let j = 0; j < task.shape.units; j++) {
        expect(state.theta.data[j * task.shape.units + j]).toBe(0);
        if (previous !== null) expect(state.value[j]).toBeLessThanOrEqual(previous.value[j]! + 2 * rounding[j]!);
      }
      previous = snapshot(state);
      if (state.step === 25) break;
    }
    expect(start).toEqual(before);
    task.release();
  });

  it.each(Object.entries(solvers))('%s: run is the end of iterate', async (_, solver) => {
    const task = await problem(on, smallSamples({ seed: 12 }), clippedCrossEntropy);
    const solution = await run(withStopping(maxSteps(6))(solver), task);
    for await (const state of iterate(solver, task)) {
      if (state.step === 6) {
        expect(state.theta).toEqual(solution.theta);
        expect(solution.status).toBe('max-steps');
        break;
      }
    }
    task.release();
  });

  it.each(Object.entries(solvers))('%s: an abort leaves the last good state', async (_, solver) => {
    const task = await problem(on, smallSamples({ seed: 13 }), clippedCrossEntropy);
    const controller = new AbortController();
    const traced = withTrace((state) => {
      if (state.step === 2) controller.abort();
    })(withStopping(never)(solver));
    const solution = await run(traced, task, { signal: controller.signal });
    expect(solution.status).toBe('aborted');
    expect(solution.steps).toBe(2);
    expect(solution.theta.data.every(Number.isFinite)).toBe(true);
    task.release();
  });

  it('the error bound is near the true error', async () => {
    const task = await problem(on, smallSamples({ seed: 14, units: 10, steps: 300 }), clippedCrossEntropy);
    const optimum = await run(withStopping(firstOf(tolerance(1e-12), stalled(5)))(newton), task);
    for (const count of [2, 5, 8]) {
      const { theta, thetaErrorBound } = await run(withStopping(maxSteps(count))(sharedNewton), task);
      let worst = 0;
      for (let j = 0; j < task.shape.units; j++) {
        let [error, size] = [0, 0];
        for (let i = j; i < theta.data.length; i += task.shape.units) {
          error += (theta.data[i]! - optimum.theta.data[i]!) ** 2;
          size += theta.data[i]! ** 2;
        }
        worst = Math.max(worst, Math.sqrt(error / size));
      }
      expect(thetaErrorBound / worst).toBeGreaterThan(0.5);
      expect(thetaErrorBound / worst).toBeLessThan(2);
    }
    task.release();
  });

  it('is refused where its metric says nothing', async () => {
    const task = await problem(on, smallSamples({ seed: 15, transfer: 'exp' }), matching(transfers.exp));
    await expect(run(sharedNewton, task)).rejects.toThrow(/no known bound/);
    task.release();
  });
});

describe('symmetries of a fit', () => {
  const fitRates = async (rates: Matrix): Promise<Matrix> => {
    const task = await problem(on, transitions({ rates, alpha: 0.3 }), clippedCrossEntropy, { bias: false });
    const solution = await run(withStopping(firstOf(tolerance(1e-10), stalled(5)))(newton), task);
    task.release();
    return solution.theta;
  };
  const { predictors } = smallSamples({ seed: 21, units: 5 });

  it('relabelling units relabels the weights', async () => {
    const theta = await fitRates(predictors);
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }), async (order) => {
        const shuffled = matrix(predictors.rows, 5);
        shuffled.data.forEach((_unused, i) => {
          shuffled.data[i] = predictors.data[i - (i % 5) + order[i % 5]!]!;
        });
        const other = await fitRates(shuffled);
        const expected = matrix(5, 5);
        expected.data.forEach((_unused, i) => {
          expected.data[i] = theta.data[order[Math.floor(i / 5)]! * 5 + order[i % 5]!]!;
        });
        expect(relativeDifference(other, expected)).toBeLessThan(1e-8);
      }),
      { numRuns: 5 },
    );
  });

  it('flipping the sign of a unit flips its row and its column', async () => {
    const theta = await fitRates(predictors);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(1, -1), { minLength: 5, maxLength: 5 }), async (sign) => {
        const flipped = matrix(predictors.rows, 5);
        flipped.data.forEach((_unused, i) => (flipped.data[i] = predictors.data[i]! * sign[i % 5]!));
        const other = await fitRates(flipped);
        const expected = matrix(5, 5);
        expected.data.forEach((_unused, i) => {
          expected.data[i] = theta.data[i]! * sign[Math.floor(i / 5)]! * sign[i % 5]!;
        });
        expect(relativeDifference(other, expected)).toBeLessThan(1e-8);
      }),
      { numRuns: 5 },
    );
  });
});

describe('combinators', () => {
  const task = problem(on, smallSamples({ seed: 31 }), clippedCrossEntropy);
  const rules = [tolerance(1e-3), maxSteps(3), maxSteps(7), never, stalled(1)];
  const ended = async (solver: Solver<Iterate>) => {
    const { status, steps, theta } = await run(solver, await task);
    return { status, steps, theta };
  };

  it('firstOf is associative and never is its identity', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...rules),
        fc.constantFrom(...rules),
        fc.constantFrom(...rules),
        async (a, b, c) => {
          const last = maxSteps(9);
          const left = await ended(withStopping(firstOf(firstOf(a, b), c, last))(sharedNewton));
          const right = await ended(withStopping(firstOf(a, firstOf(b, c), last))(sharedNewton));
          expect(left).toEqual(right);
          expect(await ended(withStopping(firstOf(never, a, never, last))(sharedNewton))).toEqual(
            await ended(withStopping(firstOf(a, last))(sharedNewton)),
          );
        },
      ),
      { numRuns: 8 },
    );
  });

  it('withStopping twice: the last wins; a silent trace and no acceleration change nothing', async () => {
    const plain = await ended(withStopping(maxSteps(4))(sharedNewton));
    expect(await ended(withStopping(maxSteps(4))(withStopping(maxSteps(2))(sharedNewton)))).toEqual(plain);
    expect(await ended(withTrace(() => undefined)(withStopping(maxSteps(4))(sharedNewton)))).toEqual(plain);
    expect(
      await ended(accelerate(unaccelerated)(accelerate(anderson())({ ...sharedNewton, stop: maxSteps(4) }))),
    ).toEqual(plain);
  });

  it('withRestart reaches the same optimum; bestSoFar never rises', async () => {
    const solver = accelerate(anderson())(sharedNewton);
    const [a, b] = [await ended(solver), await ended(withRestart(4)(solver))];
    expect(b.status).toBe('converged');
    expect(relativeDifference(b.theta, a.theta)).toBeLessThan(1e-6);
    let lowest = Infinity;
    for await (const state of iterate(bestSoFar(solver), await task)) {
      expect(state.objective).toBeLessThanOrEqual(lowest);
      lowest = state.objective;
      if (state.step === 10) break;
    }
  });

  it('withPolish takes a mixed fit to the float64 optimum', async () => {
    const mixed = await backend({ precision: 'mixed' });
    const exact = await task;
    const rounded = await problem(mixed, exact.source, exact.objective);
    const solver = withStopping(defaultStop)(accelerate(anderson())(sharedNewton));
    const [reference, alone, polished] = [
      await run(solver, exact),
      await run(solver, rounded),
      await run(withPolish(on)(solver), rounded),
    ];
    expect(relativeDifference(alone.theta, reference.theta)).toBeLessThan(1e-4);
    expect(relativeDifference(alone.theta, reference.theta)).toBeGreaterThan(1e-9);
    expect(alone.status).toBe('precision-floor');
    expect(alone.thetaErrorBound).toBeGreaterThan(relativeDifference(alone.theta, reference.theta) / 10);
    expect(polished.status).toBe('converged');
    expect(relativeDifference(polished.theta, reference.theta)).toBeLessThan(1e-7);
    expect(polished.residual).toBeLessThanOrEqual(1e-8);
    expect(polished.thetaErrorBound).toBeLessThanOrEqual(1e-8);
    await mixed.close();
  });
});

describe('memory', () => {
  it('two interleaved fits, a throw and an abort leave nothing behind', async () => {
    const fresh = await backend();
    const before = fresh.memory();
    const one = (seed: number, signal?: AbortSignal) =>
      fresh.scope(async (inner) => {
        const task = await problem(inner, smallSamples({ seed }), clippedCrossEntropy);
        return run(accelerate(anderson())(sharedNewton), task, signal === undefined ? {} : { signal });
      });
    const alone = [await one(41), await one(42)];
    const together = await Promise.all([one(41), one(42)]);
    together.forEach((solution, k) => expect(solution.theta).toEqual(alone[k]?.theta));
    await one(43, AbortSignal.abort());
    await expect(
      fresh.scope(async (inner) => {
        await problem(inner, smallSamples({ seed: 44 }), clippedCrossEntropy);
        throw new Error('in the middle');
      }),
    ).rejects.toThrow('in the middle');
    expect(fresh.memory()).toEqual(before);
    await fresh.close();
  });
});

describe('recovery', () => {
  it('noiseless data without ridge or clip give the weights back', async () => {
    const units = 8;
    const samples = smallSamples({ seed: 51, units, steps: 40 * units, noise: 0 });
    expect(samples.targets.rows).toBeGreaterThanOrEqual(30 * units);
    const { randomNetwork } = await import('@drnn/simulator');
    const { W } = randomNetwork({ units, gain: 2, seed: 51 });
    const task = await problem(on, samples, crossEntropy({ weights: 'variance', ridge: 0 }), { bias: false });
    const { theta } = await run(newton, task);
    const fitted = matrix(units, units);
    fitted.data.forEach((_unused, i) => (fitted.data[i] = theta.data[(i % units) * units + Math.floor(i / units)]!));
    expect(relativeDifference(fitted, W)).toBeLessThan(1e-6);
    task.release();
  });
});
