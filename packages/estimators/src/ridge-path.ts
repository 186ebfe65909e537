import { allOf, type Objective, type Penalty, ridge } from '@drnn/objectives';
import { selectTransitions, sourceOfTransitions, type Transitions } from '@drnn/simulator';
import {
  accelerate,
  anderson,
  biasOnly,
  isFiniteState,
  type Iterate,
  iterate,
  newtonPcgWith,
  type Problem,
  problem,
  proximalNewton,
  proximalSharedNewton,
  ridgeMax,
  sharedNewton,
  type Solver,
  usefulCurvatureBound,
  withPenalty,
} from '@drnn/solvers';
import { type Backend, copyMatrix, failure, type Issue, type Matrix, refuse } from '@drnn/tensor';
import { driveR2 } from './held-out-drive.js';
import { releaseTask, roundTask } from './round-task.js';
import { timeBlocks } from './time-blocks.js';
import { weightsByFrame } from './weights-by-frame.js';

export interface RidgePathOptions {
  /** A last predictor that is 1 everywhere. Default true. */
  readonly bias?: boolean;
  /** Contiguous blocks that are held out in turn. Default 5. */
  readonly blocks?: number;
  /** Per transition, above 0. Default: `count` of them, log-spaced from `ridgeMax` down to `ratio` times it. */
  readonly strengths?: readonly number[];
  /** Default two a decade, and one: 21 for a ratio of 1e-10. */
  readonly count?: number;
  /**
   * The weakest over the strongest. Default 1e-10, for `ridgeMax` is some 1000 a transition for activity of size 1, and the
   * best ridge of clean data 1e-6; less where `ridgeMax` is far larger than that, to come down to 1e-6 of the mean square
   * of the predictors.
   */
  readonly ratio?: number;
  /**
   * The penalty of a strength, for a path along another one than the ridge; goes with `strengths`. Default: the
   * objective's, its ridge replaced.
   */
  readonly penaltyAt?: (strength: number) => Penalty;
  /**
   * Default: shared-metric Newton with Anderson acceleration, its proximal form under structure, Newton's method where
   * the curvature has no useful bound.
   */
  readonly solver?: (problem: Problem) => Solver<Iterate>;
  /** The residual at which a fit of the path ends: its score is wanted, not its last digits. Default 1e-3. */
  readonly tolerance?: number;
  /** Of each fit. Default 200. */
  readonly maxSteps?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RidgePathProgress) => void;
}

export interface RidgePathProgress {
  /** Fits that are done, of so many. */
  readonly done: number;
  readonly of: number;
  readonly strength: number;
  /** On the block that was held out. */
  readonly score: number;
}

/** The fits of one strength. */
export interface RidgePathPoint {
  /** Per transition. */
  readonly strength: number;
  /** Held-out drive R2, the mean over blocks. */
  readonly score: number;
  /** Of that mean: the standard deviation over blocks over the root of their number. */
  readonly standardError: number;
  /** Of each block. */
  readonly scores: readonly number[];
  /** How far the mean is below the best, and the standard error of that, block against block. */
  readonly behind: { readonly mean: number; readonly standardError: number };
  /** |[W | Win]|, the root of the sum of squares; the mean over blocks. */
  readonly norm: number;
  /** Whether the fits of all blocks came to the tolerance. */
  readonly converged: boolean;
  /** Steps of all blocks. */
  readonly steps: number;
}

export interface RidgePath {
  /** From the strongest to the weakest. */
  readonly points: readonly RidgePathPoint[];
  /** The strength of the highest score. */
  readonly best: number;
  /**
   * The largest strength that is behind the best by no more than one standard error of the difference. Blocks are easy or
   * hard for all strengths alike, so that they are compared block against block.
   */
  readonly oneStandardError: number;
  /** `ridgeMax` of all samples; null where strengths were given. */
  readonly max: number | null;
  /** Blocks held out in turn. */
  readonly blocks: number;
  /** Whether the best is an end of the path: there might be a better one beyond. */
  readonly atEnd: 'strongest' | 'weakest' | null;
}

