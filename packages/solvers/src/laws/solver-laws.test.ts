import { backend as blas } from '@drnn/backend-blas';
import { backend } from '@drnn/backend-cpu';
import { backend as wasm } from '@drnn/backend-wasm';
import { requires } from '@drnn/testing';
import type { Backend, Matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import {
  accelerate,
  adam,
  admm,
  anderson,
  bestSoFar,
  gradientDescent,
  type Iterate,
  lbfgs,
  type MapState,
  nesterov,
  newton,
  newtonPcg,
  newtonPcgWith,
  type NewtonState,
  sharedNewton,
  type Solver,
  withPolish,
  withRestart,
  withTrace,
} from '../index.js';
import { assertSolver, type SolverPromises } from './index.js';

const decayingAdam = adam({ learningRate: (step) => 0.1 * 0.996 ** step, beta2: 0.99 });
const adamPromises: SolverPromises = { monotone: 'none', optimum: 1e-3, maxSteps: 2000 };
const mixed = accelerate(anderson(5))(sharedNewton);

/** Every solver there is, and what it promises. */
const shipped: readonly (readonly [Solver, SolverPromises, number?])[] = [
  [newton, {}],
  [newtonPcg, {}],
  [newtonPcgWith({ preconditioner: 'eigenbasis' }), {}],
  [newtonPcgWith({ curvatures: 'recompute' }), {}],
  [sharedNewton, {}],
  [mixed, {}],
  [accelerate(nesterov)(sharedNewton), {}],
  [lbfgs(5), {}],
  [lbfgs(1), {}],
  [gradientDescent(), { maxSteps: 10_000 }, 1],
  [gradientDescent({ step: 'armijo' }), { maxSteps: 10_000 }, 1],
  [admm({ rho: 1 }), { monotone: 'none', maxSteps: 5000 }, 1],
  [decayingAdam, adamPromises, 1],
  [bestSoFar(decayingAdam), { ...adamPromises, monotone: 'sum' }, 1],
  [withRestart(4)(mixed), {}],
  [withTrace(() => undefined)(bestSoFar(lbfgs(3))), {}],
];

describe('every solver obeys the laws on cpu', () => {
  it.each(shipped.map(([solver, promises, runs], k) => [`${solver.name} (${k})`, solver, promises, runs] as const))(
    '%s',
    async (_name, solver, promises, runs = 2) => {
      await assertSolver(solver, { on: backend, promises, runs });
    },
  );
});

describe('and on other backends', () => {
  const some: readonly Solver[] = [newtonPcg, mixed, lbfgs(5)];
  it.each(some.map((solver) => [solver.name, solver] as const))('%s on wasm in float64', async (_name, solver) => {
    await assertSolver(solver, { on: () => wasm({ precision: 'float64', threads: 1 }), runs: 1 });
  });

  it('newton-pcg in mixed precision, to what rounding leaves', async () => {
    await assertSolver(newtonPcg, { on: () => wasm({ threads: 1 }), runs: 1 });
  });

  it.skipIf(!requires('blas'))('newton-pcg on blas', async () => {
    await assertSolver(newtonPcg, { on: () => blas({ precision: 'float64', threads: 1 }), runs: 1 });
  });

  it('a mixed fit that is polished in float64', async () => {
    const exact = await backend();
    await assertSolver(withPolish(exact)(mixed), { on: () => backend({ precision: 'mixed' }), runs: 1 });
    await exact.close();
  });
});

describe('the laws refuse', () => {
  const changed = (changes: (state: MapState, start: Matrix | undefined) => Partial<MapState>): Solver<MapState> => ({
    ...sharedNewton,
    init: async (problem, start) => {
      const state = await sharedNewton.init(problem, start);
      return { ...state, ...changes(state, start) };
    },
    step: async (problem, state) => {
      const next = await sharedNewton.step(problem, state);
      return { ...next, ...changes(next, undefined) };
    },
  });
  const scaled = (a: Matrix, by: number): Matrix => ({ ...a, data: a.data.map((x) => x * by) });
  const of = <State extends Iterate>(solver: Solver<State>): Solver => solver;
  let calls = 0;

  const broken: Readonly<Record<string, readonly [Solver<Iterate>, RegExp, SolverPromises?]>> = {
    'a start that is not kept': [
      changed((state, start) => (start === undefined ? {} : { theta: scaled(state.theta, 1.1) })),
      /start is where it begins/,
    ],
    'a start that is changed': [
      of<NewtonState>({
        ...newton,
        init: async (problem, start) => {
          const state = await newton.init(problem, start);
          if (start !== undefined && start.data.length > 0) start.data[0] = 17;
          return state;
        },
      }),
      /start is where it begins/,
    ],
    'a value that is not that of its point': [
      changed(({ value, objective }) => ({ value: value.map((v) => v * 0.9), objective: objective * 0.9 })),
      /tells the truth/,
    ],
    'a residual that is made smaller': [changed(({ residual }) => ({ residual: residual / 10 })), /tells the truth/],
    'steps that are not counted': [changed(({ step }) => ({ step: 2 * step })), /tells the truth/],
    'a broken constraint': [
      of<MapState>({
        ...sharedNewton,
        step: async (problem, state) => {
          const next = await sharedNewton.step(problem, state);
          const theta = { ...next.theta, data: next.theta.data.map((x) => (x === 0 ? 1e-9 : x)) };
          return { ...next, theta };
        },
      }),
      /breaks a constraint/,
    ],
    'a step that is too long': [
      {
        ...adam({ learningRate: 0.5 }),
        name: 'leaping',
      },
      /objectives fall/,
    ],
    'a solver that stops short': [
      of<MapState>({
        ...sharedNewton,
        step: async (problem, state) => ({ ...(await sharedNewton.step(problem, state)), exhausted: true }),
      }),
      /ends at the optimum/,
    ],
    'memory that two runs share': [
      of<MapState>({
        ...sharedNewton,
        step: async (problem, state) => {
          calls++;
          return calls % 5 === 0 ? { ...state, step: state.step + 1 } : sharedNewton.step(problem, state);
        },
      }),
      /run is the end of iterate/,
    ],
    'rows that are left behind': [
      of<NewtonState>({
        ...newton,
        step: async (problem, state) => {
          await problem.curvatures(state.theta);
          return newton.step(problem, state);
        },
      }),
      /leaves nothing on the backend/,
    ],
  };

  it.each(Object.entries(broken))('%s', async (_name, [solver, why, promises = {}]) => {
    await expect(assertSolver<Iterate>(solver, { on: backend, promises, runs: 6, seed: 4 })).rejects.toThrow(why);
  });

  it('naming the law and the seed', async () => {
    const found: unknown = await assertSolver(
      changed(({ residual }) => ({ residual: residual / 10 })),
      {
        on: async (): Promise<Backend> => backend(),
      },
    ).catch((error: unknown) => error);
    expect(String(found)).toMatch(/shared-newton, law .*truth.*\n?.*seed/s);
  });
});
