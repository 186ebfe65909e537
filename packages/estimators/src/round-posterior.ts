import type { TransitionSource } from '@drnn/simulator';
import type { Backend, Matrix } from '@drnn/tensor';
import { calibratedLoss } from './calibrated-loss.js';
import type { Round } from './calibrated-rounds.js';
import { freezeAt, releasePoint, withCurvatures } from './round-point.js';
import { isPartlyObserved, type NetworkAssumptions, releaseTask, roundTask } from './round-task.js';
import { ridgeOf } from './shrinkage.js';
import type { Posterior } from './standard-errors.js';

export interface RoundPosteriorRequest extends NetworkAssumptions {
  /** The final estimate, [predictor, unit]. */
  readonly theta: Matrix;
  /** The round that led to it: its noise, its autocorrelation time and its shrinkage are taken as known. */
  readonly round: Pick<Round, 'levels' | 'autocorrelationTime' | 'shrinkage'>;
}

/**
 * The posterior of a fit that calibrated rounds made, its weights and trims frozen at the final estimate, as another round
 * would freeze them: h = q^2 / (V tau) inside the trim, q = phi'(z), V = s_in^2 q^2 + s_c^2, the inverse variance of a
 * current. Given to `use`, and released after it: rows are put on the backend anew. Cost one pass.
 */
export const withRoundPosterior = async <Result>(
  on: Backend,
  source: TransitionSource,
  { theta, round, ...assumptions }: RoundPosteriorRequest,
  use: (posterior: Posterior) => Promise<Result>,
): Promise<Result> => {
  const task = await roundTask(on, [source], assumptions);
  try {
    const { levels, autocorrelationTime, shrinkage } = round;
    const loss = calibratedLoss(task.transfer, levels, autocorrelationTime, isPartlyObserved(task));
    const ridge = ridgeOf(shrinkage, task.shape);
    const { round: frozen, point } = await freezeAt(task, theta, loss, ridge, false);
    try {
      return await withCurvatures(frozen, point, ([curvatures]) => {
        const [part] = task.parts;
        if (part === undefined || curvatures === undefined) throw new Error('a task has one part here');
        return use({ on, design: part.design, curvatures, ridge, free: task.free });
      });
    } finally {
      releasePoint(point);
      frozen.release();
    }
  } finally {
    releaseTask(task);
  }
};
