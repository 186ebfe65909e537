import { restrict, sourceOfTransitions, type Transitions } from '@drnn/simulator';
import { type Backend, constant, failure, matrix, type Matrix, mul, square, sub, variable } from '@drnn/tensor';
import { crossEntropyFit, leastSquaresPath } from './ridge-fits.js';
import {
  isPartlyObserved,
  type RoundTaskOptions,
  passOver,
  releaseTask,
  restrictTask,
  type RoundTask,
  roundTask,
} from './round-task.js';
import type { RoundRule } from './solve-round.js';

/** One alpha for all units, or one each. */
export type AlphaMode = 'shared' | 'unit';

export interface AlphaProfileOptions extends RoundTaskOptions {
  readonly mode: AlphaMode;
  /**
   * The transitions at some alphas in the units in which the fit would take them, and the scale [unit] that was divided
   * by. Default: as they are.
   */
  readonly scaled?: (at: Transitions) => { readonly samples: Transitions; readonly scale: Float64Array };
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, alpha: number, score: number) => void;
}

/** The held-out error of all units at one alpha. */
export interface AlphaScore {
  readonly alpha: number;
  /** The mean over units of the squared error one step ahead over that of persistence; 1 is no better than persistence. */
  readonly score: number;
}

export interface AlphaProfile {
  readonly mode: AlphaMode;
  /** [unit], all the same where shared. */
  readonly values: Float64Array;
  /** All alphas that were tried for all units at once, ascending. */
  readonly path: readonly AlphaScore[];
  /**
   * Units whose alpha the data do not determine to a factor of 2.4, two places of the grid: on one side their score is not
   * worse there by twice its chance error over held-out blocks. Shared: all or none. With one alpha each, these units have the shared one.
   */
  readonly flat: readonly number[];
  /** Units whose best alpha is an end of the range that was searched. */
  readonly atEnd: readonly number[];
}

const range = { lowest: 0.02, highest: 1 };
const gridSize = 10;
const strengths = [1e-2, 1e-3, 1e-4] as const;
/** Enough to rank alphas; each fit starts at least squares on the inverted targets. */
const briefRule: RoundRule = { perUnit: 0.01, products: 8, newtonSteps: 2, method: 'conjugate-gradients' };
/** Blocks of the held-out rows: how much a score differs between them says what of it is chance. */
const blockCount = 8;
const fewestRows = 40;
/** Of log alpha: 1%. */
const precise = 0.01;
const mostRefinements = 8;
const sigmas = 2;

/**
 * The alpha = dt / tau at which the recording is predicted best: for each alpha the fit is convex, and what differs
 * between alphas is scored one step ahead on the last fifth of the rows, since drives of different alphas are different
 * quantities,
 *
 *     E_j(a) = sum_t (r_j[t+1] - (1 - a) r_j[t] - a phi(z_j[t]))^2 / sum_t (r_j[t+1] - r_j[t])^2.
 *
 * A grid of ten alphas from .02 to 1, then a parabola in log a through the best and its neighbours, again until it moves
 * by less than 1%, bisecting where the parabola does not. Units are independent given X, so that one fit tries an alpha of
 * its own for each of them. The fits are brief: cross-entropy from ridge least squares on the inverted targets, at ridges
 * of 1e-2, 1e-3 and 1e-4 a transition on the grid, then at that which was best.
 *
 * `samples` are the transitions at any alpha. Cost: 3 fits of some 20 passes for each alpha of the grid, and one for each
 * refinement. Errors: fewer than 40 rows; an alpha no better than persistence is not an error, but flat.
 */
