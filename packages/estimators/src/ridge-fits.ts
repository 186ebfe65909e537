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
 * squares on the currents, d kept inside the range. Null where an inverted target is infinite. Cost a pass's
 * back-projection where `inverted`, the sum of X' phi^-1(d), is not given, and P^3 for each strength.
 */
export const leastSquaresPath = async (
  task: RoundTask,
  strengths: readonly number[],
  inverted?: Matrix,
): Promise<readonly Matrix[] | null> => {
  const right = inverted ?? (await invertedTargets(task));
  if (firstNonFinite(right.data) >= 0) return null;
  const { host } = task.on;
  return strengths.map((strength) =>
    metricOf(host, task.gram, ridgeOfStrength(strength, task.shape), task.free).solve(right),
  );
};

/** X' phi^-1(d). */
const invertedTargets = async (task: RoundTask): Promise<Matrix> => {
  const partly = isPartlyObserved(task);
  const inverse = task.transfer.inverse(insideRange(task.transfer, variable('d')));
  const seen: Expression = partly ? where(less(0, variable('o')), inverse, 0) : inverse;
  const { backProject } = await passOver(task, ({ targets, observed }) => ({
    currents: {},
    data: { d: targets, ...(observed === null ? {} : { o: observed }) },
    backProject: [seen],
  }));
  return backProject[0] ?? matrix(0, 0);
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

/** The plain matching loss (cross-entropy for tanh) with a ridge, by Newton's method. */
export const crossEntropyFit = async (
  task: RoundTask,
  strength: number,
  start: Matrix,
  rule: RoundRule,
): Promise<RoundResult> => {
  const loss = plainLoss(task.transfer, isPartlyObserved(task));
  return solveRound(task, start, { loss, ridge: ridgeOfStrength(strength, task.shape), rule });
};

/** `crossEntropyFit` for several strengths, each started from the one before. */
export const crossEntropyPath = async (
  task: RoundTask,
  strengths: readonly number[],
  start: Matrix,
  rule: RoundRule,
): Promise<readonly Matrix[]> => {
  const thetas: Matrix[] = [];
  for (const strength of strengths)
    thetas.push((await crossEntropyFit(task, strength, thetas.at(-1) ?? start, rule)).theta);
  return thetas;
};
