import { backend } from '@drnn/backend-cpu';
import { transfers } from '@drnn/objectives';
import { cornnRecording, sourceOfTransitions, transitions } from '@drnn/simulator';
import { matrix, type Matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { exactStep } from './exact-step.js';
import {
  calibratedLoss,
  driveR2,
  estimate,
  type EstimateOptions,
  leastSquaresPath,
  releaseTask,
  restrictTask,
  ridgeOf,
  roundTask,
  type RoundTask,
  solveRound,
} from './index.js';
import { freezeAt, pointAt, releasePoint } from './round-point.js';
import { temperedTheta } from './tempered-theta.js';
import { restrict } from '@drnn/simulator';

const assumptions = { transfer: transfers.tanh, constraints: { zeroDiagonal: true }, bias: true } as const;
const options = (more: Partial<EstimateOptions> = {}): EstimateOptions => ({
  ...assumptions,
  effort: 'full',
  choosing: 'none',
  pilot: { ridge: 1e-5, clip: 0.2, tolerance: 1e-4, maxSteps: 8 },
  ...more,
});

const recorded = (units: number, frames: number, seed: number, noise = { inputNoise: 1e-2, conversionNoise: 1e-4 }) => {
  const { W, rates } = cornnRecording({ units, frames, seed, ...noise });
  return { W, source: sourceOfTransitions(transitions({ rates, alpha: 0.1 })) };
};

/** RMSE over the standard deviation of W; theta [predictor, unit] begins with W'. */
const relativeError = (W: Matrix, theta: Matrix): number => {
  const n = W.rows;
  let [error, total] = [0, 0];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const w = W.data[i * n + j]!;
      error += (theta.data[j * theta.columns + i]! - w) ** 2;
      total += w ** 2;
    }
  }
  return Math.sqrt(error / total);
};

const inTask = async <Result>(
  source: Parameters<typeof roundTask>[1][number],
  use: (task: RoundTask) => Promise<Result>,
  cut?: number,
): Promise<Result> => {
  const on = await backend();
  const rows = source.targets.rows;
  const sources =
    cut === undefined
      ? [source]
      : [restrict(source, [{ from: 0, to: cut }]), restrict(source, [{ from: cut, to: rows }])];
  const task = await roundTask(on, sources, assumptions);
  try {
    return await use(task);
  } finally {
    releaseTask(task);
    expect(on.memory()).toEqual({ handles: 0, bytes: 0 });
    await on.close();
  }
};

const levels = { input: 1e-2, output: 1e-4 };
const loss = calibratedLoss(transfers.tanh, levels, 1, false);

