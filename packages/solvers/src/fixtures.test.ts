import { readFileSync } from 'node:fs';
import { backend as blas } from '@drnn/backend-blas';
import { backend as cpu } from '@drnn/backend-cpu';
import { backend as tfjsWasm } from '@drnn/backend-tfjs/wasm';
import { backend as wasm } from '@drnn/backend-wasm';
import { backend as webgpu } from '@drnn/backend-webgpu';
import { crossEntropy, type ObjectiveOptions } from '@drnn/objectives';
import { decodeNpy, toFloat64 } from '@drnn/recordings';
import { transitions, type Transitions } from '@drnn/simulator';
import { type Backend, matrix, type Matrix, type Precision, transpose } from '@drnn/tensor';
import { requires, sharedPath } from '@drnn/testing';
import { afterAll, describe, expect, it } from 'vitest';
import {
  accelerate,
  anderson,
  firstOf,
  maxSteps,
  lbfgs,
  newton,
  newtonPcg,
  newtonPcgWith,
  problem,
  run,
  sharedNewton,
  type Solution,
  type Solver,
  stalled,
  tolerance,
  withPolish,
  withStopping,
  withTrace,
} from './index.js';

/** Exact optima, polished in long double by an independent reference (specs/algorithms.md, section 5). */
const available = requires('shared');

const read = (name: string): Matrix => {
  const array = decodeNpy(readFileSync(sharedPath('fixtures', `${name}.npy`)), name);
  const [rows = 1, columns = 1] = array.shape;
  return matrix(rows, columns, toFloat64(array));
};

interface Case {
  readonly data: 'A' | 'B';
  readonly options: (from: Transitions) => ObjectiveOptions;
}

const zeroDiagonal = { constraints: { zeroDiagonal: true } } as const;
const variance = { weights: 'variance', ridge: 1e-5 } as const;

/** Weights of a noise-calibrated round from the true network: q / V where |d - mu| < 4 sqrt V, d not clipped. */
const frozenWeights = (from: Transitions, data: 'A' | 'B', inner: number, outer: number): Matrix => {
  const truth = [read(`${data}_W`), ...(data === 'B' ? [read('B_Win')] : [])];
  const { rows, columns } = from.targets;
  const weights = matrix(rows, columns);
  for (let t = 0; t < rows; t++) {
    for (let j = 0; j < columns; j++) {
      let z = 0;
      let p = 0;
      for (const part of truth) {
        for (let k = 0; k < part.columns; k++, p++) {
          z += part.data[j * part.columns + k]! * from.predictors.data[t * from.predictors.columns + p]!;
        }
      }
      const mu = Math.tanh(z);
      const q = 1 - mu * mu;
      const spread = (inner * q) ** 2 + outer ** 2;
      const kept = Math.abs(from.targets.data[t * columns + j]! - mu) < 4 * Math.sqrt(spread);
      weights.data[t * columns + j] = kept ? q / spread : 0;
    }
  }
  return weights;
};

const calibratedRound =
  (data: 'A' | 'B', inner: number, outer: number, lambda: number) =>
  (from: Transitions): ObjectiveOptions => ({
    ...zeroDiagonal,
    weights: { kind: 'explicit', values: frozenWeights(from, data, inner, outer) },
    ridge: lambda / from.targets.rows,
    targetClip: null,
  });

