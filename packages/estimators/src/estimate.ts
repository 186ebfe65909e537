import { restrict, type RowRange, type TransitionSource } from '@drnn/simulator';
import { type Backend, matrix, type Matrix } from '@drnn/tensor';
import {
  type CalibratedRule,
  calibratedRounds,
  lastRound,
  middleRound,
  quickRounds,
  type Round,
  roughRound,
} from './calibrated-rounds.js';
import { countOutside } from './inside-range.js';
import { type Choice, type Effort, judge, ridgeRules, type Winner } from './judge.js';
import { type Pilot, pilot, type PilotOptions } from './pilot.js';
import { crossEntropyFit, leastSquaresPath, leastSquaresValue, type RidgeLoss, ridgeOfStrength } from './ridge-fits.js';
import { releaseTask, type RoundTask, roundTask, type RoundTaskOptions } from './round-task.js';
import { type RowSample, sampleRows } from './row-sample.js';

/**
 * How the rounds are judged against plain ridge: `split` holds out the last fifth of the rows, `cross-validation` each of
 * four blocks in turn, `none` takes the rounds on trust.
 */
export type Choosing = 'split' | 'cross-validation' | 'none';

export interface EstimateOptions extends RoundTaskOptions {
  readonly effort: Effort;
  /** Default `split` for quick, `cross-validation` for full. */
  readonly choosing?: Choosing;
  /** A choice made before, on part of the same recording: nothing is held out again. */
  readonly decided?: Pick<Choice, 'winner' | 'strength' | 'tempering'>;
  /** Where the pilot starts, [predictor, unit]. Default CORNN's fixed point. */
  readonly from?: Matrix;
  readonly pilot: PilotOptions;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EstimateProgress) => void;
  /** Told of the choice as soon as it is made. */
  readonly onChoice?: (choice: Choice) => void;
}

export interface EstimateProgress {
  readonly stage: string;
  /** Pilot: the residual. Rounds: what is left of the worst unit's decrement, over P. */
  readonly residual: number;
  /** Of a stage that runs on all rows, the estimate so far; null on parts of them. */
  readonly theta: Matrix | null;
}

export interface Estimate {
  /** [predictor, unit]. */
  readonly theta: Matrix;
  readonly winner: Winner;
  /** Null where nothing was held out. */
  readonly choice: Choice | null;
  /** Of the fit to all rows; null where a ridge won. */
  readonly pilot: Pick<Pilot, 'residual' | 'steps'> | null;
  /** Each unit's objective in the last round, where its last Newton step began. */
  readonly value: Float64Array;
  /** The rounds on all rows; none where a ridge won. */
  readonly rounds: readonly Round[];
  readonly converged: boolean;
  /** X'X over all rows, and lambda in the units of X'X. */
  readonly gram: Matrix;
  readonly ridge: Float64Array;
  readonly targetsClipped: number;
}

/** Blocks that cross-validation holds out in turn. */
const folds = 4;
/** A block of fewer rows says little. */
const leastRows = 16;

const roundsOf: Readonly<Record<Effort, readonly CalibratedRule[]>> = {
  quick: quickRounds,
  full: [roughRound, middleRound, lastRound],
};

/**
 * The estimator that `fit` uses: a convex pilot, noise-calibrated rounds, and a check on rows that were held out that
 * they do not lose to plain ridge, which they can where residuals are not what the noise model takes them for
 * (unobserved inputs or units, another alpha). The winner is fitted to all rows, which are on the backend once.
 */
