import { backend } from '@drnn/backend-cpu';
import { crossEntropy } from '@drnn/objectives';
import { randomNetwork, simulate } from '@drnn/simulator';
import {
  accelerate,
  anderson,
  firstOf,
  maxSteps,
  problem,
  run,
  sharedNewton,
  stalled,
  withStopping,
} from '@drnn/solvers';
import { type Backend, DrnnError, matrix, type Matrix, rowRange } from '@drnn/tensor';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type Online, online, type OnlineOptions, type OnlineUpdate } from './index.js';

const on: Backend = await backend();
afterAll(() => on.close());

const alpha = 0.2;
const objective = crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-4 });

interface Recording {
  readonly rates: Matrix;
  readonly inputs: Matrix | undefined;
}

const recording = (options: {
  readonly seed?: number;
  readonly units?: number;
  readonly steps?: number;
  readonly inputs?: number;
}): Recording => {
  const { seed = 1, units = 5, steps = 150, inputs = 0 } = options;
  const network = randomNetwork({ units, inputs, gain: 2, seed });
  const drive = matrix(
    steps,
    inputs,
    Float64Array.from({ length: steps * inputs }, (_, i) => Math.sin(0.3 * i + seed)),
  );
  const { rates } = simulate({
    ...network,
    alpha,
    steps,
    seed,
    ...(inputs > 0 ? { inputs: drive } : {}),
    inputNoise: { kind: 'gaussian', size: 0.2 },
  });
  const frames = rowRange(rates, 0, steps);
  return { rates: frames, inputs: inputs > 0 ? drive : undefined };
};

/** The same by a batch fit. */
const batch = async ({ rates, inputs }: Recording, trials?: ArrayLike<number>): Promise<Matrix> => {
  const task = await problem(
    on,
    { rates, alpha, ...(inputs === undefined ? {} : { inputs }), ...(trials === undefined ? {} : { trials }) },
    objective,
  );
  const exact = withStopping(firstOf(maxSteps(400), stalled()))(accelerate(anderson(5))(sharedNewton));
  const { theta } = await run(exact, task);
  task.release();
  return theta;
};