const fewestRows = 16;
/** A residual that has not fallen by a hundredth in so many steps will not. */
const patience = 40;

/**
 * A regularisation path with blocked cross-validation. From the strongest ridge to the weakest, each fit started from the
 * one before, the objective is fitted to all blocks of the samples but one, and scored by what phi(X theta) explains of the
 * targets of that block,
 *
 *     R2 = 1 - sum (d - phi(z))^2 / sum (d - m)^2,   m the mean of the targets that were fitted to,
 *
 * pooled over units, missing targets left out. Blocks are contiguous in time, and a transition at a cut that shares a frame
 * with the other side is in none, so that no held-out frame is known to a fit. Rows with interpolated predictors train, but
 * are not scored. Null where it was aborted.
 *
 * Cost: blocks x strengths fits of some ten passes, and the rows of one training set on the backend at a time. Errors: an
 * objective without a transfer function; fewer than 16 transitions a block; nothing to explain.
 */
export const ridgePath = async (
  on: Backend,
  samples: Transitions,
  given: Objective,
  options: RidgePathOptions = {},
): Promise<RidgePath | null> => {
  const { bias = true, blocks: count = 5, signal, onProgress } = options;
  refuse(optionIssues(samples, given, options));
  const objective = weightsByFrame(given, samples);
  const { max, strengths } = await strengthsOf(on, samples, objective, options);
  const penaltyAt = options.penaltyAt ?? ((strength: number) => withRidge(given.penalty, strength));
  const blocks = timeBlocks(samples, count);
  const rowsOf = (wanted: (block: number) => boolean): readonly number[] =>
    blocks.flatMap(({ from, to }, k) => (wanted(k) ? Array.from({ length: to - from }, (_, i) => from + i) : []));
  const found: (readonly PathFit[])[] = [];
  for (let k = 0; k < blocks.length; k++) {
    const tested = rowsOf((block) => block === k).filter((row) => samples.interpolated[row] === 0);
    const train = selectTransitions(
      samples,
      rowsOf((block) => block !== k),
    );
    const fits = await fitsAlong(on, train, selectTransitions(samples, tested), objective, {
      ...options,
      bias,
      strengths,
      penaltyAt,
      onFit: (strength, score, at) =>
        onProgress?.({ done: k * strengths.length + at + 1, of: blocks.length * strengths.length, strength, score }),
    });
    if (signal?.aborted === true) return null;
    found.push(fits);
  }
  const measured = strengths.map((strength, i) =>
    pointOf(
      strength,
      found.map((fits) => fits[i]!),
    ),
  );
  const top = measured.reduce((best, point, i) => (point.score > measured[best]!.score ? i : best), 0);
  const best = measured[top];
  if (best === undefined || !Number.isFinite(best.score)) {
    throw failure({
      path: 'recording',
      seen: 'a block of held-out targets that do not vary',
      expected: 'targets that vary in every block, to score a fit on',
      hint: 'hold out fewer blocks, or leave out what does not move',
    });
  }
  const points = measured.map((point) => ({
    ...point,
    behind: meanOf(point.scores.map((score, k) => best.scores[k]! - score)),
  }));
  const near = points.find(({ behind }) => behind.mean <= behind.standardError) ?? best;
  return {
    points,
    best: best.strength,
    oneStandardError: near.strength,
    max,
    blocks: blocks.length,
    atEnd: points.length < 2 ? null : top === 0 ? 'strongest' : top === points.length - 1 ? 'weakest' : null,
  };
};

