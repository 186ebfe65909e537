import { matrix, type Matrix, transpose } from '@drnn/tensor';
import { correlation } from './correlation.js';

/** How near fitted weights are to the true ones, over all N^2 entries of W, the diagonal included. */
export interface WeightAccuracy {
  /** Pearson's r; NaN where either is constant. */
  readonly correlation: number;
  /** <W, What> / <W, W>: 1 where nothing is shrunk. */
  readonly slope: number;
  /** RMSE(What) / sd(W): 1 is as bad as What = 0. */
  readonly relativeError: number;
}

/**
 * Accuracy of Theta [predictor, unit] against W [unit, unit], row = target, as the CORNN paper counts it: over all
 * entries, the diagonal included. Predictors after the units (inputs, bias) are left out. Made once for a network, it
 * costs O(unit^2) a call; `thetaOf(model.W)` is the Theta of a fitted model.
 */
export const weightAccuracy = (W: Matrix): ((theta: Matrix) => WeightAccuracy) => {
  const truth = transpose(W).data;
  const count = truth.length;
  const mean = truth.reduce((a, b) => a + b, 0) / count;
  let [size, variance] = [0, 0];
  for (let i = 0; i < count; i++) {
    size += truth[i]! ** 2;
    variance += (truth[i]! - mean) ** 2 / count;
  }
  return (theta) => {
    const fitted = theta.data.subarray(0, count);
    let [product, error] = [0, 0];
    for (let i = 0; i < count; i++) {
      product += truth[i]! * fitted[i]!;
      error += (fitted[i]! - truth[i]!) ** 2;
    }
    return {
      correlation: correlation(truth, fitted),
      slope: product / size,
      relativeError: Math.sqrt(error / count / variance),
    };
  };
};

/** Theta [predictor, unit] of weights W [unit, unit] alone: the transpose. */
export const thetaOf = (W: Matrix): Matrix => matrix(W.columns, W.rows, transpose(W).data);
