import { copyMatrix, failure, matrix, type Matrix, refuse } from '@drnn/tensor';
import { relativeSize } from './error-bound.js';
import { projectOut } from './free.js';
import { type Metric, metricOf } from './metric.js';
import { type Measured, measured, startOf } from './measured.js';
import type { Problem } from './problem.js';
import { usefulCurvatureBound } from './shared-newton.js';
import type { Solver } from './solver.js';
import { firstOf, maxSteps, stalled, tolerance } from './stopping.js';

export interface AdmmOptions {
  /** rho' = rho times the largest ridge. Default 100, as in the published code; convergence depends on it strongly. */
  readonly rho?: number;
}

export interface AdmmState extends Measured {
  /** The iterate that need not keep the constraints. */
  readonly relaxed: Matrix;
  /** v, the scaled dual variable. */
  readonly dual: Matrix;
  /** |relaxed - theta|, the largest over units relative to |theta|. */
  readonly primalResidual: number;
  /** |theta - theta before| / |v|, the largest over units: rho' times both is what the split leaves of the gradient. */
  readonly dualResidual: number;
  /** The factor of c X'X + Lambda + rho'. */
  readonly system: Metric;
  readonly penalty: number;
}

/**
 * CORNN's way to zeros (Dinc et al. 2023), scaled ADMM (Boyd et al. 2011, section 3.1.1) on the convex objective, its
 * first problem solved by one quasi-Newton step:
 *
 *     x     <- x - (c X'X + Lambda + rho')^-1 (grad F(x) + rho' (x - theta + v)),
 *     theta <- x + v with its fixed coordinates set to 0,     v <- v + x - theta,     c = max(1, curvature bound),
 *
 * c so that the step majorises (linearised ADMM) and the iteration converges; 1 in the published code. The state is theta, which
 * keeps its zeros exactly; not monotone. For comparison: exact projections in the metric, as of every other solver here, need no
 * rho. Cost 8 T P N flop a step, half of it for what the state tells of theta.
 */
export const admm = (options: AdmmOptions = {}): Solver<AdmmState> => {
  const { rho = 100 } = options;
  refuse(
    rho > 0 && Number.isFinite(rho) ? [] : [{ path: 'admm rho', seen: `${rho}`, expected: 'a finite number above 0' }],
  );
  return {
    name: `admm(${rho})`,
    stop: firstOf(tolerance(), maxSteps(2000), stalled(500)),
    init: async (problem, start) => {
      const { penalty, system } = await prepare(problem, rho);
      const theta = await startOf(problem, start);
      return {
        ...(await measured(problem, 0, { theta, ...(await problem.evaluate(theta)) })),
        relaxed: copyMatrix(theta),
        dual: matrix(theta.rows, theta.columns),
        primalResidual: Infinity,
        dualResidual: Infinity,
        system,
        penalty,
      };
    },
    step: async (problem, state) => {
      const { penalty, system } = state;
      const { gradient: pull } = await problem.evaluateUnconstrained(state.relaxed);
      for (let i = 0; i < pull.data.length; i++) {
        pull.data[i]! += penalty * (state.relaxed.data[i]! - state.theta.data[i]! + state.dual.data[i]!);
      }
      const move = system.solve(pull);
      const relaxed = matrix(move.rows, move.columns);
      const theta = matrix(move.rows, move.columns);
      for (let i = 0; i < move.data.length; i++) {
        relaxed.data[i] = state.relaxed.data[i]! - move.data[i]!;
        theta.data[i] = relaxed.data[i]! + state.dual.data[i]!;
      }
      projectOut(problem.free, theta);
      const dual = matrix(move.rows, move.columns);
      for (let i = 0; i < move.data.length; i++) {
        dual.data[i] = state.dual.data[i]! + relaxed.data[i]! - theta.data[i]!;
      }
      return {
        ...(await measured(problem, state.step + 1, { theta, ...(await problem.evaluate(theta)) })),
        relaxed,
        dual,
        primalResidual: relativeChange(problem, relaxed, theta, theta),
        dualResidual: relativeChange(problem, theta, state.theta, dual),
        system,
        penalty,
      };
    },
  };
};

const prepare = async (problem: Problem, rho: number) => {
  const largestRidge = problem.ridge.reduce((a, b) => Math.max(a, b), 0);
  const bound = problem.curvatureBound;
  if (largestRidge === 0) {
    throw failure({
      path: 'solver',
      seen: 'admm without ridge, of which its rho is a multiple',
      expected: 'a ridge above 0',
      hint: 'give a small ridge, or use another solver',
    });
  }
  if (bound === null || bound > usefulCurvatureBound) {
    throw failure({
      path: 'solver',
      seen: `admm with a curvature of ${bound === null ? 'no known bound' : `up to ${bound.toPrecision(3)}`}`,
      expected: `a curvature of at most ${usefulCurvatureBound} times that of the shared metric`,
      hint: 'clip the slope (clip 0.2), cap the weights, or use the solver newton',
    });
  }
  const penalty = rho * largestRidge;
  const scale = Math.max(1, bound);
  const gram = copyMatrix(await problem.gram());
  for (let i = 0; i < gram.data.length; i++) gram.data[i]! *= scale;
  const shifted = problem.ridge.map((lambda) => lambda + penalty);
  return { penalty, system: metricOf(problem.on.host, gram, shifted, { kind: 'all' }) };
};

/** |a - b| / |reference|, the largest over units. */
const relativeChange = (problem: Problem, a: Matrix, b: Matrix, reference: Matrix): number => {
  const { host } = problem.on;
  const change = matrix(
    a.rows,
    a.columns,
    a.data.map((x, i) => x - b.data[i]!),
  );
  return relativeSize(host.columnDot(change, change), host.columnDot(reference, reference));
};
