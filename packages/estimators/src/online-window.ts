import type { Objective } from '@drnn/objectives';
import {
  copyColumn,
  type Evaluation,
  type Metric,
  metricOf,
  problem as problemOn,
  type Problem,
  sharedMetricMap,
} from '@drnn/solvers';
import { type Backend, copyMatrix, firstNonFinite, matrix, type Matrix, variable } from '@drnn/tensor';
import { type GrowingMetric, growingMetric } from './growing-metric.js';
import { concatenate, designOf, type Piece, slice, sourceOf } from './online-frames.js';
import { addEvaluation, copyEvaluation, type SumParts, sumOfProblems, zeroEvaluation } from './sum-of-problems.js';

/** What is fitted to a window, and how long it is. */
export interface WindowSettings {
  readonly units: number;
  readonly inputs: number;
  /** dt / tau [unit]. */
  readonly alpha: Float64Array;
  readonly objective: Objective;
  readonly bias: boolean;
  /** The most transitions. */
  readonly most: number;
  /** [predictor, unit] to start from. */
  readonly theta: Matrix;
}

/** What some rows add to what is known of a window. */
interface RowSums {
  readonly atStanding: Evaluation;
  readonly atZero: Evaluation;
  /** X' phi^-1(d). */
  readonly right: Float64Array | null;
}

/** Weights, and what they evaluate to. */
export type Standing = Evaluation & { readonly theta: Matrix };

/** Some transitions on the backend. */
interface Part {
  readonly task: Problem;
  readonly rows: number;
  /** The same on the host while the part may still be merged; null in a full block. */
  source: Piece | null;
  /** Who uses it: the window, and the snapshots that it is in or that it came to. */
  holders: number;
}

/** The window as it was, its rows kept until it is released. */
export interface Snapshot {
  /** Of the next part that came or went since and was not followed; null where there is none. */
  readonly rowsToFollow: number | null;
  /** Takes that part into what was evaluated over the window as it was, in place: one pass over it. */
  follow(at: Matrix, there: Evaluation): Promise<void>;
  release(): void;
}

/** The window as it is, to be solved while it moves on. */
export interface Fork {
  readonly snapshot: Snapshot;
  readonly standing: Standing;
  /** CORNN's fixed point; null where some target has no inverse. */
  readonly fixedPoint: Matrix | null;
  /** Its problem, solved from these weights. */
  problemFrom(theta: Matrix, turn: SumParts['turn']): Problem;
}

/** The newest transitions on the backend, block by block, and the weights that are fitted to them. */
export interface SlidingWindow {
  readonly transitions: number;
  /** Of its oldest block. */
  readonly firstRows: number;
  /** Another number whenever rows came or went, or weights were taken over. */
  readonly version: number;
  /** The weights, with their evaluation over all rows. */
  readonly standing: Standing;
  /** Whether the next problem has to invert X'X + Lambda first. */
  readonly isInverseDue: boolean;
  /** Whether there is a fixed point, and a tenth of the window is new since it was last compared with the weights. */
  readonly isComparisonDue: boolean;
  /** Rows join, and the oldest blocks leave that are too many. */
  add(piece: Piece): Promise<void>;
  /** The problem of all rows, its metric as it is now. */
  problem(turn?: SumParts['turn']): Problem;
  /** CORNN's fixed point for all rows; null where some target has no inverse. */
  fixedPoint(): Matrix | null;
  snapshot(): Snapshot;
  fork(): Fork;
  /** Goes on from weights and what they evaluate to over all rows. */
  moveTo(to: Standing): void;
  /** Takes over the units whose objective is lower at `better`, its evaluation over all rows; how many. */
  takeOver(better: Standing): number;
  release(): void;
}

/** Rows that a backend handles at full speed, and that float32 may sum. */
const fullBlock = 1024;
/** The fixed point is compared again when such a fraction of the window is new. */
const compareAfter = 0.1;

/**
 * A window without rows. Rows that join are evaluated at the weights and at zero, and so are those that leave, so that
 * the evaluation of all is known without a pass over all; X'X, its inverse and the right side of the fixed point follow
 * in the same way.
 */