export const profileAlpha = async (
  on: Backend,
  samples: Transitions,
  options: AlphaProfileOptions,
): Promise<AlphaProfile> => {
  if (samples.targets.rows < fewestRows) {
    throw failure({
      path: 'alpha',
      seen: `auto, with ${samples.targets.rows} transitions`,
      expected: `at least ${fewestRows} to profile alpha on`,
      hint: 'give alpha as a number',
    });
  }
  const { units } = samples;
  const { mode } = options;
  const steps = oneStep(samples);
  const still = persistence(steps, samples);
  const path: AlphaScore[] = [];
  let tried = 0;
  const scored = async (alpha: Float64Array, ridges: readonly number[]): Promise<readonly BlockScores[]> => {
    const found = await errorsAt(on, samples, steps, alpha, ridges, options);
    const scores = found.map((blocks) => normalised(blocks, still));
    options.onProgress?.(++tried, alpha[0]!, Math.min(...scores.map(pooled)));
    return scores;
  };
  const everywhere = (alpha: number): Float64Array => new Float64Array(units).fill(alpha);

  const [low, high] = [Math.log(range.lowest), Math.log(range.highest)];
  const logs = Array.from({ length: gridSize }, (_, k) => low + (k * (high - low)) / (gridSize - 1));
  const grid: (readonly BlockScores[])[] = [];
  for (const log of logs) {
    if (options.signal?.aborted === true) break;
    const atStrengths = await scored(everywhere(Math.exp(log)), strengths);
    grid.push(atStrengths);
    path.push({ alpha: Math.exp(log), score: Math.min(...atStrengths.map(pooled)) });
  }
  if (grid.length < gridSize) {
    const best = path.reduce((a, b) => (b.score < a.score ? b : a), path[0] ?? { alpha: 0.1, score: 1 });
    const all = Array.from({ length: units }, (_, j) => j);
    return { mode, values: everywhere(best.alpha), path, flat: all, atEnd: [] };
  }

  const best = grid.map((each) => Math.min(...each.map(pooled)));
  const top = least(best);
  const chosen = grid[top]!;
  const strength = strengths[least(chosen.map(pooled))]!;
  const k = strengths.indexOf(strength);
  const column = grid.map((each) => each[k]!);

  const shared = search(
    logs,
    column.map((blocks) => pooled(blocks)),
  );
  for (let i = 0; i < mostRefinements && shared.next !== null && options.signal?.aborted !== true; i++) {
    const alpha = Math.exp(shared.next);
    const [blocks] = await scored(everywhere(alpha), [strength]);
    const score = pooled(blocks ?? []);
    path.push({ alpha, score });
    shared.tell(score);
  }
  path.sort((a, b) => a.alpha - b.alpha);
  const sharedAlpha = Math.exp(shared.best());
  const everyUnit = Array.from({ length: units }, (_, j) => j);
  if (mode === 'shared') {
    const profile = column.map((blocks) => blocks.map((perUnit) => meanOf(perUnit)));
    const at = least(profile.map(meanOf));
    return {
      mode,
      values: everywhere(sharedAlpha),
      path,
      flat: isFlat(profile) ? everyUnit : [],
      atEnd: at === 0 || (at === gridSize - 1 && sharedAlpha > 0.99) ? everyUnit : [],
    };
  }

  const profiles = everyUnit.map((j) => column.map((blocks) => blocks.map((perUnit) => perUnit[j]!)));
  const searches = profiles.map((profile) => search(logs, profile.map(meanOf)));
  for (let i = 0; i < mostRefinements && options.signal?.aborted !== true; i++) {
    if (searches.every(({ next }) => next === null)) break;
    const alpha = Float64Array.from(searches, (each) => Math.exp(each.next ?? each.best()));
    const [blocks = []] = await scored(alpha, [strength]);
    searches.forEach((each, j) => {
      if (each.next !== null) each.tell(meanOf(Float64Array.from(blocks, (perUnit) => perUnit[j]!)));
    });
  }
  const flat = everyUnit.filter((j) => isFlat(profiles[j]!));
  const values = Float64Array.from(searches, (each) => Math.exp(each.best()));
  for (const j of flat) values[j] = sharedAlpha;
  const atEnd = everyUnit.filter((j) => !flat.includes(j) && (values[j]! <= range.lowest * 1.01 || values[j]! > 0.99));
  return { mode, values, path, flat, atEnd };
};

/** E_j by block of held-out rows: [block][unit]. */
type BlockScores = readonly Float64Array[];

/** r[t+1] - r[t], [transition, unit]; 0 where not observed. */
const oneStep = ({ predictors, targets, weights, alpha, units }: Transitions): Matrix => {
  const result = matrix(targets.rows, units);
  for (let t = 0; t < targets.rows; t++) {
    for (let j = 0; j < units; j++) {
      const i = t * units + j;
      if (weights?.data[i] === 0) continue;
      result.data[i] = alpha[j]! * (targets.data[i]! - predictors.data[t * predictors.columns + j]!);
    }
  }
  return result;
};