const optionIssues = (
  { targets }: Transitions,
  { transfer }: Objective,
  { blocks = 5, strengths, count = 2, ratio = 0.5, penaltyAt }: RidgePathOptions,
): readonly Issue[] => {
  const issues: Issue[] = [];
  const whole = Number.isInteger(blocks) && blocks >= 2;
  if (!whole) issues.push({ path: 'blocks', seen: `${blocks}`, expected: 'a whole number of at least 2' });
  if (transfer === null) {
    issues.push({
      path: 'objective',
      seen: 'an objective without a transfer function',
      expected: 'one, since fits are scored by the drive that it predicts',
    });
  }
  if (strengths?.every((s) => s > 0 && Number.isFinite(s)) === false || strengths?.length === 0) {
    issues.push({ path: 'strengths', seen: `${strengths.join(', ') || 'none'}`, expected: 'finite numbers above 0' });
  }
  if (!(Number.isInteger(count) && count >= 2))
    issues.push({ path: 'count', seen: `${count}`, expected: 'a whole number of at least 2' });
  if (!(ratio > 0 && ratio < 1)) issues.push({ path: 'ratio', seen: `${ratio}`, expected: 'a number between 0 and 1' });
  if (penaltyAt !== undefined && strengths === undefined) {
    issues.push({
      path: 'strengths',
      seen: 'none, with a penalty of your own',
      expected: 'the strengths to try',
      hint: 'l1Max gives the largest that says anything for l1',
    });
  }
  if (whole && targets.rows < blocks * (fewestRows + 1)) {
    issues.push({
      path: 'recording',
      seen: `${targets.rows} transitions`,
      expected: `at least ${blocks * (fewestRows + 1)} for ${blocks} blocks that are held out in turn`,
      hint: 'give the ridge as a number',
    });
  }
  return issues;
};

/** The strengths that were given, or log-spaced ones from `ridgeMax` on; the strongest first. */
const strengthsOf = async (
  on: Backend,
  samples: Transitions,
  objective: Objective,
  { bias = true, strengths, ...asked }: RidgePathOptions,
): Promise<{ readonly max: number | null; readonly strengths: readonly number[] }> => {
  if (strengths !== undefined) return { max: null, strengths: strengths.toSorted((a, b) => b - a) };
  const whole = await problem(on, samples, objective, { bias });
  try {
    const { strength: max } = await ridgeMax(whole);
    if (!(max > 0)) {
      throw failure({
        path: 'recording',
        seen: 'targets of which weights explain nothing at any strength',
        expected: 'some unit whose target goes with the activity of another',
      });
    }
    const weakest = 1e-6 * meanSquare(await whole.gram(), whole.shape);
    const ratio = asked.ratio ?? Math.min(1e-10, weakest / max);
    const count = asked.count ?? Math.max(2, Math.round(-2 * Math.log10(ratio)) + 1);
    return { max, strengths: Array.from({ length: count }, (_, k) => max * ratio ** (k / (count - 1))) };
  } finally {
    whole.release();
  }
};

/** Of the predictors other than the bias. */
const meanSquare = (gram: Matrix, { units, inputs, transitions }: Problem['shape']): number => {
  let trace = 0;
  for (let p = 0; p < units + inputs; p++) trace += gram.data[p * gram.columns + p]!;
  return trace / ((units + inputs) * transitions);
};

const withRidge = (penalty: Penalty, strength: number): Penalty => allOf(ridge(strength), ...besideRidge(penalty));

const besideRidge = (penalty: Penalty): readonly Penalty[] =>
  penalty.kind === 'all-of' ? penalty.parts.flatMap(besideRidge) : penalty.kind === 'ridge' ? [] : [penalty];

/** One fit of a path: to all blocks but one, at one strength. */
interface PathFit {
  readonly score: number;
  readonly norm: number;
  readonly converged: boolean;
  readonly steps: number;
}

interface FitsOptions extends RidgePathOptions {
  readonly bias: boolean;
  readonly strengths: readonly number[];
  readonly penaltyAt: (strength: number) => Penalty;
  readonly onFit: (strength: number, score: number, at: number) => void;
}

