import type { Transitions } from '@drnn/simulator';
import type { Host } from '@drnn/tensor';
import { predictedDrive, type ScoredModel } from './scores.js';

/** What noise on the record itself, as opposed to noise in the dynamics, does to the weights. */
export interface ObservationNoise {
  /** Its standard deviation in each unit, [unit], in the recording's units; 0 where the errors show none. */
  readonly size: Float64Array;
  /** Its variance over that of the activity, mean over units. */
  readonly share: number;
  /** Correlation of the errors of successive drives, mean over units; noise on the record makes it negative. */
  readonly autocorrelation: number;
  /** By what the weights are expected to be too small, mean over sources: 1 means not at all. */
  readonly slope: number;
}

/** Fewer successive errors say too little. */
const fewestPairs = 100;

/**
 * Estimates noise e on the record y = r + e, white and of standard deviation s_j, from held-out errors. It enters the
 * target twice, (e[t+1] - (1 - a) e[t]) / a, so that the errors x of successive drives have the covariance
 *
 *     E x[t] x[t+1] = -(1 - a) s^2 / a^2,    s^2 = -a^2 / (1 - a) E x[t] x[t+1],
 *
 * while noise in the dynamics leaves none. As predictors the units carry the same noise: in a linear network the weights
 * from unit j shrink by 1 - s_j^2 K_jj, K the inverse of the second moments of the predictors (errors in variables:
 * Fuller, Measurement Error Models, 1987). `inverseMoments` is the diagonal of K in scaled units, [predictor]. Null
 * where alpha is 1, which hides the first effect, and where there are too few successive rows. An alpha that is wrong,
 * and units or inputs that were not recorded, change the covariance as well.
 */
export const observationNoiseOf = (
  host: Host,
  model: ScoredModel,
  heldOut: Transitions,
  inverseMoments: Float64Array,
): ObservationNoise | null => {
  const { units, alpha, weights, frames, targets, predictors } = heldOut;
  const drive = predictedDrive(host, model, predictors);
  const starts = new Set(heldOut.trialStarts);
  const zeros = (): Float64Array => new Float64Array(units);
  const [pairs, product, square, count, sum, sumOfSquares] = [zeros(), zeros(), zeros(), zeros(), zeros(), zeros()];
  const errorOf = (i: number): number =>
    weights !== null && weights.data[i] === 0 ? Number.NaN : targets.data[i]! - drive.data[i]!;
  for (let t = 0; t < targets.rows; t++) {
    const follows = t + 1 < targets.rows && frames[t + 1] === frames[t]! + 1 && !starts.has(t + 1);
    for (let j = 0; j < units; j++) {
      const r = predictors.data[t * predictors.columns + j]!;
      sum[j]! += r;
      sumOfSquares[j]! += r * r;
      const error = errorOf(t * units + j);
      if (!Number.isFinite(error)) continue;
      square[j]! += error * error;
      count[j]!++;
      const next = follows ? errorOf((t + 1) * units + j) : Number.NaN;
      if (!Number.isFinite(next)) continue;
      product[j]! += error * next;
      pairs[j]!++;
    }
  }
  if (pairs.some((each, j) => each < fewestPairs || alpha[j] === 1)) return null;
  // Signed, so that the mean over units is not pushed up where there is no noise.
  const variance = product.map((total, j) => (-(alpha[j]! ** 2) / (1 - alpha[j]!)) * (total / pairs[j]!));
  const activity = sum.map((total, j) => sumOfSquares[j]! / targets.rows - (total / targets.rows) ** 2);
  const mean = (of: (j: number) => number): number => variance.reduce((total, _, j) => total + of(j), 0) / units;
  return {
    size: variance.map((value, j) => Math.sqrt(Math.max(0, value)) * model.scale[j]!),
    share: Math.max(
      0,
      mean((j) => variance[j]! / activity[j]!),
    ),
    autocorrelation: mean((j) => product[j]! / pairs[j]! / (square[j]! / count[j]!)),
    slope: Math.min(1, 1 - mean((j) => variance[j]! * inverseMoments[j]!)),
  };
};