const cases: Readonly<Record<string, Case>> = {
  A1_wce_full: { data: 'A', options: () => ({ ...variance, constraints: { zeroDiagonal: false } }) },
  A2_wce_diag0: { data: 'A', options: () => ({ ...variance, ...zeroDiagonal }) },
  'A3_clip0.2_diag0': { data: 'A', options: () => ({ ...variance, ...zeroDiagonal, clip: 0.2 }) },
  A4_cap10_diag0: {
    data: 'A',
    options: () => ({ ...variance, ...zeroDiagonal, weights: { kind: 'capped', cap: 10 } }),
  },
  A5_calib_diag0: {
    data: 'A',
    options: () => ({ ...variance, ...zeroDiagonal, weights: { kind: 'calibrated', kappa: 0.0004 } }),
  },
  A7_nct_truew_diag0: { data: 'A', options: calibratedRound('A', 0.05, 0.001, 3.7037037037037033) },
  B1_wce_full: { data: 'B', options: () => ({ ...variance, constraints: { zeroDiagonal: false } }) },
  B2_wce_diag0: { data: 'B', options: () => ({ ...variance, ...zeroDiagonal }) },
  'B3_clip0.2_diag0': { data: 'B', options: () => ({ ...variance, ...zeroDiagonal, clip: 0.2 }) },
  B4_cap10_diag0: {
    data: 'B',
    options: () => ({ ...variance, ...zeroDiagonal, weights: { kind: 'capped', cap: 10 } }),
  },
  B5_calib_diag0: {
    data: 'B',
    options: () => ({ ...variance, ...zeroDiagonal, weights: { kind: 'calibrated', kappa: 0.010000000000000002 } }),
  },
  B6_cap10_mask: {
    data: 'B',
    options: () => ({
      ...variance,
      weights: { kind: 'capped', cap: 10 },
      constraints: { zeroDiagonal: false, connections: transpose(read('B_mask_free')) },
    }),
  },
  B7_nct_truew_diag0: { data: 'B', options: calibratedRound('B', 0.01, 0.001, 1.7777777777777777) },
};

/** The backends that must find the optima: one more is one more line. `here` is what the machine must have. */
interface Hardware {
  readonly name: string;
  readonly here: boolean;
  readonly precisions: readonly Precision[];
  /** Where each pass takes long: the mixed stage is then looked at in the polished fit alone. */
  readonly slow?: boolean;
  readonly make: (precision: Precision) => Promise<Backend>;
}
const both = ['float64', 'mixed'] as const;
const hardware: readonly Hardware[] = [
  { name: 'cpu', here: true, precisions: both, make: (precision) => cpu({ precision }) },
  { name: 'wasm', here: true, precisions: both, make: (precision) => wasm({ precision, threads: 2 }) },
  { name: 'blas', here: requires('blas'), precisions: both, make: (precision) => blas({ precision }) },
  { name: 'tfjs-wasm', here: true, precisions: ['mixed'], make: (precision) => tfjsWasm({ precision }) },
  {
    name: 'webgpu',
    here: requires('webgpu'),
    precisions: ['mixed'],
    slow: true,
    make: (precision) => webgpu({ precision }),
  },
];

const shared = accelerate(anderson())(sharedNewton);

interface Found {
  readonly solution: Solution;
  /** The largest error of theta over its largest entry. */
  readonly error: number;
  /** The largest relative error of a unit's objective. */
  readonly valueError: number;
}

/** The largest error of theta over its largest entry. */
const errorOf = (name: string, found: Matrix): number => {
  const theta = read(`${name}_theta`);
  const scale = Math.max(...theta.data.map(Math.abs));
  return Math.max(...theta.data.map((x, i) => Math.abs(x - found.data[i]!))) / scale;
};

const solve = async (
  name: string,
  on: Backend,
  how: (always: Solver, whereBounded: Solver) => Solver,
): Promise<Found> => {
  const { data, options } = cases[name] ?? { data: 'A', options: () => ({}) };
  const from = transitions({
    rates: read(`${data}_r`),
    alpha: 0.1,
    ...(data === 'B' ? { inputs: read('B_u') } : {}),
  });
  const task = await problem(on, from, crossEntropy(options(from)), { bias: false });
  const isBounded = task.curvatureBound !== null && task.curvatureBound <= 100;
  const solution = await run(how(newton, isBounded ? shared : newton), task);
  task.release();
  const value = read(`${name}_F`);
  const error = errorOf(name, solution.theta);
  const valueError = Math.max(...solution.value.map((f, j) => Math.abs(f / value.data[j]! - 1)));
  if (process.env['DRNN_PRINT'] !== undefined) {
    console.log(
      `${on.name} ${on.precision} ${name}: theta ${error.toExponential(1)} relative, objective ${valueError.toExponential(1)}, ` +
        `${solution.status} in ${solution.steps} steps, residual ${solution.residual.toExponential(1)}, bound ${solution.thetaErrorBound.toExponential(1)}`,
    );
  }
  return { solution, error, valueError };
};

