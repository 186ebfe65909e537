import type { Matrix } from '@drnn/tensor';
import { calibratedLoss } from './calibrated-loss.js';
import { residualNoise, type ResidualNoise } from './residual-noise.js';
import type { RowSample } from './row-sample.js';
import { isPartlyObserved, type RoundTask } from './round-task.js';
import { firstShrinkage, nextShrinkage, ridgeOf, type Shrinkage } from './shrinkage.js';
import { type RoundResult, type RoundRule, solveRound } from './solve-round.js';
import { type SolvedRound, temperedTheta } from './tempered-theta.js';

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
  /** In turn; of rules that have `renews`, one whose round was not renewed is the last. */
  readonly rules: readonly CalibratedRule[];
  /** What the weights of the last round are divided by at its end, beyond the autocorrelation time. Default 1. */
  readonly tempering?: number;
  /** Called with the last round while its rows are kept. */
  readonly onLast?: (solved: SolvedRound) => Promise<void>;
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

/**
 * One Newton step with the work of at most 6 products, spent on the units that are farthest off: first until each is
 * within some standard errors, then on. Where that comes cheap and explains most of what was taken for noise, other
 * weights will gain more than more products: under Poisson noise of size .1 (N = 90, where .9 is explained) three rounds
 * give an error of .023, one .43; under Gaussian noise (N = 500, .65 to .77) two would give .055 for .081, in 1.6 times
 * the time.
 */
export const quickRound: CalibratedRule = {
  tempered: false,
  grouped: true,
  perUnit: 0.01,
  unitEnds: [5, 3, 1, 0.3, 0.1],
  renews: { work: 4.6, explained: 0.8 },
  products: 6,
  newtonSteps: 1,
  method: 'conjugate-gradients',
};
const { renews: _, ...lastQuickRound } = quickRound;
/**
 * Up to three of them. Where one was renewed the next is more readily: under the Poisson noise of study 8 (N = 200) a third
 * takes the error from .62 to .37 (T = 1500) and from .114 to .013 (T = 3000).
 */
export const quickRounds: readonly CalibratedRule[] = [
  quickRound,
  { ...quickRound, renews: { work: 4.6, explained: 0.5 } },
  lastQuickRound,
];
/** The first rounds only bring weights and ridge near: their optimum is not asked for. */
export const roughRound: CalibratedRule = {
  tempered: false,
  grouped: true,
  perUnit: 0.01,
  unitEnds: [0.5],
  products: 24,
  newtonSteps: 1,
  method: 'conjugate-gradients',
};
/** Its products too go first to the units that are farthest off. */
export const middleRound: CalibratedRule = {
  tempered: false,
  grouped: true,
  perUnit: 0.01,
  unitEnds: [0.3, 0.1, 0.03],
  products: 60,
  newtonSteps: 1,
};
/** Every unit to a tenth of a standard error, seen at the start of a further Newton step. */
export const lastRound: CalibratedRule = {
  tempered: true,
  grouped: true,
  perUnit: 0.01,
  products: 60,
  newtonSteps: 6,
};

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
  const { signal, tempering = 1 } = options;
  const rounds: Round[] = [];
  let theta = start;
  let shrinkage = firstShrinkage(theta, task.shape);
  for (const rule of options.rules) {
    const seen = residualNoise(task, sample, theta);
    const noise = rule.tempered ? seen : { ...seen, autocorrelationTime: 1 };
    const ridge = ridgeOf(shrinkage, task.shape);
    const isLast = (renewed: boolean): boolean =>
      rule === options.rules.at(-1) || (rule.renews !== undefined && !renewed);
    let tempered: Matrix | null = null;
    const { metric, meanCurvature, ...result } = await solveRound(task, theta, {
      loss: calibratedLoss(task.transfer, noise.levels, noise.autocorrelationTime, partly),
      ridge,
      rule,
      onSolved: async (solved, renewed) => {
        if (!isLast(renewed)) return;
        await options.onLast?.(solved);
        if (tempering !== 1) tempered = await temperedTheta(solved, tempering);
      },
      ...(signal === undefined ? {} : { signal }),
    });
    const { theta: found, ...how } = result;
    theta = tempered ?? found;
    const autocorrelationTime = noise.autocorrelationTime * (tempered === null ? 1 : tempering);
    const round = {
      ...noise,
      autocorrelationTime,
      shrinkage,
      ridge: ridge.map((lambda) => lambda / meanCurvature),
      ...how,
    };
    rounds.push(round);
    options.onRound?.(round, theta);
    if (signal?.aborted === true || isLast(how.renewed)) break;
    shrinkage = nextShrinkage(shrinkage, theta, task.shape, metric, meanCurvature);
  }
  return { theta, rounds };
};
