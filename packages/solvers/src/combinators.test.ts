/** The algebra of functions from solver to solver: what changes nothing, what commutes, what is idempotent. */
import { backend } from '@drnn/backend-cpu';
import { crossEntropy } from '@drnn/objectives';
import { type Backend, matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  accelerate,
  adam,
  anderson,
  bestSoFar,
  firstOf,
  type Iterate,
  iterate,
  lbfgs,
  maxSteps,
  nesterov,
  never,
  newton,
  newtonPcg,
  problem,
  run,
  sharedNewton,
  snapshot,
  type Solver,
  unaccelerated,
  withPolish,
  withRestart,
  withStopping,
  withTrace,
} from './index.js';
import { smallSamples } from './small-samples.js';

const on: Backend = await backend();
afterAll(() => on.close());
const task = problem(on, smallSamples({ seed: 31 }), crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-3 }));

const mixed = accelerate(anderson())(sharedNewton);
const leaping = adam({ learningRate: 0.1 });
const solvers: readonly Solver[] = [sharedNewton, mixed, newton, newtonPcg, lbfgs(4), leaping];
const anySolver = fc.constantFrom(...solvers);
const property = (body: (solver: Solver) => Promise<void>, numRuns = solvers.length) =>
  fc.assert(fc.asyncProperty(anySolver, body), { numRuns });

/** What a user sees of the first states. */
const shown = async (solver: Solver, count = 7): Promise<readonly object[]> => {
  const states: object[] = [];
  for await (const state of iterate(solver, await task)) {
    const { step, theta, value, objective, gradient, residual } = snapshot(state);
    states.push({ step, theta, value, objective, gradient, residual });
    if (state.step === count) return states;
  }
  return states;
};
const ended = async (solver: Solver) => {
  const { status, steps, theta, objective, residual } = await run(solver, await task);
  return { status, steps, theta, objective, residual };
};

type Combinator = (solver: Solver) => Solver;