describe.skipIf(!available).each(hardware)('exact optima on $name', ({ here, precisions, make, slow }) => {
  const rule = firstOf(tolerance(1e-12), maxSteps(300), stalled(5));
  const open: Partial<Record<Precision, Backend>> = {};
  /** One backend of each precision for all fixtures, so that nothing of one fit may disturb the next. */
  const on = async (precision: Precision): Promise<Backend> => (open[precision] ??= await make(precision));
  const exact = async (): Promise<Backend> =>
    precisions.includes('float64') ? on('float64') : (open.float64 ??= await wasm({ precision: 'float64' }));
  afterAll(async () => {
    for (const each of Object.values(open)) await each.close();
  });
  const test = it.skipIf(!here);
  const fixtures = (wanted: boolean): readonly string[] => (wanted ? Object.keys(cases) : []);

  test.each(fixtures(precisions.includes('float64')))('%s, float64: to 1e-8', async (fixture) => {
    const { error, valueError } = await solve(fixture, await on('float64'), (solver) => withStopping(rule)(solver));
    expect(error).toBeLessThan(1e-8);
    expect(valueError).toBeLessThan(1e-10);
  });

  test.each(fixtures(slow !== true))('%s, mixed alone: to 1e-4', async (fixture) => {
    const alone = withStopping(firstOf(tolerance(1e-8), maxSteps(300), stalled()));
    const methods = [(solver: Solver) => solver, (_: Solver, bounded: Solver) => bounded];
    for (const method of methods) {
      const { solution, error } = await solve(fixture, await on('mixed'), (...solvers) => alone(method(...solvers)));
      expect(solution.status).toBe('precision-floor');
      expect(error).toBeLessThan(1e-4);
      // What the fit says of its own error is true, and of use.
      expect(error).toBeLessThan(10 * solution.thetaErrorBound);
      expect(solution.thetaErrorBound).toBeLessThan(1e-3);
    }
    expect((await on('mixed')).memory()).toEqual({ handles: 0, bytes: 0 });
  });

  test.each(fixtures(true))('%s, mixed to 1e-4 and from there in float64 to 1e-8', async (fixture) => {
    let mixedError = Infinity;
    const look = withTrace((state) => {
      if (state.problem === undefined) mixedError = errorOf(fixture, state.theta);
    });
    // Longer than the mixed stage waits for its residual to halve.
    const stopped = withStopping(firstOf(tolerance(1e-12), maxSteps(300), stalled(12)));
    const polish = withPolish(exact);
    const { error, valueError } = await solve(fixture, await on('mixed'), (_, solver) => look(polish(stopped(solver))));
    expect(error).toBeLessThan(1e-8);
    expect(valueError).toBeLessThan(1e-10);
    expect(mixedError).toBeLessThan(1e-4);
  });
});

describe.skipIf(!available)('the same optima by methods without a factor for each unit', () => {
  const open = cpu();
  afterAll(async () => (await open).close());
  const methods: readonly (readonly [string, Solver])[] = [
    ['conjugate gradients in the metric', newtonPcg],
    ['conjugate gradients in the eigenbasis', newtonPcgWith({ preconditioner: 'eigenbasis' })],
    ['L-BFGS', lbfgs(10)],
  ];
  it.each(Object.keys(cases))('%s, to 1e-8', async (fixture) => {
    const rule = firstOf(tolerance(1e-11), maxSteps(400), stalled(10));
    for (const [name, solver] of methods) {
      const { error, valueError } = await solve(fixture, await open, () => withStopping(rule)(solver));
      expect(error, name).toBeLessThan(1e-8);
      expect(valueError, name).toBeLessThan(1e-10);
    }
  });
});
