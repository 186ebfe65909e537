import { freeSet, hessiansAtOnce, turn } from '@drnn/solvers';
import { matrix, type Matrix } from '@drnn/tensor';
import { precisionOn } from './precision.js';
import { type FrozenRound, narrowingRows, type RoundPoint, withCurvatures } from './round-point.js';
import type { KeptRows, RoundTask } from './round-task.js';

/** Units whose Hessians are held at once where memory is to be saved, and those that are done cannot be left out. */
const fewUnits = 16;

export interface ExactStep {
  /** [predictor, unit], of all units. */
  readonly solution: Matrix;
  /** g' H^-1 g of the units that were asked for. */
  readonly decrement: Float64Array;
}

/**
 * X' diag(h_j) X for units [from, to), summed over the parts. Cost T P^2 flop a unit.
 */
export const hessians = async (
  task: RoundTask,
  curvatures: KeptRows,
  from: number,
  to: number,
): Promise<readonly Matrix[]> => {
  let total: readonly Matrix[] = [];
  for (const [index, { design }] of task.parts.entries()) {
    const h = curvatures[index];
    if (h === undefined) throw new Error('a part without curvatures');
    const own = await task.on.gramEach(design, h, from, to);
    if (index === 0) total = own;
    else
      total.forEach((sum, k) => {
        const { data } = own[k] ?? sum;
        for (let i = 0; i < data.length; i++) sum.data[i]! += data[i]!;
      });
  }
  return total;
};

/**
 * -H_j^-1 g_j for each of these units with its own Hessian H_j = X' diag(h_j) X + Lambda, factored on its free
 * coordinates; 0 for the others. Cost T P^2 + P^3 / 3 flop a unit. A unit whose Hessian is not positive definite (all its samples trimmed, no ridge) stays.
 */
export const exactStep = (round: FrozenRound, point: RoundPoint, open: Int32Array): Promise<ExactStep> =>
  withCurvatures(round, point, async (curvatures) => {
    const count = point.theta.columns;
    if (point.curvatures === null) {
      // Where nothing is kept, nothing is copied either.
      const columns = new Int32Array(count).fill(-1);
      for (const j of open) columns[j] = j;
      return stepWith(round, point, curvatures, columns, open);
    }
    const own = narrowingRows(round.task.on, curvatures, count);
    try {
      return await stepWith(round, point, await own.of(open), open, open);
    } finally {
      own.release();
    }
  });

/** `columns` are the units of the columns of `curvatures`; -1 is none. */
const stepWith = async (
  { task, ridge }: FrozenRound,
  point: RoundPoint,
  curvatures: KeptRows,
  columns: Int32Array,
  open: Int32Array,
): Promise<ExactStep> => {
  const { host } = task.on;
  const { predictors } = task.shape;
  const units = point.theta.columns;
  const unitsAtOnce = point.curvatures === null ? fewUnits : hessiansAtOnce(predictors);
  const solution = matrix(predictors, units);
  for (let from = 0; from < columns.length; from += unitsAtOnce) {
    const to = Math.min(columns.length, from + unitsAtOnce);
    if (columns.subarray(from, to).every((j) => j < 0)) continue;
    await turn();
    const made = await hessians(task, curvatures, from, to);
    made.forEach((hessian, k) => {
      const j = columns[from + k]!;
      if (j < 0) return;
      const set = freeSet(task.free, predictors, j);
      const right = matrix(set.length, 1);
      set.forEach((p, a) => (right.data[a] = -point.gradient.data[p * units + j]!));
      const precision = precisionOn(set, hessian, ridge);
      const result = host.cholesky(precision, precision);
      if (!result.ok) return;
      host.choleskySolve(result.factor, right, right);
      set.forEach((p, a) => (solution.data[p * units + j] = right.data[a]!));
    });
  }
  const slope = host.columnDot(point.gradient, solution);
  return { solution, decrement: Float64Array.from(open, (j) => -slope[j]!) };
};
