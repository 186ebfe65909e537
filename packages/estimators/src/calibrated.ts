import type { Matrix } from '@drnn/tensor';
import { calibratedLoss } from './calibrated-loss.js';
import { type Pilot, pilot, type PilotOptions } from './pilot.js';
import { residualNoise, type ResidualNoise } from './residual-noise.js';
import type { RowSample } from './row-sample.js';
import type { RoundTask } from './round-task.js';
import { firstShrinkage, nextShrinkage, ridgeOf, type Shrinkage } from './shrinkage.js';
import { type RoundResult, type RoundRule, solveRound } from './solve-round.js';

export type Effort = 'quick' | 'full';

export interface CalibratedOptions {
  /** `quick` is the pilot and one round; `full` two rough rounds and a last one to a tenth of a standard error. */
  readonly effort: Effort;
  readonly pilot: PilotOptions;
  readonly signal?: AbortSignal;
  /** Told of every stage as it ends. */
  readonly onStage?: (stage: string, theta: Matrix) => void;
}

/** One round as it went. */
export interface Round extends ResidualNoise, Omit<RoundResult, 'theta' | 'metric' | 'meanCurvature'> {
  readonly shrinkage: Shrinkage;
}

export interface Calibrated {
  readonly theta: Matrix;
  readonly pilot: Omit<Pilot, 'theta'>;
  readonly rounds: readonly Round[];
}

/** One Newton step, until the median unit is within half a standard error or 12 products are done. */
const quickRound: RoundRule = { perUnit: 0.01, median: 0.25, products: 12, newtonSteps: 1, method: 'conjugate-gradients' };
/** The first rounds only bring weights and ridge near: their optimum is not asked for. */
const roughRound: RoundRule = { ...quickRound, median: 0.05, products: 24 };
const middleRound: RoundRule = { perUnit: 0.01, median: 0, products: 60, newtonSteps: 1 };
/** Every unit to a tenth of a standard error, seen at the start of a further Newton step. */
const lastRound: RoundRule = { perUnit: 0.01, median: 0, products: 60, newtonSteps: 6 };

export const roundsOf: Readonly<Record<Effort, readonly RoundRule[]>> = {
  quick: [quickRound],
  full: [roughRound, middleRound, lastRound],
};

/**
 * The noise-calibrated estimator (algorithms.md section 0): a convex pilot, then rounds, each a strictly convex problem
 * whose weights, trims and ridge come from the estimate before. Each round is convex; their sequence is a reweighting
 * scheme. Weights are not tempered in the first round, since what the pilot leaves undone looks autocorrelated.
 */
export const calibrated = async (
  task: RoundTask,
  sample: RowSample,
  options: CalibratedOptions,
): Promise<Calibrated> => {
  const { theta: start, ...begun } = await pilot(task, options.pilot);
  options.onStage?.('pilot', start);
  let theta = start;
  let shrinkage = firstShrinkage(theta, task.shape);
  const partly = task.parts.some(({ observed }) => observed !== null);
  const rounds: Round[] = [];
  for (const rule of roundsOf[options.effort]) {
    const seen = residualNoise(task, sample, theta);
    const noise = rounds.length === 0 ? { ...seen, autocorrelationTime: 1 } : seen;
    const { signal } = options;
    const loss = calibratedLoss(task.transfer, noise.levels, noise.autocorrelationTime, partly);
    const result = await solveRound(task, theta, {
      loss,
      ridge: ridgeOf(shrinkage, task.shape),
      rule,
      ...(signal === undefined ? {} : { signal }),
    });
    const { theta: found, metric, meanCurvature, ...how } = result;
    theta = found;
    rounds.push({ ...noise, shrinkage, ...how });
    options.onStage?.(`round ${rounds.length}`, theta);
    if (signal?.aborted === true) break;
    shrinkage = nextShrinkage(shrinkage, theta, task.shape, metric, meanCurvature);
  }
  return { theta, pilot: begun, rounds };
};