/** The rows at other alphas: d = r + (r[t+1] - r[t]) / a. */
const atAlpha = (samples: Transitions, steps: Matrix, alpha: Float64Array): Transitions => {
  const { predictors, weights, units } = samples;
  const targets = matrix(steps.rows, units);
  for (let t = 0; t < steps.rows; t++) {
    for (let j = 0; j < units; j++) {
      const i = t * units + j;
      if (weights?.data[i] === 0) continue;
      targets.data[i] = predictors.data[t * predictors.columns + j]! + steps.data[i]! / alpha[j]!;
    }
  }
  return { ...samples, targets, alpha };
};

const blocksOf = (rows: number) => {
  const cut = Math.round(0.8 * rows);
  const count = Math.min(blockCount, rows - cut);
  const at = (k: number): number => cut + Math.round((k * (rows - cut)) / count);
  return { cut, blocks: Array.from({ length: count }, (_, k) => ({ from: at(k), to: at(k + 1) })) };
};

/** The mean square of the steps of each held-out block over all of them: what a network that stays put would miss. */
const persistence = (steps: Matrix, { weights }: Transitions) => {
  const { blocks } = blocksOf(steps.rows);
  const total = new Float64Array(steps.columns);
  const counts = blocks.map(({ from, to }) => {
    const count = new Float64Array(steps.columns);
    for (let i = from * steps.columns; i < to * steps.columns; i++) {
      if (weights?.data[i] === 0) continue;
      total[i % steps.columns]! += steps.data[i]! ** 2;
      count[i % steps.columns]!++;
    }
    return count;
  });
  const seen = total.map((_, j) => counts.reduce((sum, count) => sum + count[j]!, 0));
  return { meanSquare: total.map((sum, j) => sum / Math.max(1, seen[j]!)), counts };
};

/** Errors as fractions of persistence's, weighted so that the mean over blocks is the error of all rows. */
const normalised = (sums: BlockScores, { meanSquare, counts }: ReturnType<typeof persistence>): BlockScores => {
  const seen = meanSquare.map((_, j) => counts.reduce((total, count) => total + count[j]!, 0));
  return sums.map((sum) =>
    sum.map((error, j) => (meanSquare[j]! > 0 ? (error * sums.length) / (meanSquare[j]! * seen[j]!) : 0)),
  );
};

/** Sums of squared errors one step ahead, in recorded units, [ridge][block][unit]. */
const errorsAt = async (
  on: Backend,
  samples: Transitions,
  steps: Matrix,
  alpha: Float64Array,
  ridges: readonly number[],
  options: AlphaProfileOptions,
): Promise<readonly BlockScores[]> => {
  const raw = atAlpha(samples, steps, alpha);
  const { samples: all, scale } = options.scaled?.(raw) ?? { samples: raw, scale: alpha.map(() => 1) };
  const source = sourceOfTransitions(all);
  const { cut, blocks } = blocksOf(steps.rows);
  const task = await roundTask(
    on,
    [{ from: 0, to: cut }, ...blocks].map((block) => restrict(source, [block])),
    options,
  );
  try {
    const train = restrictTask(task, task.parts.slice(0, 1));
    const starts = await leastSquaresPath(train, ridges);
    const found: BlockScores[] = [];
    let start: Matrix | null = null;
    for (const [i, strength] of ridges.entries()) {
      const from: Matrix = starts?.[i] ?? start ?? matrix(task.shape.predictors, task.shape.units);
      const { theta } = await crossEntropyFit(train, strength, from, briefRule);
      start = theta;
      const perBlock: Float64Array[] = [];
      for (const part of task.parts.slice(1)) {
        const sums = await squaredErrors(restrictTask(task, [part]), theta);
        perBlock.push(sums.map((sum, j) => sum * (alpha[j]! * scale[j]!) ** 2));
      }
      found.push(perBlock);
    }
    return found;
  } finally {
    releaseTask(task);
  }
};

