import { restrict, type RowRange, type TransitionSource } from '@drnn/simulator';
import { type Backend, matrix, type Matrix } from '@drnn/tensor';
import {
  type CalibratedRule,
  calibratedRounds,
  lastRound,
  middleRound,
  quickRound,
  type Round,
  roughRound,
} from './calibrated-rounds.js';
import { driveR2 } from './held-out-drive.js';
import { type Pilot, pilot, type PilotOptions } from './pilot.js';
import {
  crossEntropyFit,
  crossEntropyPath,
  leastSquaresPath,
  leastSquaresValue,
  type RidgeLoss,
  ridgeOfStrength,
} from './ridge-fits.js';
import { countOutside } from './inside-range.js';
import { type RoundTaskOptions, releaseTask, restrictTask, type RoundTask, roundTask } from './round-task.js';
import { type RowSample, sampleRows } from './row-sample.js';
import type { RoundRule } from './solve-round.js';

/** `quick` is the pilot and one round, bounded by cost; `full` goes on to a tenth of a standard error. */
export type Effort = 'quick' | 'full';

/** What won: the noise-calibrated rounds, or a ridge with a plain loss. */
export type Winner = 'rounds' | RidgeLoss;

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
  readonly decided?: Pick<Choice, 'winner' | 'strength'>;
  /** Where the pilot starts, [predictor, unit]. Default CORNN's fixed point. */
  readonly from?: Matrix;
  readonly pilot: PilotOptions;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EstimateProgress) => void;
}

export interface EstimateProgress {
  readonly stage: string;
  /** Pilot: the residual. Rounds: what is left of the worst unit's decrement, over P. */
  readonly residual: number;
  /** Of a stage that runs on all rows, the estimate so far; null on parts of them. */
  readonly theta: Matrix | null;
}

/** How the rounds fared against plain ridge, on rows that neither had seen. */
export interface Choice {
  readonly winner: Winner;
  /** The strength of the ridge that won, per transition; null where the rounds did. */
  readonly strength: number | null;
  /** Held-out drive R2 of the best of each, the mean over blocks; null for one that was not run. */
  readonly scores: Readonly<Record<Winner, number | null>>;
  /** The winner's score less the best of the others. */
  readonly margin: number;
  readonly blocks: number;
}

