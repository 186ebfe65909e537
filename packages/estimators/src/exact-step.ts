import { freeSet, turn } from '@drnn/solvers';
import { matrix, type Matrix } from '@drnn/tensor';
import { type FrozenRound, type RoundPoint, withCurvatures } from './round-point.js';
import type { KeptRows, RoundTask } from './round-task.js';

/** Units whose Hessians are held at once: 8 P^2 bytes each. */
const unitsAtOnce = 16;

/** H_j^-1 b_j, and of the units that were asked for the diagonal of H_j^-1. */
export interface ExactStep {
  readonly solution: Matrix;
  /** b' H^-1 b. */
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
 * -H_j^-1 g_j for each unit with its own Hessian H_j = X' diag(h_j) X + Lambda, factored on its free coordinates. Cost
 * T P^2 + P^3 / 3 flop a unit. A unit whose Hessian is not positive definite (all its samples trimmed, no ridge) stays.
 */
export const exactStep = (round: FrozenRound, point: RoundPoint): Promise<ExactStep> =>
  withCurvatures(round, point, (curvatures) => stepWith(round, point, curvatures));

const stepWith = async ({ task, ridge }: FrozenRound, point: RoundPoint, curvatures: KeptRows): Promise<ExactStep> => {
  const { host } = task.on;
  const { predictors } = task.shape;
  const units = point.theta.columns;
  const solution = matrix(predictors, units);
  for (let from = 0; from < units; from += unitsAtOnce) {
    const to = Math.min(units, from + unitsAtOnce);
    await turn();
    const made = await hessians(task, curvatures, from, to);
    made.forEach((hessian, k) => {
      const j = from + k;
      const set = freeSet(task.free, predictors, j);
      const reduced = matrix(set.length, set.length);
      const right = matrix(set.length, 1);
      set.forEach((p, a) => {
        for (let b = 0; b <= a; b++) reduced.data[a * set.length + b] = hessian.data[p * predictors + set[b]!]!;
        reduced.data[a * set.length + a]! += ridge[p]!;
        right.data[a] = -point.gradient.data[p * units + j]!;
      });
      const result = host.cholesky(reduced);
      if (!result.ok) return;
      host.choleskySolve(result.factor, right, right);
      set.forEach((p, a) => (solution.data[p * units + j] = right.data[a]!));
    });
  }
  const decrement = host.columnDot(point.gradient, solution).map((slope) => -slope);
  return { solution, decrement };
};