const relative = (a: Matrix, b: Matrix): number => {
  let [error, size] = [0, 0];
  b.data.forEach((value, i) => {
    error += (a.data[i]! - value) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(error / size);
};

const open = ({ rates, inputs }: Recording, options: OnlineOptions = {}, use: Backend = on): Online =>
  online(use, { units: rates.columns, inputs: inputs?.columns ?? 0, alpha }, { objective, window: 1000, ...options });

/** Frames [from, to) of a recording. */
const pushRange = (fit: Online, { rates, inputs }: Recording, from: number, to: number): Promise<OnlineUpdate> =>
  fit.push(rowRange(rates, from, to), inputs === undefined ? undefined : rowRange(inputs, from, to));

/** All of a recording in chunks that end at `cuts`. */
const pushAll = async (fit: Online, all: Recording, cuts: readonly number[]): Promise<OnlineUpdate> => {
  const ends = [...new Set([...cuts.filter((cut) => cut < all.rates.rows), all.rates.rows])].sort((a, b) => a - b);
  let from = 0;
  let update: OnlineUpdate | null = null;
  for (const to of ends) {
    update = await pushRange(fit, all, from, to);
    from = to;
  }
  if (update === null) throw new Error('no frames');
  return update;
};

const enough = { sweeps: 200, tolerance: 1e-11 } as const;

describe('online', () => {
  it('equals the batch fit after enough sweeps, in whatever chunks frames come', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1e6 }),
        fc.integer({ min: 0, max: 2 }),
        fc.array(fc.integer({ min: 1, max: 150 }), { maxLength: 8 }),
        fc.constantFrom(1, 3, 200),
        async (seed, inputs, cuts, sweeps) => {
          const all = recording({ seed, inputs });
          const fit = open(all, { ...enough, sweeps });
          await pushAll(fit, all, cuts);
          // What the last push could not do is left to an empty one after the other.
          let update = await pushRange(fit, all, 150, 150);
          for (let k = 0; k < 200 && update.residual > enough.tolerance; k++)
            update = await pushRange(fit, all, 150, 150);
          expect(update.transitions).toBe(149);
          expect(relative(update.theta, await batch(all))).toBeLessThan(1e-7);
          await fit.close();
        },
      ),
      { numRuns: 12 },
    ));

  it('fits the newest transitions only, and gives the others back', async () => {
    const all = recording({ steps: 900, seed: 4 });
    const before = on.memory();
    const fit = open(all, { ...enough, window: 100 });
    const bytes: number[] = [];
    for (let from = 0; from < 900; from += 30) {
      const update = await pushRange(fit, all, from, from + 30);
      bytes.push(on.memory().bytes - before.bytes);
      expect(update.transitions).toBeLessThanOrEqual(100);
      if (from < 300) continue;
      expect(update.transitions).toBeGreaterThan(100 - 100 / 8);
      const newest = { ...all, rates: rowRange(all.rates, from + 30 - update.transitions - 1, from + 30) };
      expect(relative(update.theta, await batch(newest)), `after frame ${from + 30}`).toBeLessThan(1e-6);
    }
    expect(Math.max(...bytes.slice(10))).toBeLessThanOrEqual(1.1 * Math.max(...bytes.slice(0, 10)));
    await fit.close();
    expect(on.memory()).toEqual(before);
  });

  it('has no transition across the end of a trial', async () => {
    const [first, second] = [recording({ seed: 1 }), recording({ seed: 2 })];
    const rates = matrix(300, 5);
    rates.data.set(first.rates.data);
    rates.data.set(second.rates.data, 150 * 5);
    const fit = open(first, enough);
    await pushAll(fit, first, [70]);
    await fit.endTrial();
    const update = await pushAll(fit, second, [3]);
    expect(update.transitions).toBe(298);
    const trials = Float64Array.from({ length: 300 }, (_, t) => (t < 150 ? 0 : 1));
    expect(relative(update.theta, await batch({ rates, inputs: undefined }, trials))).toBeLessThan(1e-7);
    await fit.close();
  });

  it('refuses bad frames with all that is wrong, and goes on as if they had not come', async () => {
    const all = recording({ inputs: 2 });
    const fit = open(all, enough);
    await pushRange(fit, all, 0, 80);
    const bad = matrix(3, 4, new Float64Array(12).fill(Number.NaN));
    const refused: unknown = await fit.push(bad, matrix(2, 2)).catch((error: unknown) => error);
    expect(refused instanceof DrnnError ? refused.issues.map(({ path }) => path) : []).toEqual([
      'frames',
      'frames',
      'inputs',
    ]);
    await expect(fit.push(rowRange(all.rates, 80, 90))).rejects.toThrow(/inputs: saw none/);
    const update = await pushRange(fit, all, 80, 150);
    expect(relative(update.theta, await batch(all))).toBeLessThan(1e-7);
    await fit.close();
  });

  it('a pass that fails while rows join fails the push, and the window stays as it was for another attempt', async () => {
    const all = recording({ steps: 150 });
    const before = on.memory();
    for (const failing of [0, 1, 2]) {
      let passes = Infinity;
      const use: Backend = {
        ...on,
        pass: (design, request) => (--passes < 0 ? Promise.reject(new Error('lost')) : on.pass(design, request)),
      };
      const fit = open(all, enough, use);
      await pushRange(fit, all, 0, 80);
      passes = failing;
      await expect(pushRange(fit, all, 80, 150)).rejects.toThrow('lost');
      passes = Infinity;
      const update = await pushRange(fit, all, 80, 80);
      expect(update.transitions).toBe(79);
      const first = { ...all, rates: rowRange(all.rates, 0, 80) };
      expect(relative(update.theta, await batch(first))).toBeLessThan(1e-7);
      const again = await pushRange(fit, all, 80, 150);
      expect(again.transitions).toBe(149);
      expect(relative(again.theta, await batch(all))).toBeLessThan(1e-7);
      await fit.close();
    }
    expect(on.memory()).toEqual(before);
  });

  it('refuses sizes and objectives that cannot be fitted, all at once', () => {
    expect(() =>
      online(
        on,
        { units: 0, alpha: 2 },
        {
          window: 3,
          budget: -1,
          objective: crossEntropy({ weights: { kind: 'explicit', values: matrix(1, 1) } }),
        },
      ),
    ).toThrow(/units.*\n.*window.*\n.*budget.*\n.*alpha.*\n.*weights/);
  });
});

