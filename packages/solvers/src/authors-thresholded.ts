import { crossEntropy } from '@drnn/objectives';
import type { Observations, Transitions } from '@drnn/simulator';
import { type Backend, copyMatrix, type Matrix } from '@drnn/tensor';
import { authorsErrors, type OnAuthorsStep } from './authors-errors.js';
import { problem as problemOn } from './problem.js';

export interface AuthorsThresholdedOptions {
  /** Weighted errors above this size count as 0. Default 0.2, the authors' setting for experiment 1. */
  readonly threshold?: number;
  /** Always this many; the iteration has no other end. Default 100. */
  readonly steps?: number;
  /** Per transition, over all of Theta. Default 1e-5. */
  readonly ridge?: number;
  /** [predictor, unit]; default the fixed point A^-1 X' atanh(d). */
  readonly start?: Matrix;
  readonly onStep?: OnAuthorsStep;
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
  const objective = crossEntropy({ weights: 'variance', ridge, constraints: { zeroDiagonal: false } });
  return on.scope(async (inner) => {
    const task = await problemOn(inner, source, objective, { bias: false });
    const errorsAt = authorsErrors(inner, task, threshold);
    const metric = await task.metric();
    const theta = copyMatrix(options.start ?? (await task.start()));
    const lambda = task.ridge;
    const { columns } = theta;
    for (let step = 0; options.onStep?.(step, theta) !== false && step < steps; step++) {
      const errors = await errorsAt(theta);
      for (let i = 0; i < errors.data.length; i++) {
        errors.data[i]! -= lambda[Math.floor(i / columns)]! * theta.data[i]!;
      }
      const move = metric.solve(errors);
      for (let i = 0; i < theta.data.length; i++) theta.data[i]! += move.data[i]!;
    }
    return theta;
  });
};
