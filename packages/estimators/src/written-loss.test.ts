import { backend as cpu } from '@drnn/backend-cpu';
import { backend as wasm } from '@drnn/backend-wasm';
import { transfers } from '@drnn/objectives';
import { cornnRecording, restrict, sourceOfTransitions, transitions } from '@drnn/simulator';
import { type Backend, matrix, type Matrix } from '@drnn/tensor';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  calibratedLoss,
  estimate,
  type FrozenLoss,
  type Memory,
  plainLoss,
  releaseTask,
  ridgeOf,
  roundTask,
  type RoundTask,
  solveRound,
} from './index.js';
import { curvatureTimes, freezeAt, pointAt, releasePoint, withCurvatures } from './round-point.js';

const assumptions = { transfer: transfers.tanh, constraints: { zeroDiagonal: true }, bias: true } as const;
const [units, frames] = [6, 90] as const;

/** With `partly`, every seventh sample is missing. */
const recorded = (seed: number, partly: boolean) => {
  const { rates } = cornnRecording({ units, frames, seed, inputNoise: 1e-2, conversionNoise: 1e-3 });
  const all = transitions({ rates, alpha: 0.1 });
  const weights = matrix(all.targets.rows, units);
  weights.data.forEach((_, i) => (weights.data[i] = i % 7 === 3 ? 0 : 1));
  return sourceOfTransitions(partly ? { ...all, weights } : all);
};

const near = (found: ArrayLike<number>, expected: ArrayLike<number>, relative: number): void => {
  const size = Math.max(...Array.from(expected, Math.abs));
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (!(Math.abs(found[i]! - expected[i]!) <= relative * size)) expect(found[i]).toBe(expected[i]);
  }
};

const somewhere = (seed: number, size: number): Matrix => {
  const result = matrix(units + 1, units);
  let state = seed + 1;
  result.data.forEach((_, i) => {
    state = (state * 48271) % 2147483647;
    result.data[i] = i % (units + 1) === 0 ? 0 : size * (state / 1073741823.5 - 1);
  });
  return result;
};

/** What a round gives at its start and elsewhere, with Hessian products at both. */
const lookedAt = async (task: RoundTask, loss: FrozenLoss, seed: number) => {
  const ridge = ridgeOf({ W: 2, Win: 1 }, task.shape);
  const direction = somewhere(seed + 2, 1);
  const { round, point } = await freezeAt(task, somewhere(seed, 0.3), loss, ridge, true);
  const next = await pointAt(round, somewhere(seed + 1, 0.3));
  const seen = [];
  for (const at of [point, next]) {
    const times = await curvatureTimes(round, at, direction);
    const kept = await withCurvatures(round, at, (rows) => Promise.all(rows.map((h) => task.on.read(h))));
    seen.push(
      at.value,
      at.gradient.data,
      at.curvatureSums,
      times.data,
      kept.flatMap(({ data }) => [...data]),
    );
  }
  releasePoint(point);
  releasePoint(next);
  round.release();
  return seen;
};

const opened: readonly (readonly [string, () => Promise<Backend>, number])[] = [
  ['cpu in float64', cpu, 1e-12],
  ['wasm, mixed', () => wasm({ precision: 'mixed', threads: 1 }), 2e-5],
];

