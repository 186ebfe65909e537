import { backend as cpu } from '@drnn/backend-cpu';
import { backend as wasm } from '@drnn/backend-wasm';
import { crossEntropy } from '@drnn/objectives';
import { randomNetwork, simulate, transitions } from '@drnn/simulator';
import type { Backend, Precision } from '@drnn/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import {
  accelerate,
  anderson,
  firstOf,
  iterate,
  type MapState,
  maxSteps,
  newton,
  type PolishState,
  problem,
  run,
  sharedNewton,
  type Solver,
  stalled,
  tolerance,
  unaccelerated,
  withPolish,
  withStopping,
} from './index.js';

const { W, initial } = randomNetwork({ units: 8, gain: 2, seed: 5 });
const inputNoise = { kind: 'gaussian', size: 0.05 } as const;
const { rates } = simulate({ W, initial, alpha: 0.1, steps: 500, inputNoise, seed: 5 });
const from = transitions({ rates, alpha: 0.1 });
const objective = crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-5 });
const solver = accelerate(anderson())(sharedNewton);

const opened: Backend[] = [];
const opening = async (made: Promise<Backend>): Promise<Backend> => {
  opened.push(await made);
  return made;
};
const mixed = opening(wasm({ precision: 'mixed', threads: 1 }));
const float64 = opening(cpu());
afterAll(() => Promise.all(opened.map((each) => each.close())));

/** A function for `withPolish` and how often it was called. */
const counted = () => {
  const calls = { count: 0 };
  const open = (): Promise<Backend> => {
    calls.count++;
    return float64;
  };
  return { calls, open };
};

describe('withPolish', () => {
  it('opens float64 when mixed precision can do no more, once, and not before', async () => {
    const { calls, open } = counted();
    const task = await problem(await mixed, from, objective);
    const floor = await task.noiseFloor();
    let atFloor = 0;
    for await (const state of iterate(withPolish(open)(solver), task)) {
      if (state.exact === null) {
        expect(calls.count).toBe(0);
        expect(state.residual).toBeGreaterThanOrEqual(floor);
        if (state.residual === floor) atFloor++;
        continue;
      }
      expect(calls.count).toBe(1);
      expect(state.problem?.on).toBe(await float64);
      if (state.residual <= 1e-10) break;
    }
    // Not at the first touch of the floor, which leaves stiff directions behind.
    expect(atFloor).toBe(2);
    task.release();
  });

  it('opens nothing where mixed precision is enough, nor under float64', async () => {
    const { calls, open } = counted();
    const coarse = withStopping(firstOf(tolerance(1e-3), maxSteps(100)))(withPolish(open)(solver));
    const task = await problem(await mixed, from, objective);
    const solution = await run(coarse, task);
    expect(solution.status).toBe('converged');
    const exact = await problem(await float64, from, objective);
    expect((await run(withPolish(open)(solver), exact)).status).toBe('converged');
    expect(calls.count).toBe(0);
    task.release();
    exact.release();
  });

  it('goes on from a start at which mixed precision sees nothing wrong', async () => {
    const exact = await problem(await float64, from, objective);
    const optimum = await run(newton, exact);
    const near = { ...optimum.theta, data: optimum.theta.data.map((x, i) => x + 1e-8 * Math.sin(i)) };
    const task = await problem(await mixed, from, objective);
    const polished = await run(withPolish(await float64)(solver), task, { start: near });
    expect(polished.status).toBe('converged');
    expect(Math.max(...polished.theta.data.map((x, i) => Math.abs(x - optimum.theta.data[i]!)))).toBeLessThan(1e-8);
    // There is next to nothing left to do.
    expect(polished.steps).toBeLessThanOrEqual(3);
    task.release();
    exact.release();
  });

  it('gives up mixed precision when the residual has not halved in 10 steps', async () => {
    // A step so short that ten of them halve nothing.
    const slow = {
      ...accelerate(unaccelerated)(sharedNewton),
      step: async (_: unknown, state: Awaited<ReturnType<typeof solver.init>>) => ({ ...state, step: state.step + 1 }),
    };
    const task = await problem(await mixed, from, objective);
    let last: PolishState<Awaited<ReturnType<typeof solver.init>>> | null = null;
    for await (const state of iterate(withPolish(await float64)(slow), task)) {
      last = state;
      if (state.exact !== null) break;
      expect(state.step).toBeLessThan(10);
    }
    expect(last?.step).toBe(10);
    last?.exact?.release();
    task.release();
  });

  it.each([0, 2])('goes on in float64 where step %i is beyond float32', async (at) => {
    const beyond = (state: MapState, step: number, precision: Precision): MapState =>
      precision === 'mixed' && step === at ? { ...state, step, objective: Infinity } : state;
    const overflowing: Solver<MapState> = {
      ...solver,
      init: async (task, start) => beyond(await solver.init(task, start), 0, task.on.precision),
      step: async (task, state) => beyond(await solver.step(task, state), state.step + 1, task.on.precision),
    };
    const task = await problem(await mixed, from, objective);
    const alone = await run(overflowing, task);
    expect([alone.status, alone.steps]).toEqual(['non-finite', Math.max(0, at - 1)]);
    const polished = await run(withPolish(await float64)(overflowing), task);
    expect(polished.status).toBe('converged');
    task.release();
  });

  it('measures progress in float64 by float64 alone', async () => {
    // In mixed precision a value that is too low, then slow progress that the residual does not show.
    const told = (state: MapState, step: number, precision: Precision): MapState =>
      precision === 'mixed'
        ? { ...state, step, objective: -1, residual: 0.1 }
        : { ...state, step, objective: 100 - step, residual: 0.2 };
    const slow: Solver<MapState> = {
      ...solver,
      init: async (task, start) => told(await solver.init(task, start), 0, task.on.precision),
      step: async (task, state) => told(state, state.step + 1, task.on.precision),
    };
    const task = await problem(await mixed, from, objective);
    const stopped = withStopping(firstOf(maxSteps(80), stalled()))(withPolish(await float64)(slow));
    expect((await run(stopped, task)).status).toBe('max-steps');
    task.release();
  });

  it('takes the error of a backend that cannot be opened out of the run', async () => {
    const task = await problem(await mixed, from, objective);
    const fails = withPolish(() => Promise.reject(new Error('no such hardware')));
    await expect(run(fails(solver), task)).rejects.toThrow('no such hardware');
    task.release();
  });
});

