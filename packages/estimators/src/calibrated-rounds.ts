import type { Matrix } from '@drnn/tensor';
import { calibratedLoss } from './calibrated-loss.js';
import { residualNoise, type ResidualNoise } from './residual-noise.js';
import type { RowSample } from './row-sample.js';
import { isPartlyObserved, type RoundTask } from './round-task.js';
import { firstShrinkage, nextShrinkage, ridgeOf, type Shrinkage } from './shrinkage.js';
import { type RoundResult, type RoundRule, solveRound } from './solve-round.js';

/** One round as it went. */
export interface Round extends ResidualNoise, Omit<RoundResult, 'theta' | 'metric' | 'meanCurvature'> {
  readonly shrinkage: Shrinkage;
  /** lambda [predictor] over the mean curvature: in the units of X'X. */
  readonly ridge: Float64Array;
}

export interface Rounds {
  readonly theta: Matrix;
  readonly rounds: readonly Round[];
}

export interface RoundsOptions {
  readonly rules: readonly CalibratedRule[];
  readonly signal?: AbortSignal;
  readonly onRound?: (round: Round, theta: Matrix) => void;
}

export interface CalibratedRule extends RoundRule {
  /**
   * Whether weights are divided by the autocorrelation time of the residuals. Only after a round near its optimum: what
   * a fit leaves undone looks autocorrelated, and weights tempered for that would leave it undone.
   */
  readonly tempered: boolean;
}

/** One Newton step, until the median unit is within half a standard error or 12 products are done. */
export const quickRound: CalibratedRule = {
  tempered: false,
  perUnit: 0.01,
  median: 0.25,
  products: 12,
  newtonSteps: 1,
  method: 'conjugate-gradients',
};
/** The first rounds only bring weights and ridge near: their optimum is not asked for. */
export const roughRound: CalibratedRule = { ...quickRound, median: 0.05, products: 24 };
export const middleRound: CalibratedRule = { tempered: false, perUnit: 0.01, median: 0, products: 60, newtonSteps: 1 };
/** Every unit to a tenth of a standard error, seen at the start of a further Newton step. */
export const lastRound: CalibratedRule = { tempered: true, perUnit: 0.01, median: 0, products: 60, newtonSteps: 6 };

/**
 * Noise-calibrated rounds (algorithms.md section 0): each is a strictly convex problem whose weights, trims and ridge
 * come from the estimate before and are then frozen,
 *
 *     minimise over theta_j  sum_t w_tj (Phi(z) - d z) + (lambda / 2) |theta_j|^2,   w = phi'(z0) / V inside the trim,
 *
 * V = s_in^2 phi'(z0)^2 + s_c^2 from the residuals (`noiseLevels`), lambda by empirical Bayes. Their sequence is a
 * reweighting scheme, not one convex problem.
 */
export const calibratedRounds = async (
  task: RoundTask,
  sample: RowSample,
  start: Matrix,
  options: RoundsOptions,
): Promise<Rounds> => {
  const partly = isPartlyObserved(task);
  const { signal } = options;
  const rounds: Round[] = [];
  let theta = start;
  let shrinkage = firstShrinkage(theta, task.shape);
  for (const rule of options.rules) {
    const seen = residualNoise(task, sample, theta);
    const noise = rule.tempered ? seen : { ...seen, autocorrelationTime: 1 };
    const ridge = ridgeOf(shrinkage, task.shape);
    const { metric, meanCurvature, ...result } = await solveRound(task, theta, {
      loss: calibratedLoss(task.transfer, noise.levels, noise.autocorrelationTime, partly),
      ridge,
      rule,
      ...(signal === undefined ? {} : { signal }),
    });
    const { theta: found, ...how } = result;
    theta = found;
    const round = { ...noise, shrinkage, ridge: ridge.map((lambda) => lambda / meanCurvature), ...how };
    rounds.push(round);
    options.onRound?.(round, theta);
    if (signal?.aborted === true) break;
    shrinkage = nextShrinkage(shrinkage, theta, task.shape, metric, meanCurvature);
  }
  return { theta, rounds };
};