describe.each(opened)('arrays of a round that are made again, on %s', (_, open, relative) => {
  it('are those that are kept, with their gradients and Hessian products', async () => {
    const on = await open();
    const looked = fc.asyncProperty(
      fc.record({ seed: fc.integer({ min: 1, max: 1000 }), partly: fc.boolean(), plain: fc.boolean() }),
      async ({ seed, partly, plain }) => {
        const source = recorded(seed, partly);
        const cut = [
          restrict(source, [{ from: 0, to: 40 }]),
          restrict(source, [{ from: 40, to: source.targets.rows }]),
        ];
        const loss = plain
          ? plainLoss(transfers.tanh, partly)
          : calibratedLoss(transfers.tanh, { input: 0.1, output: 0.05 }, 1.5, partly);
        const of = async (memory: Memory) => {
          const task = await roundTask(on, cut, { ...assumptions, memory });
          const seen = await lookedAt(task, loss, seed);
          releaseTask(task);
          return seen;
        };
        const [kept, made] = [await of('keep'), await of('recompute')];
        kept.forEach((values, k) => near(made[k]!, values, relative));
        expect(on.memory().handles).toBe(0);
      },
    );
    await fc.assert(looked, { numRuns: 15 });
    await on.close();
  });

  it.each(['exact', 'conjugate-gradients'] as const)('lead a round to the same weights: %s', async (method) => {
    const on = await open();
    const source = recorded(4, false);
    const solved = async (memory: Memory) => {
      const task = await roundTask(on, [source], { ...assumptions, memory });
      const found = await solveRound(task, somewhere(4, 0.1), {
        loss: calibratedLoss(transfers.tanh, { input: 1, output: 0.5 }, 1, false),
        ridge: ridgeOf({ W: 2, Win: 1 }, task.shape),
        rule: { perUnit: 1e-9, products: 40, newtonSteps: 8, method },
      });
      releaseTask(task);
      return found;
    };
    const [kept, made] = [await solved('keep'), await solved('recompute')];
    expect(made.newtonSteps).toBeGreaterThan(1);
    expect(made.lastStep).toBeGreaterThan(0);
    expect([made.converged, made.newtonSteps]).toEqual([kept.converged, kept.newtonSteps]);
    near(made.theta.data, kept.theta.data, 1e2 * relative);
    expect(on.memory().handles).toBe(0);
    await on.close();
  });
});

/** The most bytes on the backend at once, looked at after each pass and each Gram matrix. */
const watched = async (memory: Memory, method: 'exact' | 'conjugate-gradients') => {
  const on = await cpu();
  let most = 0;
  const seen = async <Result>(result: Promise<Result>): Promise<Result> => {
    const found = await result;
    most = Math.max(most, on.memory().bytes);
    return found;
  };
  const watching: Backend = { ...on, pass: (...a) => seen(on.pass(...a)), gramEach: (...a) => seen(on.gramEach(...a)) };
  const task = await roundTask(watching, [recorded(1, false)], { ...assumptions, memory });
  const before = on.memory().bytes;
  await solveRound(task, somewhere(1, 0.1), {
    loss: calibratedLoss(transfers.tanh, { input: 0.1, output: 0.05 }, 1, false),
    ridge: ridgeOf({ W: 2, Win: 1 }, task.shape),
    rule: { perUnit: 1e-4, products: 40, newtonSteps: 8, method },
  });
  releaseTask(task);
  await on.close();
  return (most - before) / (8 * units * (frames - 1));
};

describe('the memory of a round, in arrays [time, unit]', () => {
  it('is three where they are kept; where not, one while Hessians are factored, else none', async () => {
    expect(await watched('keep', 'conjugate-gradients')).toBe(3);
    expect(await watched('keep', 'exact')).toBe(3);
    expect(await watched('recompute', 'exact')).toBe(1);
    expect(await watched('recompute', 'conjugate-gradients')).toBe(0);
  });
});

describe('the estimator that recomputes', () => {
  it('finds the network of the one that keeps', async () => {
    const on = await cpu();
    const found = async (memory: Memory) =>
      estimate(on, recorded(2, false), {
        ...assumptions,
        memory,
        effort: 'full',
        choosing: 'split',
        pilot: { ridge: 1e-5, clip: 0.2, tolerance: 1e-4, maxSteps: 8 },
      });
    const [kept, made] = [await found('keep'), await found('recompute')];
    near(made.theta.data, kept.theta.data, 1e-9);
    expect(made.winner).toBe(kept.winner);
    await on.close();
  });
});
