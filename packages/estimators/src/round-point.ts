import { copyMatrix, matrix, type Matrix, mul, type Rows, substitute, variable } from '@drnn/tensor';
import { projectOut } from '@drnn/solvers';
import type { FrozenLoss } from './calibrated-loss.js';
import { addRidge, addRidgeValue, type KeptRows, type PassOver, passOver, type RoundTask } from './round-task.js';

/** What a round knows at one Theta. */
export interface RoundPoint {
  readonly theta: Matrix;
  /** Of each unit, ridge included, [unit]. */
  readonly value: Float64Array;
  /** Ridge included, 0 at fixed coordinates. */
  readonly gradient: Matrix;
  /** h = w phi'(z), [time, unit]. */
  readonly curvatures: KeptRows;
  /** The sum of h over time, [unit]. */
  readonly curvatureSums: Float64Array;
}

/** The objective of a round, its weights frozen. */
export interface FrozenRound {
  readonly task: RoundTask;
  readonly ridge: Float64Array;
  readonly loss: FrozenLoss;
  /** w, [time, unit]; null where only the first point is asked for. */
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
  const weight = substitute(loss.weight, { z0: variable('z') });
  const [value, slope, curvature] = [loss.value, loss.slope, loss.curvature].map((e) => substitute(e, { w: weight }));
  if (value === undefined || slope === undefined || curvature === undefined) throw new Error('a loss has three parts');
  const swept = await passOver(task, ({ targets, observed }) => ({
    currents: { z: start },
    data: { d: targets, ...(observed === null ? {} : { o: observed }) },
    backProject: [slope],
    columnSums: [curvature, value],
    keep: keepWeights ? [curvature, weight] : [curvature],
  }));
  const [curvatures = [], weights = null] = swept.kept;
  const round: FrozenRound = {
    task,
    ridge,
    loss,
    weights,
    release: () => {
      if (weights !== null) release(weights);
    },
  };
  return { round, point: pointOf(round, start, swept, curvatures) };
};

/** The point of a frozen round at another Theta. Cost one pass. */
export const pointAt = async (round: FrozenRound, theta: Matrix): Promise<RoundPoint> => {
  const { task, loss, weights } = round;
  const swept = await passOver(task, ({ targets }, index) => {
    const w = weights?.[index];
    if (w === undefined) throw new Error('the weights of this round were not kept');
    return {
      currents: { z: theta },
      data: { d: targets, w },
      backProject: [loss.slope],
      columnSums: [loss.curvature, loss.value],
      keep: [loss.curvature],
    };
  });
  return pointOf(round, theta, swept, swept.kept[0] ?? []);
};

const product = mul(variable('h'), variable('v'));

/** sum over the parts of X' (h (X v)), the columns those of some units; no ridge. Cost a pass over these columns. */
export const curvatureProduct = async (task: RoundTask, curvatures: KeptRows, direction: Matrix): Promise<Matrix> => {
  const { backProject } = await passOver(task, (_, index) => {
    const h = curvatures[index];
    if (h === undefined) throw new Error('a part without curvatures');
    return { currents: { v: direction }, data: { h }, backProject: [product] };
  });
  return backProject[0] ?? matrix(direction.rows, direction.columns);
};

/** H_j v_j at a point, for every unit. Cost one pass. */
export const curvatureTimes = async (
  { task, ridge }: FrozenRound,
  { curvatures }: RoundPoint,
  direction: Matrix,
): Promise<Matrix> => withRidge(task, ridge, direction, await curvatureProduct(task, curvatures, direction));

/** The curvatures of fewer and fewer units, whose columns lie together. */
export interface NarrowingCurvatures {
  /** Of these units, ascending: columns of the last ones where those have them, else of all. */
  of(units: Int32Array): Promise<KeptRows>;
  /** Gives back what was made; the curvatures it began with are the caller's. */
  release(): void;
}

export const narrowingCurvatures = ({ on }: RoundTask, all: KeptRows, count: number): NarrowingCurvatures => {
  let units = Int32Array.from({ length: count }, (_, j) => j);
  let rows = all;
  const drop = (): void => {
    if (rows !== all) release(rows);
  };
  return {
    of: async (wanted) => {
      if (wanted.length === units.length && wanted.every((j, c) => j === units[c])) return rows;
      const inside = Int32Array.from(wanted, (j) => units.indexOf(j));
      const [from, columns] = inside.includes(-1) ? [all, wanted] : [rows, inside];
      const narrowed: Rows[] = [];
      for (const part of from) narrowed.push(await on.select(part, columns));
      drop();
      [rows, units] = [narrowed, wanted.slice()];
      return rows;
    },
    release: drop,
  };
};

/** Gives back the rows of a point. */
export const releasePoint = ({ curvatures }: RoundPoint): void => release(curvatures);

const pointOf = (
  { task, ridge }: FrozenRound,
  theta: Matrix,
  { backProject, columnSums }: PassOver,
  curvatures: KeptRows,
): RoundPoint => {
  const value = columnSums[1] ?? new Float64Array(theta.columns);
  addRidgeValue(ridge, theta, value);
  return {
    theta,
    value,
    gradient: withRidge(task, ridge, theta, backProject[0] ?? matrix(theta.rows, theta.columns)),
    curvatures,
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
  task.on.host.columnScaleAdd(scale, direction, copyMatrix(theta));