describe('combinators', () => {
  it('what only watches, or asks for nothing, leaves every result alone, however it is stacked', async () => {
    const neutral: Readonly<Record<string, Combinator>> = {
      'a trace': (solver) => withTrace(() => undefined)(solver),
      'a sparse trace': (solver) => withTrace(() => undefined, 3)(solver),
      'its own rule again': (solver) => withStopping(solver.stop)(solver),
      'its rule and never': (solver) => withStopping(firstOf(never, solver.stop, never))(solver),
      'a restart that never comes': (solver) => withRestart(1e9)(solver),
      'a polish in float64 of float64': (solver) => withPolish(on)(solver),
    };
    await fc.assert(
      fc.asyncProperty(
        anySolver,
        fc.array(fc.constantFrom(...Object.keys(neutral)), { maxLength: 4 }),
        async (solver, names) => {
          const short = withStopping(firstOf(maxSteps(5), solver.stop))(solver);
          const stacked = names.reduce((inner, name) => neutral[name]?.(inner) ?? inner, short);
          expect(await ended(stacked)).toEqual(await ended(short));
        },
      ),
      { numRuns: 15 },
    );
  });

  it('withStopping commutes with all of them', async () => {
    const others: Readonly<Record<string, Combinator>> = {
      trace: (solver) => withTrace(() => undefined)(solver),
      restart: (solver) => withRestart(3)(solver),
      best: (solver) => bestSoFar(solver),
      polish: (solver) => withPolish(on)(solver),
    };
    for (const [name, other] of Object.entries(others)) {
      await property(async (solver) => {
        const stop = withStopping(maxSteps(5));
        expect(await ended(stop(other(solver))), name).toEqual(await ended(other(stop(solver))));
      }, 3);
    }
    const stop = withStopping(maxSteps(5));
    expect(await ended(stop(accelerate(nesterov)(sharedNewton)))).toEqual(
      await ended(accelerate(nesterov)(stop(sharedNewton))),
    );
  });

  it('of accelerations, and of stopping rules, the last wins; no acceleration is the identity', async () => {
    const plain = await shown(sharedNewton);
    expect(await shown(accelerate(unaccelerated)(sharedNewton))).toEqual(plain);
    expect(await shown(accelerate(unaccelerated)(mixed))).toEqual(plain);
    expect(await shown(accelerate(nesterov)(mixed))).toEqual(await shown(accelerate(nesterov)(sharedNewton)));
    expect(await shown(mixed)).not.toEqual(plain);
    const two = withStopping(maxSteps(2))(withStopping(maxSteps(4))(mixed));
    expect((await ended(two)).steps).toBe(2);
  });

  it('withTrace shows each state once, in order; of two sinks the inner sees it first', async () => {
    await property(async (solver) => {
      const seen: (readonly [string, number])[] = [];
      const traced = withTrace(
        (state) => seen.push(['outer', state.step]),
        2,
      )(withTrace((state) => seen.push(['inner', state.step]))(solver));
      await shown(traced, 4);
      expect(seen).toEqual([
        ['inner', 0],
        ['outer', 0],
        ['inner', 1],
        ['inner', 2],
        ['outer', 2],
        ['inner', 3],
        ['inner', 4],
        ['outer', 4],
      ]);
    });
  });

  it('a trace sees through what it is given: inside bestSoFar the iterates, outside the best', async () => {
    const collect = async (place: (trace: Combinator) => Solver): Promise<readonly number[]> => {
      const seen: number[] = [];
      await shown(
        place((solver) => withTrace((state) => seen.push(state.objective))(solver)),
        20,
      );
      return seen;
    };
    const inside = await collect((trace) => bestSoFar(trace(leaping)));
    const outside = await collect((trace) => trace(bestSoFar(leaping)));
    expect(inside.some((value, k) => k > 0 && value > inside[k - 1]!)).toBe(true);
    expect(outside).toEqual(inside.map((_value, k) => Math.min(...inside.slice(0, k + 1))));
  });

  it('bestSoFar is idempotent, and the identity where the objective falls', async () => {
    await property(async (solver) => {
      const best = await shown(bestSoFar(solver), 20);
      expect(await shown(bestSoFar(bestSoFar(solver)), 20)).toEqual(best);
    });
    // Two steps: near the optimum, what is best is a matter of rounding.
    const falling: readonly Solver[] = [sharedNewton, mixed, newtonPcg, lbfgs(4)];
    for (const solver of falling) expect(await shown(bestSoFar(solver), 2)).toEqual(await shown(solver, 2));
  });

  it('bestSoFar goes on from the iterate, not from the best', async () => {
    const [best, plain] = [await shown(bestSoFar(leaping), 30), await shown(leaping, 30)];
    const lowest = (states: readonly object[]) =>
      Math.min(...states.map((state) => ('objective' in state ? Number(state.objective) : Infinity)));
    expect(lowest(best)).toBe(lowest(plain));
  });

  it('withRestart changes nothing in what remembers nothing, and is a fresh start in what does', async () => {
    for (const every of [1, 2, 3])
      expect(await shown(withRestart(every)(sharedNewton))).toEqual(await shown(sharedNewton));
    // L-BFGS that forgets at each step is a search along the metric's direction.
    const forgetful = await shown(withRestart(1)(lbfgs(4)));
    expect(forgetful).not.toEqual(await shown(lbfgs(4)));
    expect(forgetful).toEqual(await shown(withRestart(1)(lbfgs(1))));
    // A restart every three steps is three steps, three steps, ...
    const at = await task;
    const three = await run(withStopping(maxSteps(3))(mixed), at);
    const six = await run(withStopping(maxSteps(3))(mixed), at, { start: three.theta });
    const restarted = await run(withStopping(maxSteps(6))(withRestart(3)(mixed)), at);
    expect(restarted.theta).toEqual(six.theta);
  });

  it('leaves the solver it was given as it was', async () => {
    await property(async (solver) => {
      const before = { ...solver };
      const changed: readonly Solver[] = [
        withStopping(never)(solver),
        withTrace(() => undefined)(solver),
        withRestart(2)(solver),
        bestSoFar(solver),
        withPolish(on)(solver),
      ];
      expect(changed.every((each) => each !== solver)).toBe(true);
      expect(solver).toEqual(before);
    });
  });

  it('a polished best-so-far of a mixed solver reaches the optimum of float64, stacked either way', async () => {
    const rounded = await backend({ precision: 'mixed' });
    const exact = await task;
    const on32 = await problem(rounded, exact.source, exact.objective);
    const { theta } = await run(mixed, exact);
    const polished = withPolish(on)(mixed);
    // Values that float32 has rounded below those of float64 must not be the best for ever.
    const low: Solver = {
      ...polished,
      step: async (given, state: Awaited<ReturnType<typeof polished.init>>) => {
        const next = await polished.step(given, state);
        return next.exact === null ? { ...next, objective: next.objective - 1 } : next;
      },
    };
    const stacks: readonly Solver<Iterate>[] = [
      polished,
      withPolish(on)(bestSoFar(mixed)),
      bestSoFar(polished),
      bestSoFar(low),
    ];
    for (const solver of stacks) {
      const found = await run(solver, on32);
      expect(found.status).toBe('converged');
      const difference = matrix(theta.rows, theta.columns);
      theta.data.forEach((x, i) => (difference.data[i] = Math.abs(x - found.theta.data[i]!)));
      expect(Math.max(...difference.data)).toBeLessThan(1e-6);
    }
    await rounded.close();
  });
});