export const slidingWindow = (on: Backend, settings: WindowSettings): SlidingWindow => {
  const { units, inputs, alpha, objective, bias, most } = settings;
  const predictors = units + inputs + (bias ? 1 : 0);
  const blockRows = Math.max(1, Math.min(fullBlock, Math.floor(most / 8)));
  const zero = matrix(predictors, units);
  const parts: Part[] = [];
  let transitions = 0;
  /** Rows of the block that is not full yet. */
  let filled = 0;
  let version = 0;
  let standing: Standing = { theta: copyMatrix(settings.theta), ...zeroEvaluation(predictors, units) };
  let growing: GrowingMetric | null = null;
  let metric: Metric | null = null;
  const atZero = zeroEvaluation(predictors, units);
  /** X' phi^-1(d), of which the fixed point is made; null where there is none. */
  let right: Matrix | null = objective.inverse === null ? null : matrix(predictors, units);
  /** Rows that came or went since the fixed point was last compared with the weights. */
  let changed = 0;
  const followers = new Set<{ readonly part: Part; readonly sign: 1 | -1 }[]>();

  const taskOf = (piece: Piece): Promise<Problem> =>
    problemOn(on, sourceOf(piece, alpha, units, inputs), objective, { bias });

  /** What rows add to all that is known of the window. */
  const sumsOf = async (task: Problem): Promise<RowSums> => ({
    atStanding: await task.evaluate(standing.theta),
    atZero: await task.evaluate(zero),
    right: right === null ? null : await rightOf(task),
  });

  /** All that is known of the window follows rows that join or leave. */
  const follow = (part: Part, sums: RowSums, sign: 1 | -1): void => {
    addEvaluation(standing, sums.atStanding, sign);
    addEvaluation(atZero, sums.atZero, sign);
    if (right === null || sums.right === null) right = null;
    else for (let i = 0; i < right.data.length; i++) right.data[i]! += sign * sums.right[i]!;
    metric = null;
    changed += part.rows;
    transitions += sign * part.rows;
    version++;
    for (const changes of followers) {
      part.holders++;
      changes.push({ part, sign });
    }
  };

  const join = async (piece: Piece): Promise<void> => {
    const task = await taskOf(piece);
    const part = { task, rows: piece.targets.rows, source: piece, holders: 1 };
    try {
      // Refuses what its steps cannot be bounded for.
      if (task.curvatureBound === null) await sharedMetricMap.prepare(task);
      const sums = await sumsOf(task);
      growing ??= growingMetric(on.host, predictors, task.free);
      growing.add(designOf(piece, bias, on.precision === 'mixed'));
      follow(part, sums, 1);
    } catch (error) {
      task.release();
      throw error;
    }
    parts.push(part);
    filled += part.rows;
  };

  /** Parts are merged as the digits of a binary counter are, so that there are few and each row is moved a few times. */
  const mergeParts = async (): Promise<void> => {
    const isFull = filled === blockRows;
    const merged: Part[] = [];
    let rows = 0;
    for (let part = parts.at(-1); part !== undefined && part.source !== null; part = parts.at(-1 - merged.length)) {
      if (!isFull && part.rows > rows && merged.length > 0) break;
      merged.unshift(part);
      rows += part.rows;
    }
    if (isFull) filled = 0;
    const [only] = merged;
    if (only === undefined || (merged.length === 1 && !isFull)) return;
    if (merged.length === 1) {
      only.source = null;
      return;
    }
    const piece = concatenate(merged.flatMap(({ source }) => (source === null ? [] : [source])));
    const task = await taskOf(piece);
    parts.length -= merged.length;
    parts.push({ task, rows, source: isFull ? null : piece, holders: 1 });
    merged.forEach(letGo);
  };

  const dropOldest = async (): Promise<void> => {
    while (transitions > most) {
      const [oldest] = parts;
      if (oldest === undefined) return;
      const sums = await sumsOf(oldest.task);
      growing?.drop(await on.gram(oldest.task.rows.design));
      follow(oldest, sums, -1);
      parts.shift();
      letGo(oldest);
    }
  };

  const known = (): GrowingMetric => {
    if (growing === null) throw new Error('a window without rows');
    return growing;
  };
  const ridge = (): Float64Array => {
    const result = new Float64Array(predictors);
    for (const { task } of parts) task.ridge.forEach((lambda, p) => (result[p]! += lambda));
    return result;
  };
  const presentMetric = (): Metric => (metric ??= known().metric(ridge()));

  const snapshot = (): Snapshot => {
    const held = [...parts];
    const changes: { readonly part: Part; readonly sign: 1 | -1 }[] = [];
    for (const part of held) part.holders++;
    followers.add(changes);
    return {
      get rowsToFollow() {
        return changes[0]?.part.rows ?? null;
      },
      follow: async (at, there) => {
        const change = changes.shift();
        if (change === undefined) return;
        try {
          addEvaluation(there, await change.part.task.evaluate(at), change.sign);
        } finally {
          letGo(change.part);
        }
      },
      release: () => {
        followers.delete(changes);
        held.splice(0).forEach(letGo);
        for (const { part } of changes.splice(0)) letGo(part);
      },
    };
  };

  return {
    get transitions() {
      return transitions;
    },
    get firstRows() {
      return parts[0]?.rows ?? 0;
    },
    get version() {
      return version;
    },
    get standing() {
      return standing;
    },
    get isInverseDue() {
      return metric === null && growing?.isReady !== true;
    },
    get isComparisonDue() {
      return right !== null && changed > compareAfter * transitions;
    },
    add: async (piece) => {
      for (let row = 0; row < piece.targets.rows;) {
        const count = Math.min(piece.targets.rows - row, blockRows - filled);
        await join(slice(piece, row, row + count));
        await mergeParts();
        row += count;
      }
      await dropOldest();
    },
    problem: (turn) => {
      const present = presentMetric();
      return sumOfProblems({
        parts: parts.map(({ task }) => task),
        gram: known().gram,
        metric: present,
        gradientScale: () => present.dualNorm(atZero.gradient),
        start: standing.theta,
        ...(turn === undefined ? {} : { turn }),
      });
    },
    fixedPoint: () => (right === null ? null : presentMetric().solve(right)),
    snapshot,
    fork: () => {
      const [first] = parts;
      if (first === undefined) throw new Error('a window without rows');
      const gram = copyMatrix(known().gram);
      // The inverse of the window goes on with its rows; this one stays.
      const own = metricOf(on.host, gram, ridge(), first.task.free);
      const scale = own.dualNorm(atZero.gradient);
      const tasks = parts.map(({ task }) => task);
      return {
        snapshot: snapshot(),
        standing: { theta: copyMatrix(standing.theta), ...copyEvaluation(standing) },
        fixedPoint: right === null ? null : own.solve(right),
        problemFrom: (theta, turn) =>
          sumOfProblems({
            parts: tasks,
            gram,
            metric: own,
            gradientScale: () => scale,
            start: theta,
            ...(turn === undefined ? {} : { turn }),
          }),
      };
    },
    moveTo: ({ theta, value, gradient }) => {
      standing.value.set(value);
      standing.gradient.data.set(gradient.data);
      standing = { ...standing, theta };
    },
    takeOver: (better) => {
      changed = 0;
      // Others may hold the weights as they are.
      const mixed = { ...standing, theta: copyMatrix(standing.theta) };
      const taken = takeBetter(mixed, better);
      if (taken > 0) {
        standing = mixed;
        version++;
      }
      return taken;
    },
    release: () => {
      parts.splice(0).forEach(letGo);
      transitions = 0;
    },
  };
};

const letGo = (part: Part): void => {
  part.holders--;
  if (part.holders === 0) part.task.release();
};

/** Puts the columns of the units whose objective is lower at `other` in the place of those that are here; how many. */
export const takeBetter = (here: Standing, other: Standing): number => {
  let taken = 0;
  for (let j = 0; j < here.value.length; j++) {
    if (!(other.value[j]! < here.value[j]!)) continue;
    taken++;
    here.value[j] = other.value[j]!;
    copyColumn(other.theta, here.theta, j);
    copyColumn(other.gradient, here.gradient, j);
  }
  return taken;
};

/** X' phi^-1(d); null where some target has no inverse. */
const rightOf = async ({
  objective: { inverse },
  on,
  rows: { design, data },
}: Problem): Promise<Float64Array | null> => {
  const { y, d } = data;
  const given = y === undefined ? (d === undefined ? null : { d }) : { y };
  if (inverse === null || given === null) return null;
  const { backProject } = await on.pass(design, {
    currents: {},
    data: given,
    backProject: [y === undefined ? inverse : variable('y')],
  });
  const right = backProject[0]?.data;
  return right === undefined || firstNonFinite(right) >= 0 ? null : right;
};