/** The fits to one training set, each started from the one before, scored on one block. */
const fitsAlong = async (
  on: Backend,
  train: Transitions,
  tested: Transitions,
  objective: Objective,
  options: FitsOptions,
): Promise<readonly PathFit[]> => {
  const { transfer, constraints } = objective;
  if (transfer === null) throw new Error('an objective without a transfer function');
  const { bias, strengths, penaltyAt, signal, onFit } = options;
  const base = await problem(on, train, objective, { bias });
  try {
    const test = await roundTask(on, [sourceOfTransitions(tested)], { transfer, constraints, bias });
    try {
      const fits: PathFit[] = [];
      const means = meanTargets(train);
      let { theta } = await biasOnly(base);
      for (const [at, strength] of strengths.entries()) {
        const fitted = await fitFrom(withPenalty(base, penaltyAt(strength)), theta, options);
        if (signal?.aborted === true) break;
        theta = fitted.theta;
        const [score = Number.NaN] = await driveR2(test, [theta], means);
        const { units, inputs } = base.shape;
        const weights = theta.data.subarray(0, (units + inputs) * units);
        const norm = Math.sqrt(weights.reduce((sum, w) => sum + w * w, 0));
        fits.push({ score, norm, converged: fitted.converged, steps: fitted.steps });
        onFit(strength, score, at);
      }
      return fits;
    } finally {
      releaseTask(test);
    }
  } finally {
    base.release();
  }
};

/** The mean of the observed targets, [unit]. */
const meanTargets = ({ targets, weights, units }: Transitions): Float64Array => {
  const [sums, counts] = [new Float64Array(units), new Float64Array(units)];
  for (let t = 0; t < targets.rows; t++)
    for (let j = 0; j < units; j++) {
      const seen = weights === null ? 1 : weights.data[t * units + j]!;
      sums[j]! += seen * targets.data[t * units + j]!;
      counts[j]! += seen;
    }
  return sums.map((sum, j) => sum / Math.max(1, counts[j]!));
};

const fitFrom = async (
  task: Problem,
  start: Matrix,
  { solver = solverFor, tolerance = 1e-3, maxSteps = 200, signal }: RidgePathOptions,
): Promise<{ readonly theta: Matrix; readonly converged: boolean; readonly steps: number }> => {
  let [theta, converged, steps] = [start, false, 0];
  const lowest = { residual: Infinity, step: 0 };
  for await (const state of iterate(solver(task), task, { start, ...(signal === undefined ? {} : { signal }) })) {
    if (!isFiniteState(state)) break;
    theta = copyMatrix(state.theta);
    steps = state.step;
    converged = state.residual <= tolerance;
    if (state.residual < 0.99 * lowest.residual) {
      lowest.residual = state.residual;
      lowest.step = state.step;
    }
    if (converged || state.exhausted === true || steps >= maxSteps || steps - lowest.step >= patience) break;
  }
  return { theta, converged, steps };
};

const solverFor = ({ curvatureBound: bound, structure }: Problem): Solver<Iterate> => {
  const useful = bound !== null && bound <= usefulCurvatureBound;
  if (structure === null) return useful ? accelerate(anderson(5))(sharedNewton) : newtonPcgWith();
  return useful ? proximalSharedNewton : proximalNewton;
};

const pointOf = (strength: number, fits: readonly PathFit[]): Omit<RidgePathPoint, 'behind'> => {
  const scores = fits.map(({ score }) => score);
  const { mean, standardError } = meanOf(scores);
  return {
    strength,
    score: mean,
    standardError,
    scores,
    norm: meanOf(fits.map(({ norm }) => norm)).mean,
    converged: fits.every(({ converged }) => converged),
    steps: fits.reduce((sum, { steps }) => sum + steps, 0),
  };
};

const meanOf = (values: readonly number[]): { readonly mean: number; readonly standardError: number } => {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1);
  return { mean, standardError: Math.sqrt(variance / values.length) };
};
