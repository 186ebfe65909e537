import { type Backend, columnsOf, matrix, type Matrix, mul, type PassRequest, type Rows, variable } from '@drnn/tensor';
import { columnRoom, projectOut, sameUnits, scatterColumns } from '@drnn/solvers';
import type { FrozenLoss } from './calibrated-loss.js';
import {
  addRidge,
  addRidgeValue,
  type KeptRows,
  type Part,
  type PassOver,
  passOver,
  type RoundTask,
} from './round-task.js';
import { writtenAtStart, writtenElsewhere, type WrittenLoss } from './written-loss.js';

/** What a round knows at one Theta. */
export interface RoundPoint {
  readonly theta: Matrix;
  /** Of each unit, ridge included, [unit]. */
  readonly value: Float64Array;
  /** Ridge included, 0 at fixed coordinates. */
  readonly gradient: Matrix;
  /** h = w phi'(z), [time, unit]; null where each pass makes them again, by `written`. */
  readonly curvatures: KeptRows | null;
  readonly written: WrittenLoss;
  /** The sum of h over time, [unit]. */
  readonly curvatureSums: Float64Array;
}

/** The objective of a round, its weights frozen. */
export interface FrozenRound {
  readonly task: RoundTask;
  readonly ridge: Float64Array;
  readonly loss: FrozenLoss;
  /** Where weights and trims are frozen. */
  readonly start: Matrix;
  readonly elsewhere: WrittenLoss;
  /** w, [time, unit]; null where only the first point is asked for, and where each pass makes them again. */
  readonly weights: KeptRows | null;
  release(): void;
}

const release = (kept: KeptRows): void => kept.forEach((rows) => rows.release());

/** Freezes weights and trims at `start`; the point there, and the objective, its weights kept if it is to move on. */
export const freezeAt = async (
  task: RoundTask,
  start: Matrix,
  loss: FrozenLoss,
  ridge: Float64Array,
  keepWeights: boolean,
): Promise<{ readonly round: FrozenRound; readonly point: RoundPoint }> => {
  const written = writtenAtStart(loss);
  const keeps = task.memory === 'keep';
  const swept = await passOver(task, (part) => ({
    currents: { z: start },
    data: dataOf(part),
    backProject: [written.slope],
    columnSums: [written.curvature, written.value],
    keep: keeps ? (keepWeights ? [written.curvature, written.weight] : [written.curvature]) : [],
  }));
  const [curvatures = null, weights = null] = swept.kept;
  const round: FrozenRound = {
    task,
    ridge,
    loss,
    start,
    elsewhere: writtenElsewhere(loss),
    weights,
    release: () => {
      if (weights !== null) release(weights);
    },
  };
  return { round, point: pointOf(round, start, written, swept, curvatures) };
};

const dataOf = ({ targets, observed }: Part): PassRequest['data'] => ({
  d: targets,
  ...(observed === null ? {} : { o: observed }),
});

/** The point of a frozen round at another Theta. Cost one pass. */
export const pointAt = async (round: FrozenRound, theta: Matrix): Promise<RoundPoint> => {
  const { task, loss, weights, elsewhere, start } = round;
  const recomputes = task.memory === 'recompute';
  const swept = await passOver(task, (part, index) => {
    if (recomputes) {
      return {
        currents: elsewhere.currents(theta, start),
        data: dataOf(part),
        backProject: [elsewhere.slope],
        columnSums: [elsewhere.curvature, elsewhere.value],
      };
    }
    const w = weights?.[index];
    if (w === undefined) throw new Error('the weights of this round were not kept');
    return {
      currents: { z: theta },
      data: { d: part.targets, w },
      backProject: [loss.slope],
      columnSums: [loss.curvature, loss.value],
      keep: [loss.curvature],
    };
  });
  return pointOf(round, theta, elsewhere, swept, swept.kept[0] ?? null);
};

const product = mul(variable('h'), variable('v'));

/** H_j v_j for every unit, at a point. Cost one pass; where curvatures are made again, of one current more or two. */
export const curvatureTimes = async (
  { task, ridge, start }: FrozenRound,
  { theta, curvatures, written }: RoundPoint,
  direction: Matrix,
): Promise<Matrix> => {
  if (curvatures !== null) return withRidge(task, ridge, direction, await keptTimes(task, curvatures, direction));
  const { backProject } = await passOver(task, (part) => ({
    currents: { v: direction, ...written.currents(theta, start) },
    data: dataOf(part),
    backProject: [written.product],
  }));
  return withRidge(task, ridge, direction, backProject[0] ?? matrix(direction.rows, direction.columns));
};