export interface Estimate {
  /** [predictor, unit]. */
  readonly theta: Matrix;
  readonly winner: Winner;
  /** Null where nothing was held out. */
  readonly choice: Choice | null;
  /** Of the fit to all rows; null where a ridge won. */
  readonly pilot: Omit<Pilot, 'theta'> | null;
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

/** Held-out gains of plain ridge below this are not worth the look at its other loss. */
const near: Readonly<Record<Effort, number>> = { quick: 0.01, full: 0.05 };

const strengths: Readonly<Record<RidgeLoss, readonly number[]>> = {
  'least-squares': [1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-5],
  'cross-entropy': [1e-1, 1e-2, 3e-3, 1e-3, 1e-4],
};

const roundsOf: Readonly<Record<Effort, readonly CalibratedRule[]>> = {
  quick: [quickRound],
  full: [roughRound, middleRound, lastRound],
};
/** The rounds of a contender: near enough for its score. */
const contending: Readonly<Record<Effort, readonly CalibratedRule[]>> = {
  quick: [{ ...quickRound, products: 5 }],
  full: [roughRound, middleRound, { ...middleRound, tempered: true }],
};

/**
 * The estimator that `fit` uses: a convex pilot, noise-calibrated rounds, and a check on rows that were held out that
 * they do not lose to plain ridge, which they can where residuals are not what the noise model takes them for
 * (unobserved inputs or units, another alpha). The winner is fitted to all rows, which are on the backend once.
 */
export const estimate = async (on: Backend, source: TransitionSource, options: EstimateOptions): Promise<Estimate> => {
  const blocks = blocksOf(source.targets.rows, options);
  const sources = blocks.map((block) => restrict(source, [block]));
  const task = await roundTask(on, sources, options);
  try {
    const contest = blocks.length === 1 ? null : await contend(task, source, blocks, options);
    const decided = contest?.choice ?? options.decided ?? { winner: 'rounds', strength: null };
    // A quick fit from a contender's weights ends farther from its optimum than one from the pilot's.
    const from = options.from ?? (options.effort === 'full' ? (contest?.theta ?? null) : null);
    const fitted =
      decided.winner === 'rounds'
        ? await fitRounds(task, await sampleRows(source, options.bias), from, options)
        : await fitRidge(task, decided.winner, decided.strength ?? 0, from);
    return {
      ...fitted,
      winner: decided.winner,
      choice: contest?.choice ?? null,
      gram: task.gram,
      targetsClipped: await countOutside(task),
    };
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

/**
 * From an estimate of part of the rows the way leads through the pilot, too: what is new would be far from that estimate
 * and a round would trim it.
 */
const fitRounds = async (task: RoundTask, sample: RowSample, from: Matrix | null, options: EstimateOptions) => {
  const { signal, effort, onProgress } = options;
  const begun = await runPilot(task, from, options);
  const { theta, rounds } = await calibratedRounds(task, sample, begun.theta, {
    rules: signal?.aborted === true ? [] : roundsOf[effort],
    ...(signal === undefined ? {} : { signal }),
    onRound: (round, now) => onProgress?.({ stage: 'round', residual: round.remaining.worst, theta: now }),
  });
  const last = rounds.at(-1);
  return {
    theta,
    pilot: { residual: begun.residual, steps: begun.steps },
    rounds,
    value: last?.value ?? new Float64Array(task.shape.units).fill(Number.NaN),
    converged: last?.converged ?? false,
    ridge: last === undefined ? ridgeOfStrength(0, task.shape) : last.ridge,
  };
};

const runPilot = (
  task: RoundTask,
  from: Matrix | null,
  { pilot: how, signal, onProgress }: EstimateOptions,
): Promise<Pilot> =>
  pilot(task, {
    ...how,
    ...(from === null ? {} : { start: from }),
    ...(signal === undefined ? {} : { signal }),
    onStep: (_, residual, theta) => onProgress?.({ stage: 'pilot', residual, theta }),
  });

/** A ridge is fitted to the last digits: it may have won. */
const ridgeRule: RoundRule = { perUnit: 1e-8, median: 0, products: 60, newtonSteps: 12 };

const fitRidge = async (task: RoundTask, loss: RidgeLoss, strength: number, from: Matrix | null) => {
  const ridge = ridgeOfStrength(strength, task.shape);
  const start = from ?? matrix(task.shape.predictors, task.shape.units);
  if (loss === 'least-squares') {
    const theta = (await leastSquaresPath(task, [strength]))?.[0];
    if (theta === undefined) throw new Error('a ridge won that cannot be fitted');
    const value = await leastSquaresValue(task, theta, ridge);
    return { theta, value, pilot: null, rounds: [], converged: true, ridge };
  }
  const { theta, value, converged } = await crossEntropyFit(task, strength, start, ridgeRule);
  return { theta, value, pilot: null, rounds: [], converged, ridge };
};

interface Contest {
  /** Null where it was aborted. */
  readonly choice: Choice | null;
  /** Of the last block held out: where the rounds on all rows, or the ridge, start. */
  readonly theta: Matrix;
}

/** Holds the blocks out, fits the contenders to the others, and compares what they explain of what they had not seen. */
const contend = async (
  task: RoundTask,
  source: TransitionSource,
  blocks: readonly RowRange[],
  options: EstimateOptions,
): Promise<Contest> => {
  const heldOut = blocks.length === 2 ? [1] : blocks.map((_, k) => k);
  const found = { rounds: 0, 'least-squares': zeros('least-squares'), 'cross-entropy': zeros('cross-entropy') };
  let theta: Matrix | null = null;
  let compared = false;
  for (const k of heldOut) {
    const train = restrictTask(
      task,
      task.parts.filter((_, part) => part !== k),
    );
    const test = restrictTask(task, task.parts.slice(k, k + 1));
    const sample = await sampleRows(
      restrict(
        source,
        blocks.filter((_, block) => block !== k),
      ),
      options.bias,
    );
    const begun = await runPilot(train, options.from ?? null, {
      ...options,
      onProgress: (p) => options.onProgress?.({ ...p, theta: null }),
    });
    const { signal, effort } = options;
    const own = await calibratedRounds(train, sample, begun.theta, {
      rules: signal?.aborted === true ? [] : contending[effort],
      ...(signal === undefined ? {} : { signal }),
    });
    theta = own.theta;
    if (signal?.aborted === true) return { theta, choice: null };
    const linear = await leastSquaresPath(train, strengths['least-squares']);
    const [score = Number.NaN, ...linearScores] = await driveR2(test, [own.theta, ...(linear ?? [])]);
    found.rounds += score / heldOut.length;
    const least = found['least-squares'];
    strengths['least-squares'].forEach((_, i) => (least[i]! += (linearScores[i] ?? -Infinity) / heldOut.length));
    // Once looked at in one block, the other loss is looked at in all, or its mean would not be one.
    compared ||= k === heldOut[0] && Math.max(...linearScores, -Infinity) > score - near[effort];
    if (!compared) continue;
    const plain = await crossEntropyPath(train, strengths['cross-entropy'], begun.theta);
    const scores = await driveR2(test, plain);
    strengths['cross-entropy'].forEach((_, i) => (found['cross-entropy'][i]! += scores[i]! / heldOut.length));
  }
  if (theta === null) throw new Error('a contest without blocks');
  const best = (loss: RidgeLoss) => {
    const at = found[loss].reduce((top, score, i, all) => (score > all[top]! ? i : top), 0);
    return { winner: loss, strength: strengths[loss][at] ?? 0, score: found[loss][at] ?? -Infinity };
  };
  const contenders = [
    { winner: 'rounds' as const, strength: null, score: found.rounds },
    best('least-squares'),
    ...(compared ? [best('cross-entropy')] : []),
  ];
  const [winner, next] = contenders.toSorted((a, b) => b.score - a.score);
  if (winner === undefined) throw new Error('a contest without contenders');
  const scoreOf = (name: Winner): number | null => {
    const score = contenders.find(({ winner: own }) => own === name)?.score;
    return score === undefined || !Number.isFinite(score) ? null : score;
  };
  return {
    theta,
    choice: {
      winner: winner.winner,
      strength: winner.strength,
      scores: {
        rounds: scoreOf('rounds'),
        'least-squares': scoreOf('least-squares'),
        'cross-entropy': scoreOf('cross-entropy'),
      },
      margin: winner.score - (next?.score ?? Number.NaN),
      blocks: heldOut.length,
    },
  };
};

const zeros = (loss: RidgeLoss): Float64Array => new Float64Array(strengths[loss].length);
