import { failure, type Host, matrix, type Matrix } from '@drnn/tensor';

/** What is known of a unit's free weights after the fit and the rows so far: N(mean, covariance). */
export interface Learner {
  readonly unit: number;
  readonly set: Int32Array;
  readonly mean: Float64Array;
  readonly covariance: Matrix;
  readonly noise: { readonly input: number; readonly output: number };
}

/**
 * Writes the innovations of a unit's rows into column k, NaN where a sample is missing or too uncertain to predict, and
 * takes the rows in. With A [row, weight] and L L' = I + A C A', innovations are L^-1 e, and K = L^-1 A C gives the mean
 * and covariance given these rows, mean + K' L^-1 e and C - K' K. Returns how many rows are observed.
 */
export const innovate = (
  host: Host,
  { unit, set, mean, covariance, noise }: Learner,
  predictors: Matrix,
  targets: Matrix,
  weights: Matrix | null,
  innovations: Matrix,
  k: number,
): number => {
  const { rows } = predictors;
  const width = set.length;
  const slopes = matrix(rows, width);
  const residuals = matrix(rows, 1);
  const mu = new Float64Array(rows);
  const deviations = new Float64Array(rows);
  const used = new Uint8Array(rows);
  let observed = 0;
  for (let t = 0; t < rows; t++) {
    if (weights?.data[t * targets.columns + unit] === 0) continue;
    used[t] = 1;
    observed++;
    const x = t * predictors.columns;
    let z = 0;
    for (let a = 0; a < width; a++) z += predictors.data[x + set[a]!]! * mean[a]!;
    mu[t] = Math.tanh(z);
    const q = (1 - mu[t]!) * (1 + mu[t]!);
    deviations[t] = Math.hypot(noise.input * q, noise.output);
    const residual = targets.data[t * targets.columns + unit]! - mu[t]!;
    residuals.data[t] = residual / deviations[t]!;
    if (!Number.isFinite(residuals.data[t])) {
      throw failure({
        path: 'noise',
        seen: `a residual of ${residual} in unit ${unit} where the noise has a standard deviation of ${deviations[t]}`,
        expected: 'a noise above 0 for every sample, and finite targets',
        hint: 'give noise.output a floor',
      });
    }
    const slope = q / deviations[t]!;
    for (let a = 0; a < width; a++) slopes.data[t * width + a] = predictors.data[x + set[a]!]! * slope;
  }
  const gain = host.matMul(slopes, covariance);
  const scatter = host.matMul(gain, slopes, { transposeB: true });
  for (let t = 0; t < rows; t++) {
    if (used[t] === 1 && isStraight(mu[t]!, deviations[t]!, scatter.data[t * (rows + 1)]!)) continue;
    used[t] = 0;
    residuals.data[t] = 0;
    gain.data.fill(0, t * width, (t + 1) * width);
    for (let other = 0; other < rows; other++) scatter.data[t * rows + other] = scatter.data[other * rows + t] = 0;
  }
  for (let t = 0; t < rows; t++) scatter.data[t * (rows + 1)]! += 1;
  const result = host.cholesky(scatter, scatter);
  if (!result.ok) throw new Error('I + A C A is not positive definite');
  host.triangularSolve(result.factor.lower, residuals, { out: residuals });
  host.triangularSolve(result.factor.lower, gain, { out: gain });
  host.rankUpdate(covariance, gain, -1);
  const step = host.matMul(gain, residuals, { transposeA: true });
  for (let a = 0; a < width; a++) mean[a]! += step.data[a]!;
  for (let t = 0; t < rows; t++)
    innovations.data[t * innovations.columns + k] = used[t] === 1 ? residuals.data[t]! : Number.NaN;
  return observed;
};

const mostCurrent = 0.5;
const mostBend = 0.2;

/**
 * Whether tanh is straight over what the weights leave open of the current z: its standard deviation s is at most 0.5,
 * and the bend |mu| q s^2 at most a fifth of the noise. `share` is q^2 s^2 / V.
 */
const isStraight = (mu: number, deviation: number, share: number): boolean => {
  const q = (1 - mu) * (1 + mu);
  const variance = q > 0 ? share * (deviation / q) ** 2 : Infinity;
  return variance <= mostCurrent ** 2 && Math.abs(mu) * q * variance <= mostBend * deviation;
};
