import { failure, matrix, type Matrix } from '@drnn/tensor';
import { backtrack } from './line-search.js';
import { type Measured, measured, startOf } from './measured.js';
import { largestEigenvalue } from './power-iteration.js';
import type { Problem } from './problem.js';
import type { Solver } from './solver.js';
import { firstOf, maxSteps, stalled, tolerance } from './stopping.js';

export interface GradientDescentOptions {
  /**
   * `lipschitz`: 1 / L with L = c lambda_max(X'X) + max Lambda, by power iteration; needs a curvature bound c. `armijo`:
   * twice the last length, halved until the
   * objective falls by 0.4 of what its slope predicts; some two evaluations a step. Default `lipschitz`.
   */
  readonly step?: 'lipschitz' | 'armijo';
}

export interface GradientDescentState extends Measured {
  /** Each unit's last length; where none was found, half of what was tried. */
  readonly length: Float64Array;
}

/** Half would cut every step to 1 / L along its direction; nearer 0, steps that overshoot and gain next to nothing pass. */
const sufficientDecrease = 0.4;
/** Power iteration is from below. */
const safety = 1.1;

/**
 * Gradient descent: theta_j - a_j g_j on the free coordinates, blind to the metric; for comparison, since a step gains
 * only 1 - 1 / condition(H_j). A unit whose objective would not fall halves its step. Cost 4 T P N flop a step and one
 * solve with the metric, for the residual alone.
 */
export const gradientDescent = (options: GradientDescentOptions = {}): Solver<GradientDescentState> => {
  const { step = 'lipschitz' } = options;
  return {
    name: step === 'armijo' ? 'gradient-descent(armijo)' : 'gradient-descent',
    stop: firstOf(tolerance(), maxSteps(10_000), stalled(1000)),
    init: async (problem, start) => {
      const theta = await startOf(problem, start);
      return {
        ...(await measured(problem, 0, { theta, ...(await problem.evaluate(theta)) })),
        length: new Float64Array(theta.columns).fill(await firstLength(problem, step)),
        exhausted: false,
      };
    },
    step: async (problem, state) => {
      const direction = negative(state.gradient);
      const first = step === 'armijo' ? state.length.map((a) => 2 * a) : state.length;
      const search = { first, sufficientDecrease };
      const { length, theta, value, gradient } = await backtrack(problem, { ...state, direction }, search);
      return {
        ...(await measured(problem, state.step + 1, { theta, value, gradient })),
        length: length.map((a, j) => (a > 0 ? a : first[j]! / 2)),
        exhausted: length.every((a) => a === 0),
      };
    },
  };
};

const firstLength = async (problem: Problem, step: 'lipschitz' | 'armijo'): Promise<number> => {
  const bound = problem.curvatureBound;
  if (bound === null && step === 'lipschitz') {
    throw failure({
      path: 'solver',
      seen: 'gradient-descent with a step of 1 / L and a curvature of no known bound',
      expected: 'an objective whose curvature is bounded',
      hint: "use gradientDescent({ step: 'armijo' }), clip the slope (clip 0.2), or cap the weights",
    });
  }
  const largest = safety * (bound ?? 1) * largestEigenvalue(problem.on.host, await problem.gram());
  const lipschitz = largest + problem.ridge.reduce((a, b) => Math.max(a, b), 0);
  return lipschitz > 0 ? 1 / lipschitz : 1;
};

const negative = (a: Matrix): Matrix =>
  matrix(
    a.rows,
    a.columns,
    a.data.map((x) => -x),
  );