describe('a round', () => {
  const { source } = recorded(12, 400, 1);

  it('is the same in one part and in two', async () => {
    const solved = (task: RoundTask) =>
      solveRound(task, matrix(13, 12), {
        loss,
        ridge: ridgeOf({ W: 2, Win: 1 }, task.shape),
        rule: { perUnit: 1e-10, products: 60, newtonSteps: 12, method: 'exact' },
      });
    const one = await inTask(source, solved);
    const two = await inTask(source, solved, 150);
    two.theta.data.forEach((x, i) => expect(x).toBeCloseTo(one.theta.data[i]!, 7));
  });

  it('has one optimum, whichever way its steps are solved, and zero self-connections', async () => {
    await inTask(source, async (task) => {
      const begun = (await leastSquaresPath(task, [1e-4]))?.[0] ?? matrix(13, 12);
      const ridge = ridgeOf({ W: 2, Win: 1 }, task.shape);
      const rule = { perUnit: 1e-6, products: 200, newtonSteps: 20 } as const;
      const exact = await solveRound(task, begun, { loss, ridge, rule: { ...rule, method: 'exact' } });
      const pcg = await solveRound(task, begun, { loss, ridge, rule: { ...rule, method: 'conjugate-gradients' } });
      expect([exact.converged, pcg.converged]).toEqual([true, true]);
      pcg.theta.data.forEach((x, i) => expect(x).toBeCloseTo(exact.theta.data[i]!, 3));
      for (let j = 0; j < 12; j++) expect(exact.theta.data[j * 13]).toBe(0);
      // The gradient of the frozen objective vanishes there: its decrement, by Hessians of their own.
      const { round, point } = await freezeAt(task, begun, loss, ridge, true);
      const every = Int32Array.from({ length: 12 }, (_, j) => j);
      const first = await exactStep(round, point, every);
      expect(Math.max(...first.decrement)).toBeGreaterThan(1);
      // The step of some units is theirs, and none for the others.
      const some = Int32Array.of(2, 3, 9);
      const narrow = await exactStep(round, point, some);
      expect(narrow.decrement).toEqual(Float64Array.from(some, (j) => first.decrement[j]!));
      first.solution.data.forEach((x, i) => expect(narrow.solution.data[i]).toBe(some.includes(i % 12) ? x : 0));
      releasePoint(point);
      round.release();
    });
  });

  it('is tempered as if it had been solved with a ridge that much heavier', async () => {
    await inTask(source, async (task) => {
      const begun = (await leastSquaresPath(task, [1e-4]))?.[0] ?? matrix(13, 12);
      const ridge = ridgeOf({ W: 2, Win: 1 }, task.shape);
      const rule = { perUnit: 1e-8, products: 200, newtonSteps: 20, method: 'conjugate-gradients' } as const;
      const heavier = ridge.map((lambda) => 20 * lambda);
      const { round, point: start } = await freezeAt(task, begun, loss, heavier, true);
      const valueAt = async (theta: Matrix): Promise<number> => {
        const point = await pointAt(round, theta);
        releasePoint(point);
        return point.value.reduce((a, b) => a + b, 0);
      };
      let tempered = begun;
      const light = await solveRound(task, begun, {
        loss,
        ridge,
        rule,
        onSolved: async (solved) => {
          tempered = await temperedTheta(solved, 20);
        },
      });
      const heavy = await solveRound(task, begun, { loss, ridge: heavier, rule });
      const [before, after, best] = [await valueAt(light.theta), await valueAt(tempered), await valueAt(heavy.theta)];
      // Products end at a bound of a tenth, and the objective is quadratic only near its optimum.
      expect(before - best).toBeGreaterThan(1);
      expect(after - best).toBeLessThan(0.15 * (before - best));
      for (let j = 0; j < 12; j++) expect(tempered.data[j * 13]).toBe(0);
      releasePoint(start);
      round.release();
    });
  });

  it('of trimmed samples alone leaves the ridge to pull to zero, and says nothing that is not finite', async () => {
    const nothing = calibratedLoss(transfers.tanh, { input: 1e-12, output: 1e-12 }, 1, false);
    await inTask(source, async (task) => {
      const result = await solveRound(task, matrix(13, 12), {
        loss: nothing,
        ridge: ridgeOf({ W: 2, Win: 1 }, task.shape),
        rule: { perUnit: 0.01, products: 20, newtonSteps: 3, method: 'exact' },
      });
      expect(result.theta.data.every(Number.isFinite)).toBe(true);
    });
  });
});