/** sum over the parts of X' (h (X v)), the columns those of some units. */
const keptTimes = async (
  task: RoundTask,
  curvatures: KeptRows,
  direction: Matrix,
  out = matrix(direction.rows, direction.columns),
): Promise<Matrix> => {
  await passOver(task, (_, index) => {
    const h = curvatures[index];
    if (h === undefined) throw new Error('a part without curvatures');
    return { currents: { v: direction }, data: { h }, backProject: [product], out: [out] };
  });
  return out;
};

/** Products with the Hessians of fewer and fewer units. */
export interface NarrowingProducts {
  /**
   * H_j v_j for these units, ascending, in memory that is taken again for the next product. Cost a pass over their columns;
   * where curvatures are made again, over all.
   */
  times(directions: Matrix, units: Int32Array): Promise<Matrix>;
  /** Gives back what was made; what the point holds stays. */
  release(): void;
}

/** The curvatures of the units at work lie together, so that a product with few of them is cheap. */
export const narrowingProducts = (round: FrozenRound, point: RoundPoint): NarrowingProducts => {
  const { task, ridge } = round;
  const { on } = task;
  const { curvatures: all } = point;
  const count = point.theta.columns;
  if (all === null) {
    // No array [time, unit], not even a narrow one: units that have ended are passed over with directions of 0.
    return {
      times: async (v, units) => {
        if (units.length === count) return curvatureTimes(round, point, v);
        const wide = matrix(v.rows, count);
        scatterColumns(v, units, wide);
        return columnsOf(await curvatureTimes(round, point, wide), units);
      },
      release: () => undefined,
    };
  }
  const narrowed = narrowingRows(on, all, count);
  const room = columnRoom(on.host, point.theta.rows);
  return {
    times: async (v, units) => {
      const times = await keptTimes(task, await narrowed.of(units), v, room(units.length));
      return withRidge(task, ridge, v, times, units);
    },
    release: narrowed.release,
  };
};

/** Rows [time, unit] of which fewer and fewer columns are asked for, so that those lie together. */
export const narrowingRows = (on: Backend, all: KeptRows, count: number) => {
  let present: Int32Array = Int32Array.from({ length: count }, (_, j) => j);
  let rows = all;
  const drop = (): void => {
    if (rows !== all) release(rows);
  };
  return {
    /** The columns of these units, until the next call. */
    of: async (units: Int32Array): Promise<KeptRows> => {
      if (sameUnits(units, present)) return rows;
      const inside = Int32Array.from(units, (j) => present.indexOf(j));
      const [from, columns] = inside.includes(-1) ? [all, units] : [rows, inside];
      const narrowed: Rows[] = [];
      for (const part of from) narrowed.push(await on.select(part, columns));
      drop();
      [rows, present] = [narrowed, units.slice()];
      return rows;
    },
    /** Gives back what was made; `all` stays. */
    release: drop,
  };
};

/** Hands the curvatures of a point to `use`: where they are not kept they are made by a pass, and released after it. */
export const withCurvatures = async <Result>(
  { task, start }: FrozenRound,
  { theta, curvatures, written }: RoundPoint,
  use: (curvatures: KeptRows) => Promise<Result>,
): Promise<Result> => {
  if (curvatures !== null) return use(curvatures);
  const { kept } = await passOver(task, (part) => ({
    currents: written.currents(theta, start),
    data: dataOf(part),
    keep: [written.curvature],
  }));
  const made = kept[0] ?? [];
  try {
    return await use(made);
  } finally {
    release(made);
  }
};

/** Gives back the rows of a point. */
export const releasePoint = ({ curvatures }: RoundPoint): void => {
  if (curvatures !== null) release(curvatures);
};

const pointOf = (
  { task, ridge }: FrozenRound,
  theta: Matrix,
  written: WrittenLoss,
  { backProject, columnSums }: PassOver,
  curvatures: KeptRows | null,
): RoundPoint => {
  const value = columnSums[1] ?? new Float64Array(theta.columns);
  addRidgeValue(ridge, theta, value);
  return {
    theta,
    value,
    gradient: withRidge(task, ridge, theta, backProject[0] ?? matrix(theta.rows, theta.columns)),
    curvatures,
    written,
    curvatureSums: columnSums[0] ?? new Float64Array(),
  };
};

/** sum + Lambda theta on the free coordinates, in place; the columns are those of `units`, by default of all. */
export const withRidge = (
  { free }: RoundTask,
  ridge: Float64Array,
  theta: Matrix,
  sum: Matrix,
  units?: Int32Array,
): Matrix => {
  addRidge(ridge, theta, sum);
  projectOut(free, sum, units);
  return sum;
};

/** theta + scale x direction, unit by unit. */
export const moved = (task: RoundTask, { theta }: RoundPoint, direction: Matrix, scale: Float64Array): Matrix =>
  task.on.host.columnScaleAdd(scale, direction, task.on.host.copy(theta));