describe('a problem that moves', () => {
  it('is the same problem, exact where it moves to float64, without its metric being made again', async () => {
    const inMixed = await problem(await mixed, from, objective);
    const fresh = await problem(await float64, from, objective);
    let grams = 0;
    const counting: Backend = {
      ...(await float64),
      gram: async (...parameters) => {
        grams++;
        return (await float64).gram(...parameters);
      },
    };
    const moved = await inMixed.movedTo(counting);
    const theta = await moved.start();
    expect(theta).toBe(await inMixed.start());
    const [one, other] = [await moved.evaluate(theta), await fresh.evaluate(theta)];
    expect(one).toEqual(other);
    expect(await moved.noiseFloor()).toBe(0);
    expect(moved.curvatureBound).toBe(inMixed.curvatureBound);
    const scale = await fresh.gradientScale();
    (await moved.gradientScale()).forEach((size, j) => expect(size / scale[j]!).toBeCloseTo(1, 5));
    const rounding = await fresh.rounding();
    (await moved.rounding()).forEach((size, j) => expect(size / rounding[j]!).toBeCloseTo(1, 5));
    expect(grams).toBe(0);
    for (const task of [inMixed, fresh, moved]) task.release();
  });
});

describe('a mixed fit alone', () => {
  it('ends as precision-floor a few steps after it is reached, not after all steps', async () => {
    const task = await problem(await mixed, from, objective);
    const rule = firstOf(tolerance(1e-8), maxSteps(500), stalled());
    const methods: readonly Solver[] = [newton, solver, accelerate(unaccelerated)(sharedNewton)];
    for (const method of methods) {
      const solution = await run(withStopping(rule)(method), task);
      expect(solution.status, method.name).toBe('precision-floor');
      const floor = await task.noiseFloor();
      const reached = solution.trace.find(({ residual }) => residual <= 10 * floor)?.step ?? Infinity;
      expect(solution.steps - reached, method.name).toBeLessThanOrEqual(30);
      expect(solution.residual).toBeLessThanOrEqual(10 * floor);
    }
    task.release();
  });

  it('is not said to be at the floor of precision while it goes on far above it', async () => {
    const task = await problem(await mixed, from, objective);
    // Half of the residual in some 14 steps.
    const slow = {
      ...solver,
      stop: firstOf(maxSteps(60), stalled()),
      init: async (...parameters: Parameters<typeof solver.init>) => ({
        ...(await solver.init(...parameters)),
        residual: 1,
      }),
      step: async (_: unknown, state: Awaited<ReturnType<typeof solver.init>>) => ({
        ...state,
        step: state.step + 1,
        residual: 0.95 * state.residual,
      }),
    };
    expect((await run(slow, task)).status).toBe('max-steps');
    task.release();
  });
});