describe('the estimator', () => {
  it('comes as near the truth as the estimate that knows noise and prior, and nearer than its pilot', async () => {
    const { W, source } = recorded(30, 900, 2);
    const on = await backend();
    const ours = await estimate(on, source, options());
    const informed = await inTask(source, async (task) => {
      const truth = matrix(31, 30);
      for (let i = 0; i < 30; i++) for (let j = 0; j < 30; j++) truth.data[j * 30 + i] = W.data[i * 30 + j]!;
      const size = W.data.reduce((sum, w) => sum + w * w, 0) / W.data.length;
      const rule = { perUnit: 1e-6, products: 60, newtonSteps: 10, method: 'exact' } as const;
      return solveRound(task, truth, { loss, ridge: ridgeOf({ W: 1 / size, Win: 1 }, task.shape), rule });
    });
    expect(ours.converged).toBe(true);
    expect(relativeError(W, ours.theta)).toBeLessThanOrEqual(1.1 * relativeError(W, informed.theta));
    const noise = ours.rounds.at(-1);
    expect(noise?.levels.input).toBeGreaterThan(0.9e-2);
    expect(noise?.levels.input).toBeLessThan(1.1e-2);
    expect(noise?.autocorrelationTime).toBeLessThan(1.2);
    await on.close();
  });

  it('gives way to ridge where half the units are not recorded, and says by how much', async () => {
    const { rates } = cornnRecording({ units: 60, frames: 1600, seed: 5 });
    // Half the units are not recorded.
    const seen = matrix(rates.rows, 30);
    for (let t = 0; t < rates.rows; t++) seen.data.set(rates.data.subarray(t * 60, t * 60 + 30), t * 30);
    const all = sourceOfTransitions(transitions({ rates: seen, alpha: 0.1 }));
    const train = restrict(all, [{ from: 0, to: 1279 }]);
    const on = await backend();
    const chosen = await estimate(on, train, options({ choosing: 'cross-validation' }));
    const test = await roundTask(on, [restrict(all, [{ from: 1280, to: 1599 }])], assumptions);
    const fitted = await roundTask(on, [train], assumptions);
    const path = (await leastSquaresPath(fitted, [1e-1, 1e-2, 1e-3, 1e-4])) ?? [];
    const [own = 0, ...ridges] = await driveR2(test, [chosen.theta, ...path]);
    expect(chosen.choice?.scores.rounds).not.toBeNull();
    expect(chosen.choice?.margin).toBeGreaterThanOrEqual(0);
    expect(own).toBeGreaterThan(Math.max(...ridges) - 0.01);
    expect(restrictTask(fitted, fitted.parts).shape.transitions).toBe(1279);
    releaseTask(test);
    releaseTask(fitted);
    expect(on.memory()).toEqual({ handles: 0, bytes: 0 });
    await on.close();
  });

  it('in quick rounds goes on to another one only where the ones before came cheap and explained much', async () => {
    const on = await backend();
    const jumps = { kind: 'poisson', size: 0.1 } as const;
    const counts: number[] = [];
    for (const [units, noise] of [
      [20, { inputNoise: 1e-2, conversionNoise: 1e-4 }],
      [20, { inputNoise: 1e-1, conversionNoise: 1e-5 }],
      [90, { inputNoise: { kind: 'poisson', size: 0.01 }, conversionNoise: jumps }],
    ] as const) {
      const { rates } = cornnRecording({ units, frames: 15 * units, seed: 1, ...noise });
      const source = sourceOfTransitions(transitions({ rates, alpha: 0.1 }));
      const { rounds } = await estimate(
        on,
        source,
        options({ effort: 'quick', pilot: { ridge: 1e-5, clip: 0.2, tolerance: 1e-4, maxSteps: 1 } }),
      );
      counts.push(rounds.length);
      for (const { products } of rounds.slice(0, -1)) expect(products).toBeLessThanOrEqual(4.6);
      for (const { products } of rounds) expect(products).toBeLessThanOrEqual(7);
    }
    expect(Math.max(...counts)).toBeGreaterThan(1);
    await on.close();
  });

  it('trims jumps: Poisson noise on the targets costs it next to nothing', async () => {
    const noise = { inputNoise: 1e-2, conversionNoise: { kind: 'poisson', size: 1e-3 } } as const;
    const { rates, W } = cornnRecording({ units: 20, frames: 800, seed: 3, ...noise });
    const on = await backend();
    const { theta } = await estimate(on, sourceOfTransitions(transitions({ rates, alpha: 0.1 })), options());
    expect(relativeError(W, theta)).toBeLessThan(0.15);
    await on.close();
  });
});