/** A backend whose passes take a millisecond for every ten rows by a clock of their own. */
const slowBackend = () => {
  const clock = { milliseconds: 0, pace: 0.1 };
  const use: Backend = {
    ...on,
    pass: (design, request) => {
      clock.milliseconds += clock.pace * design.rows;
      return on.pass(design, request);
    },
  };
  return { use, clock, now: () => clock.milliseconds };
};

describe('the budget of online', () => {
  it('is never exceeded, and used up to one block, in sweeps that go on over several pushes', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 26, max: 400 }), fc.integer({ min: 5, max: 60 }), async (budget, chunk) => {
        const all = recording({ steps: 600 });
        // With what it may take longer.
        const block = 1.1 * 0.1 * 37;
        const { use, now } = slowBackend();
        const fit = open(all, { budget, sweeps: 50, tolerance: 0, window: 300, now }, use);
        let [left, swept, pushes] = [0, 0, 0];
        for (let from = 0; from < 600; from += chunk) {
          const update = await pushRange(fit, all, from, Math.min(600, from + chunk));
          const sweep = 0.1 * update.transitions;
          // Three passes over its own rows and over blocks that leave come before sweeps.
          const rows = 0.1 * 3 * (chunk + Math.ceil(chunk / 37) * 37);
          // The clock adds up tenths.
          expect(update.milliseconds).toBeLessThanOrEqual(Math.max(budget, rows) + 1e-9);
          expect(update.sweeps).toBeLessThanOrEqual(Math.floor(budget / sweep) + 1);
          if (from < 300) continue;
          expect(update.milliseconds).toBeGreaterThan(budget - block - 1e-9);
          left += Math.max(0, budget - rows - block) / sweep;
          swept += update.sweeps;
          pushes++;
        }
        // A sweep looks at the rows that came and went in the meantime once more.
        expect(swept).toBeGreaterThanOrEqual(Math.floor(left / (1 + (pushes * chunk) / 300)) - 1);
        await fit.close();
      }),
      { numRuns: 12 },
    ));

  it('sweeps over several pushes end at the weights of the batch fit, whatever leaves in the meantime', async () => {
    const all = recording({ steps: 700, seed: 5 });
    const before = on.memory();
    const { use, now } = slowBackend();
    // A sweep takes 30 ms: two pushes or three.
    const fit = open(all, { budget: 24, sweeps: 50, tolerance: 1e-11, window: 300, now }, use);
    let update = await pushRange(fit, all, 0, 1);
    for (let from = 1; from < 700; from += 20) update = await pushRange(fit, all, from, Math.min(700, from + 20));
    const { transitions } = update;
    expect(transitions).toBeLessThanOrEqual(300);
    for (let k = 0; k < 800 && update.residual > 1e-11; k++) update = await pushRange(fit, all, 700, 700);
    const newest = { ...all, rates: rowRange(all.rates, 700 - transitions - 1, 700) };
    expect(relative(update.theta, await batch(newest))).toBeLessThan(1e-7);
    // One that rests is given back with the rest.
    for (let k = 0; k < 3; k++) await pushRange(fit, all, 0, 20);
    await fit.close();
    expect(on.memory()).toEqual(before);
  });

  it('a pass that fails in a sweep fails its push, leaves the weights and gives everything back', async () => {
    const all = recording({ steps: 400 });
    const before = on.memory();
    const { use, now } = slowBackend();
    let failsAt = Infinity;
    const failing: Backend = {
      ...use,
      pass: (design, request) => (--failsAt < 0 ? Promise.reject(new Error('lost')) : use.pass(design, request)),
    };
    const fit = open(all, { budget: 24, sweeps: 50, tolerance: 0, window: 300, now }, failing);
    for (let from = 0; from < 400; from += 20) await pushRange(fit, all, from, from + 20);
    const { theta } = await pushRange(fit, all, 400, 400);
    failsAt = 1;
    await expect(pushRange(fit, all, 400, 400)).rejects.toThrow('lost');
    failsAt = Infinity;
    const after = await pushRange(fit, all, 400, 400);
    expect(relative(after.theta, theta)).toBeLessThan(0.1);
    expect(after.sweeps + (await pushRange(fit, all, 400, 400)).sweeps).toBeGreaterThan(0);
    await fit.close();
    expect(on.memory()).toEqual(before);
  });

  it('too small for a sweep still takes frames in', async () => {
    const all = recording({ steps: 300 });
    const { use, clock, now } = slowBackend();
    const fit = open(all, { budget: 10, sweeps: 50, now }, use);
    for (let from = 0; from < 280; from += 20) await pushRange(fit, all, from, from + 20);
    const starved = await pushRange(fit, all, 280, 300);
    expect(starved).toMatchObject({ sweeps: 0, transitions: 299 });
    expect(starved.milliseconds).toBeLessThanOrEqual(10);
    // Once passes are quick, sweeps are made again.
    clock.pace = 0.001;
    let swept = 0;
    for (let k = 0; k < 60; k++) swept += (await pushRange(fit, all, 300, 300)).sweeps;
    expect(swept).toBeGreaterThan(5);
    await fit.close();
  });
});

