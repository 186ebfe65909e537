import { copyMatrix, matrix, type Matrix, refuse } from '@drnn/tensor';
import { relativeSize } from './error-bound.js';
import { residualOf, sum } from './fixed-point-map.js';
import { largestDamping, nextDamping } from './damping.js';
import { freeSet, principalSubmatrix, projectOut } from './free.js';
import { hessiansAtOnce, unitsAtOnceIssues } from './hessians-at-once.js';
import { backtrack } from './line-search.js';
import type { Problem } from './problem.js';
import type { Iterate, Solver } from './solver.js';
import { defaultStop } from './stopping.js';

/** The state of Newton's method for each unit. */
export interface NewtonState extends Iterate {
  /** -H_j^-1 g_j on the free coordinates, [predictor, unit]. */
  readonly direction: Matrix;
  /** mu_j: how much of the shared metric is added to each unit's Hessian. */
  readonly damping: Float64Array;
  /** |g_j at zero|, the scale of the residual. */
  readonly scale: Float64Array;
}

export interface NewtonOptions {
  /** Units whose Hessians are held at once: 8 P^2 bytes each. Default 256 MiB of them, and 16 at least: `hessiansAtOnce`. */
  readonly unitsAtOnce?: number;
}

/**
 * Newton's method for each unit with its own Hessian, all units in step: X' diag(h_j) X + Lambda is formed and factored
 * on the free coordinates, and each unit halves its step until its objective falls enough. The reference: T P^2 N flop
 * a step, quadratic convergence, no bound on the curvature needed, and an error bound that is H^-1 g itself. Far from the optimum a
 * clipped slope leaves samples without curvature and steps without measure: a unit that had to shorten its step adds
 * mu (X'X + Lambda) to its Hessian (Levenberg 1944; Marquardt 1963), mu growing until steps fit and fading when they do.
 */
export const newtonWith = (options: NewtonOptions = {}): Solver<NewtonState> => {
  refuse(unitsAtOnceIssues('newton unitsAtOnce', options.unitsAtOnce));
  return {
    name: 'newton',
    stop: defaultStop,
    init: async (problem, start) => {
      const theta = copyMatrix(start ?? (await problem.start()));
      projectOut(problem.free, theta);
      const scale = await problem.gradientScale();
      return stateAt(problem, options, {
        step: 0,
        theta,
        scale,
        damping: new Float64Array(theta.columns),
        ...(await problem.evaluate(theta)),
        exhausted: false,
      });
    },
    step: async (problem, state) => {
      const { length, ...found } = await backtrack(problem, state);
      // A unit that found no step tries again with more damping, as long as there is more to be had.
      const exhausted = length.every((a, j) => a === 0 && state.damping[j]! >= largestDamping);
      const damping = state.damping.map((mu, j) => nextDamping(mu, length[j]!));
      return stateAt(problem, options, { ...found, exhausted, damping, step: state.step + 1, scale: state.scale });
    },
  };
};

export const newton: Solver<NewtonState> = newtonWith();

interface Found {
  readonly theta: Matrix;
  readonly value: Float64Array;
  readonly gradient: Matrix;
  readonly exhausted: boolean;
}

const stateAt = async (
  problem: Problem,
  options: NewtonOptions,
  at: Found & { readonly step: number; readonly scale: Float64Array; readonly damping: Float64Array },
): Promise<NewtonState> => {
  const { host } = problem.on;
  const metric = await problem.metric();
  const noiseFloor = await problem.noiseFloor();
  const unitsAtOnce = options.unitsAtOnce ?? hessiansAtOnce(problem.shape.predictors);
  const { direction, exact } = await newtonDirection(problem, at, unitsAtOnce);
  return {
    ...at,
    objective: sum(at.value),
    direction,
    residual: residualOf(metric.dualNorm(at.gradient), at.scale, noiseFloor),
    // A step that is damped, of a shifted Hessian, or of a rounded gradient is not H^-1 g: the driver makes its own
    // estimate then.
    ...(!exact || noiseFloor > 0
      ? {}
      : {
          thetaErrorBound: relativeSize(host.columnDot(direction, direction), host.columnDot(at.theta, at.theta)),
        }),
  };
};

/** -H_j^-1 g_j for every unit, the Hessians made in blocks of units in one sweep each; `exact` if nothing was added. */
const newtonDirection = async (
  problem: Problem,
  { theta, gradient, damping }: Pick<NewtonState, 'theta' | 'gradient' | 'damping'>,
  unitsAtOnce: number,
): Promise<{ readonly direction: Matrix; readonly exact: boolean }> => {
  const { host } = problem.on;
  const { predictors, units } = problem.shape;
  const direction = matrix(predictors, units);
  const gram = await problem.gram();
  let exact = damping.every((mu) => mu === 0);
  const curvatures = await problem.curvatures(theta);
  try {
    for (let from = 0; from < units; from += unitsAtOnce) {
      const to = Math.min(units, from + unitsAtOnce);
      const hessians = await problem.on.gramEach(problem.rows.design, curvatures, from, to);
      hessians.forEach((hessian, k) => {
        const j = from + k;
        const set = freeSet(problem.free, predictors, j);
        const mu = damping[j]!;
        if (mu > 0) for (let i = 0; i < hessian.data.length; i++) hessian.data[i]! += mu * gram.data[i]!;
        const reduced = principalSubmatrix(hessian, set);
        const right = matrix(set.length, 1);
        let trace = 0;
        set.forEach((p, a) => {
          reduced.data[a * set.length + a]! += (1 + mu) * problem.ridge[p]!;
          trace += reduced.data[a * set.length + a]!;
          right.data[a] = -gradient.data[p * units + j]!;
        });
        // Without ridge a direction may have no curvature at all; the jitter makes the step there large, not infinite.
        let result = host.cholesky(reduced);
        for (let jitter = 1e-14; !result.ok && jitter < 1; jitter *= 100) {
          for (let a = 0; a < set.length; a++) {
            reduced.data[a * set.length + a]! += (jitter * (trace > 0 ? trace : 1)) / set.length;
          }
          result = host.cholesky(reduced);
          exact = false;
        }
        if (!result.ok) return;
        host.choleskySolve(result.factor, right, right);
        set.forEach((p, a) => (direction.data[p * units + j] = right.data[a]!));
      });
    }
  } finally {
    curvatures.release();
  }
  return { direction, exact };
};
