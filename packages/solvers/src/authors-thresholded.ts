import { type Objective, crossEntropy } from '@drnn/objectives';
import type { Observations, Transitions } from '@drnn/simulator';
import { abs, type Backend, copyMatrix, lessEqual, matrix, type Matrix, where } from '@drnn/tensor';
import { problem as problemOn } from './problem.js';

export interface AuthorsThresholdedOptions {
  /** Weighted errors above this size count as 0. Default 0.2, the authors' setting for experiment 1. */
  readonly threshold?: number;
  /** Always this many; the iteration has no other end. Default 100. */
  readonly steps?: number;
  /** Per transition, over all of Theta. Default 1e-5. */
  readonly ridge?: number;
  /** Called after each step. */
  readonly onStep?: (step: number, theta: Matrix) => void;
}

/**
 * The iteration of CORNN's published code (Dinc et al. 2023; mode "weighted"): from the fixed point A^-1 X' atanh(d),
 *
 *     Theta <- Theta - A^-1 (lambda Theta - X' E),   E = (d - tanh X Theta) / (1 - d^2) where that is at most the
 *     threshold in size and 0 elsewhere, each unit's errors multiplied by T / (T - number of excluded).
 *
 * Its slope falls back to 0 beyond the threshold, so that it is NOT a convex fit: the result depends on the start, and
 * nothing is proven to decrease. Offered for comparison, under its own name. The diagonal is free, there is no bias,
 * and a unit all of whose errors are excluded (where the original gives NaN) follows the ridge alone. Cost 4 T P N flop
 * a step.
 */
export const authorsThresholded = async (
  on: Backend,
  source: Observations | Transitions,
  options: AuthorsThresholdedOptions = {},
): Promise<Matrix> => {
  const { threshold = 0.2, steps = 100, ridge = 1e-5 } = options;
  const objective: Objective = crossEntropy({
    weights: 'variance',
    ridge,
    constraints: { zeroDiagonal: false },
  });
  return on.scope(async (inner) => {
    const task = await problemOn(inner, source, objective, { bias: false });
    const metric = await task.metric();
    const kept = where(lessEqual(abs(objective.slope), threshold), objective.slope, 0);
    const included = where(lessEqual(abs(objective.slope), threshold), 1, 0);
    const theta = copyMatrix(await task.start());
    const { transitions } = task.shape;
    for (let step = 1; step <= steps; step++) {
      const { backProject, columnSums } = await inner.pass(task.rows.design, {
        currents: { z: theta },
        data: task.rows.data,
        backProject: [kept],
        columnSums: [included],
      });
      const [gradient, counts] = [backProject[0] ?? matrix(0, 0), columnSums[0] ?? new Float64Array()];
      const { rows, columns } = theta;
      for (let p = 0; p < rows; p++) {
        for (let j = 0; j < columns; j++) {
          const i = p * columns + j;
          const rescale = counts[j]! > 0 ? transitions / counts[j]! : 0;
          gradient.data[i] = gradient.data[i]! * rescale + task.ridge[p]! * theta.data[i]!;
        }
      }
      const move = metric.solve(gradient);
      for (let i = 0; i < theta.data.length; i++) theta.data[i]! -= move.data[i]!;
      options.onStep?.(step, theta);
    }
    return theta;
  });
};