const squaredErrors = async (task: RoundTask, theta: Matrix): Promise<Float64Array> => {
  const seen = isPartlyObserved(task) ? variable('o') : constant(1);
  const error = mul(seen, square(sub(variable('d'), task.transfer.transfer(variable('z')))));
  const { columnSums } = await passOver(task, ({ targets, observed }) => ({
    currents: { z: theta },
    data: { d: targets, ...(observed === null ? {} : { o: observed }) },
    columnSums: [error],
  }));
  return columnSums[0] ?? new Float64Array(theta.columns);
};

/** Where to look next for the least of a function of which values at ascending places are known. */
interface Search {
  /** Null once it is known to 1%. */
  next: number | null;
  tell(value: number): void;
  best(): number;
}

/** Successive parabolas, safeguarded: a vertex too near a known place gives way to the middle of the wider interval. */
const search = (places: readonly number[], values: ArrayLike<number>): Search => {
  const known = places.map((x, i) => ({ x, y: values[i]! }));
  const propose = (): { readonly x: number; readonly settled: boolean } => {
    const i = least(known.map(({ y }) => y));
    const [a, b, c] = [known[i - 1], known[i]!, known[i + 1]];
    if (a === undefined || c === undefined) {
      const inner = a ?? c;
      if (inner === undefined || Math.abs(inner.x - b.x) < 2 * precise) return { x: b.x, settled: true };
      return { x: (inner.x + b.x) / 2, settled: false };
    }
    const vertex = vertexOf(a, b, c);
    const settled = Math.abs(vertex - b.x) < precise && Math.max(b.x - a.x, c.x - b.x) < 0.2;
    if (Math.abs(vertex - b.x) >= precise) return { x: vertex, settled };
    // The parabola says b itself: the wider side is looked at nearby, to close in on b from there.
    const far = c.x - b.x > b.x - a.x ? c.x : a.x;
    return { x: b.x + (far - b.x) * 0.3, settled: settled || Math.abs(far - b.x) < 4 * precise };
  };
  const first = propose();
  const state: Search = {
    next: first.settled ? null : first.x,
    tell: (y) => {
      const x = state.next;
      if (x === null) return;
      known.push({ x, y });
      known.sort((p, q) => p.x - q.x);
      const { x: next, settled } = propose();
      state.next = settled || known.some((each) => Math.abs(each.x - next) < precise / 10) ? null : next;
    },
    best: () => {
      const i = least(known.map(({ y }) => y));
      const [a, b, c] = [known[i - 1], known[i]!, known[i + 1]];
      return a === undefined || c === undefined ? b.x : vertexOf(a, b, c);
    },
  };
  return state;
};

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The lowest place of the parabola through three points, the middle one the lowest; between the outer two. */
const vertexOf = (a: Point, b: Point, c: Point): number => {
  const left = (b.x - a.x) * (b.y - c.y);
  const right = (b.x - c.x) * (b.y - a.y);
  const below = 2 * (left - right);
  if (below === 0) return b.x;
  const vertex = b.x - ((b.x - a.x) * left - (b.x - c.x) * right) / below;
  return Math.min(Math.max(vertex, a.x), c.x);
};

/** Whether an alpha two places of the grid from the best is as good, as far as the held-out blocks can tell. */
const isFlat = (profile: readonly ArrayLike<number>[]): boolean => {
  const at = least(profile.map(meanOf));
  const here = profile[at]!;
  return [profile[at - 1], profile[at + 1]].some((other) => {
    if (other === undefined) return false;
    // A best between two places of the grid makes one of them nearly as good: the next one decides.
    const beyond = other === profile[at - 1] ? profile[at - 2] : profile[at + 2];
    const compared = beyond ?? other;
    const worse = Float64Array.from(here, (value, block) => compared[block]! - value);
    const mean = meanOf(worse);
    const variance = worse.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, worse.length - 1);
    return !(mean > sigmas * Math.sqrt(variance / worse.length));
  });
};

const pooled = (blocks: BlockScores): number => meanOf(blocks.map(meanOf));

const meanOf = (values: ArrayLike<number>): number => {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total / values.length;
};

const least = (values: readonly number[]): number => values.reduce((top, y, i) => (y < values[top]! ? i : top), 0);