export const estimate = async (on: Backend, source: TransitionSource, options: EstimateOptions): Promise<Estimate> => {
  const { decided, signal } = options;
  const blocks = blocksOf(source.targets.rows, options);
  const heldOut = blocks.length === 1 ? [] : blocks.length === 2 ? [1] : blocks.map((_, k) => k);
  const task = await roundTask(
    on,
    blocks.map((block) => restrict(source, [block])),
    options,
  );
  try {
    const fit = async (): Promise<Fitted> => {
      const { effort, bias, from, pilot: how } = options;
      if (decided !== undefined && decided.winner !== 'rounds')
        return { ...(await fitRidge(task, decided.winner, decided.strength, effort, from)), choice: null };
      const begun = await runPilot(task, options);
      const isJudged = heldOut.length > 0 && signal?.aborted !== true;
      const request = { source, blocks, heldOut, inverted: begun.inverted, ridge: how.ridge, effort };
      const choice = isJudged ? await judge(task, { ...request, ...(signal === undefined ? {} : { signal }) }) : null;
      if (choice !== null) options.onChoice?.(choice);
      if (choice !== null && choice.winner !== 'rounds')
        return { ...(await fitRidge(task, choice.winner, choice.strength, effort, begun.theta)), choice };
      const tempering = (choice ?? decided)?.tempering ?? 1;
      return { ...(await fitRounds(task, await sampleRows(source, bias), begun, tempering, options)), choice };
    };
    return { ...(await fit()), gram: task.gram, targetsClipped: await countOutside(task) };
  } finally {
    releaseTask(task);
  }
};

/** What is held out in turn: the last of two blocks, each of four, or, of a single block, nothing. */
const blocksOf = (rows: number, { effort, choosing, decided }: EstimateOptions): readonly RowRange[] => {
  const how = decided !== undefined ? 'none' : (choosing ?? (effort === 'quick' ? 'split' : 'cross-validation'));
  const cuts =
    how === 'none'
      ? []
      : how === 'split'
        ? [Math.round(0.8 * rows)]
        : Array.from({ length: folds - 1 }, (_, k) => Math.round(((k + 1) * rows) / folds));
  const ends = [0, ...cuts, rows];
  const blocks = cuts.map((to, k) => ({ from: ends[k]!, to })).concat({ from: cuts.at(-1) ?? 0, to: rows });
  return blocks.every(({ from, to }) => to - from >= leastRows) ? blocks : [{ from: 0, to: rows }];
};

type Fitted = Omit<Estimate, 'gram' | 'targetsClipped'>;

const runPilot = (task: RoundTask, { pilot: how, from, effort, signal, onProgress }: EstimateOptions): Promise<Pilot> =>
  pilot(task, {
    ...how,
    evaluateLast: effort === 'full',
    ...(from === undefined ? {} : { start: from }),
    ...(signal === undefined ? {} : { signal }),
    onStep: (_, residual, theta) => onProgress?.({ stage: 'pilot', residual, theta }),
  });

const fitRounds = async (
  task: RoundTask,
  sample: RowSample,
  begun: Pilot,
  tempering: number,
  { signal, effort, onProgress }: EstimateOptions,
): Promise<Omit<Fitted, 'choice'>> => {
  const { theta, rounds } = await calibratedRounds(task, sample, begun.theta, {
    rules: signal?.aborted === true ? [] : roundsOf[effort],
    tempering,
    ...(signal === undefined ? {} : { signal }),
    onRound: (round, now) => onProgress?.({ stage: 'round', residual: round.remaining.worst, theta: now }),
  });
  const last = rounds.at(-1);
  return {
    theta,
    winner: 'rounds',
    pilot: { residual: begun.residual, steps: begun.steps },
    rounds,
    value: last?.value ?? new Float64Array(task.shape.units).fill(Number.NaN),
    converged: last?.converged ?? false,
    ridge: last === undefined ? ridgeOfStrength(0, task.shape) : last.ridge,
  };
};

const fitRidge = async (
  task: RoundTask,
  winner: RidgeLoss,
  strength: number | null,
  effort: Effort,
  from: Matrix | undefined,
): Promise<Omit<Fitted, 'choice'>> => {
  const [tried, ridge] = [strength ?? 0, ridgeOfStrength(strength ?? 0, task.shape)];
  const none = { winner, pilot: null, rounds: [], ridge };
  if (winner === 'least-squares') {
    const theta = (await leastSquaresPath(task, [tried]))?.[0];
    if (theta === undefined) throw new Error('a ridge won that cannot be fitted');
    return { ...none, theta, value: await leastSquaresValue(task, theta, ridge), converged: true };
  }
  const start = from ?? matrix(task.shape.predictors, task.shape.units);
  const { theta, value, converged } = await crossEntropyFit(task, tried, start, ridgeRules[effort].final);
  return { ...none, theta, value, converged };
};
