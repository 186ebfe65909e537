import type { Metric, ProblemShape } from '@drnn/solvers';
import type { Matrix } from '@drnn/tensor';

/** The ridge of a round by group of predictors, in units of precision: 1 / the variance of the weights it holds. */
export interface Shrinkage {
  readonly W: number;
  readonly Win: number;
}

/** A variance of weights below this is taken for this. */
const leastVariance = 1e-4;

/** 1 / the variance of the weights as they are: where empirical Bayes starts. */
export const firstShrinkage = (theta: Matrix, shape: ProblemShape): Shrinkage => ({
  W: 1 / Math.max(meanSquare(theta, 0, shape.units), leastVariance),
  Win: 1 / Math.max(meanSquare(theta, shape.units, shape.units + shape.inputs), leastVariance),
});

/**
 * One step of empirical Bayes (MacKay 1992, section 4): lambda = gamma / |theta|^2, where gamma = sum over the group of
 * 1 - lambda_p (H^-1)_pp counts the parameters that the data determine; H is that of the average unit,
 * `meanCurvature` times the metric's A.
 */
export const nextShrinkage = (
  { W, Win }: Shrinkage,
  theta: Matrix,
  shape: ProblemShape,
  metric: Metric,
  meanCurvature: number,
): Shrinkage => {
  const inverse = metric.inverseDiagonal();
  const update = (lambda: number, from: number, to: number): number => {
    if (to === from) return lambda;
    let determined = 0;
    for (let p = from; p < to; p++) determined += 1 - (lambda * inverse[p]!) / meanCurvature;
    const total = meanSquare(theta, from, to) * (to - from);
    return Math.max(determined, 1e-3 * (to - from)) / Math.max(total, leastVariance * (to - from));
  };
  return { W: update(W, 0, shape.units), Win: update(Win, shape.units, shape.units + shape.inputs) };
};

/** lambda [predictor]; the bias is free. */
export const ridgeOf = ({ W, Win }: Shrinkage, { predictors, units, inputs }: ProblemShape): Float64Array =>
  Float64Array.from({ length: predictors }, (_, p) => (p < units ? W : p < units + inputs ? Win : 0));

/** The mean over units and over predictors [from, to) of theta^2; 0 for none. */
const meanSquare = ({ columns, data }: Matrix, from: number, to: number): number => {
  let total = 0;
  for (let i = from * columns; i < to * columns; i++) total += data[i]! ** 2;
  return to > from ? total / ((to - from) * columns) : 0;
};
