import { metricOf } from '@drnn/solvers';
import {
  type Expression,
  firstNonFinite,
  less,
  matrix,
  type Matrix,
  mul,
  square,
  sub,
  variable,
  where,
} from '@drnn/tensor';
import { plainLoss } from './calibrated-loss.js';
import { insideRange } from './inside-range.js';
import { addRidgeValue, isPartlyObserved, passOver, type RoundTask } from './round-task.js';
import { type RoundResult, type RoundRule, solveRound } from './solve-round.js';

/** The plain fits that the rounds must not lose to. */
export type RidgeLoss = 'cross-entropy' | 'least-squares';

/** lambda [predictor] of a strength per transition; the bias is free. */
export const ridgeOfStrength = (
  strength: number,
  { predictors, transitions, bias }: RoundTask['shape'],
): Float64Array =>
  Float64Array.from({ length: predictors }, (_, p) => (bias && p === predictors - 1 ? 0 : strength * transitions));

/**
 * Ridge regression of the inverted targets, theta = (X'X + Lambda)^-1 X' phi^-1(d), for each strength: linear least
 * squares on the currents, d kept inside the range. Null where an inverted target is infinite. Cost one pass, and P^3
 * for each strength.
 */
export const leastSquaresPath = async (
  task: RoundTask,
  strengths: readonly number[],
): Promise<readonly Matrix[] | null> => {
  const partly = isPartlyObserved(task);
  const inverse = task.transfer.inverse(insideRange(task.transfer, variable('d')));
  const seen: Expression = partly ? where(less(0, variable('o')), inverse, 0) : inverse;
  const { backProject } = await passOver(task, ({ targets, observed }) => ({
    currents: {},
    data: { d: targets, ...(observed === null ? {} : { o: observed }) },
    backProject: [seen],
  }));
  const right = backProject[0] ?? matrix(0, 0);
  if (firstNonFinite(right.data) >= 0) return null;
  const { host } = task.on;
  return strengths.map((strength) =>
    metricOf(host, task.gram, ridgeOfStrength(strength, task.shape), task.free).solve(right),
  );
};

/** Each unit's sum of squares over 2, sum (phi^-1(d) - z)^2 / 2, ridge included. Cost half a pass. */
export const leastSquaresValue = async (task: RoundTask, theta: Matrix, ridge: Float64Array): Promise<Float64Array> => {
  const inverse = task.transfer.inverse(insideRange(task.transfer, variable('d')));
  const half = mul(0.5, square(sub(inverse, variable('z'))));
  const seen: Expression = isPartlyObserved(task) ? where(less(0, variable('o')), half, 0) : half;
  const { columnSums } = await passOver(task, ({ targets, observed }) => ({
    currents: { z: theta },
    data: { d: targets, ...(observed === null ? {} : { o: observed }) },
    columnSums: [seen],
  }));
  const value = columnSums[0] ?? new Float64Array(theta.columns);
  addRidgeValue(ridge, theta, value);
  return value;
};

/** A plain fit is chosen by its held-out score, not by its last digits. */
const plainRule: RoundRule = { perUnit: 0.1, median: 0, products: 12, newtonSteps: 3, method: 'conjugate-gradients' };

/** The plain matching loss (cross-entropy for tanh) with a ridge, by Newton's method. */
export const crossEntropyFit = async (
  task: RoundTask,
  strength: number,
  start: Matrix,
  rule: RoundRule = plainRule,
): Promise<RoundResult> => {
  const loss = plainLoss(task.transfer, isPartlyObserved(task));
  return solveRound(task, start, { loss, ridge: ridgeOfStrength(strength, task.shape), rule });
};

/** `crossEntropyFit` for several strengths, each started from the one before. Cost some 30 passes each. */
export const crossEntropyPath = async (
  task: RoundTask,
  strengths: readonly number[],
  start: Matrix,
): Promise<readonly Matrix[]> => {
  const thetas: Matrix[] = [];
  for (const strength of strengths) thetas.push((await crossEntropyFit(task, strength, thetas.at(-1) ?? start)).theta);
  return thetas;
};