describe('refit', () => {
  it('solves the window while pushes go on, and what is better of it stays', async () => {
    const all = recording({ steps: 400, units: 8, seed: 3 });
    const before = on.memory();
    const fit = open(all, { sweeps: 0, window: 240 });
    await pushRange(fit, all, 0, 200);
    const running = fit.refit({ tolerance: 1e-10 });
    // Blocks that the refit works on leave the window meanwhile.
    expect((await pushRange(fit, all, 200, 280)).transitions).toBeLessThan(240);
    const refit = await running;
    expect(refit.status).toBe('converged');
    const first = { ...all, rates: rowRange(all.rates, 0, 200) };
    expect(relative(refit.theta, await batch(first))).toBeLessThan(1e-6);
    expect(refit.improved).toBeGreaterThan(4);
    const { theta } = await pushRange(fit, all, 280, 280);
    const taken = (j: number): boolean => {
      for (let i = j; i < theta.data.length; i += 8) if (theta.data[i] !== refit.theta.data[i]) return false;
      return true;
    };
    expect(Array.from({ length: 8 }, (_, j) => j).filter(taken)).toHaveLength(refit.improved);
    await fit.close();
    expect(on.memory()).toEqual(before);
  });

  it('does not take worse weights over', async () => {
    const all = recording({ steps: 300 });
    const fit = open(all, enough);
    const { theta } = await pushRange(fit, all, 0, 300);
    const refit = await fit.refit({ steps: 1, tolerance: 0 });
    expect(refit.status).not.toBe('aborted');
    expect(relative((await pushRange(fit, all, 300, 300)).theta, theta)).toBeLessThan(1e-9);
    await fit.close();
  });

  it('ends with a signal, with its own or with the fit', async () => {
    const all = recording({ steps: 300 });
    const before = on.memory();
    const outer = new AbortController();
    const fit = open(all, { signal: outer.signal });
    await expect(fit.refit()).rejects.toThrow(/no transitions/);
    await pushRange(fit, all, 0, 300);
    const own = new AbortController();
    const first = fit.refit({ tolerance: 0, signal: own.signal });
    own.abort();
    expect((await first).status).toBe('aborted');
    const second = fit.refit({ tolerance: 0 });
    outer.abort();
    expect((await second).status).toBe('aborted');
    await expect(pushRange(fit, all, 0, 10)).rejects.toThrow(/closed/);
    await fit.close();
    expect(on.memory()).toEqual(before);
  });
});
