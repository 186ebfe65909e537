import type { Host, Matrix } from '@drnn/tensor';

/** What the data say about each direction of predictor space, before any fit. */
export interface Identifiability {
  /** Largest over smallest eigenvalue of X'X; infinite when the smallest is 0. */
  readonly condition: number;
  /** sum of e / (e + lambda) over the eigenvalues e of X'X: directions that data rather than ridge determine. */
  readonly effectiveDirections: number;
  readonly predictors: number;
  /** For each predictor, the share of its prior variance that the data leave, lambda (A^-1)_pp; 0 for the bias. */
  readonly undetermined: Float64Array;
}

/** From X'X [predictor, predictor] and lambda [predictor], at unit curvature. Cost of one eigendecomposition. */
export const identifiabilityOf = (host: Host, gram: Matrix, ridge: Float64Array): Identifiability => {
  const predictors = gram.rows;
  const { values, vectors } = host.eigh(gram);
  const lambda = ridge[0] ?? 0;
  const floor = (values[predictors - 1] ?? 0) * predictors * Number.EPSILON;
  const clean = values.map((e) => (e > floor ? e : 0));
  const undetermined = new Float64Array(predictors);
  for (let p = 0; p < predictors; p++) {
    if (ridge[p] === 0 && lambda > 0) continue;
    for (let k = 0; k < predictors; k++) {
      const e = clean[k]!;
      undetermined[p]! += vectors.data[p * predictors + k]! ** 2 * (lambda > 0 ? lambda / (e + lambda) : e > 0 ? 0 : 1);
    }
  }
  const [smallest, largest] = [clean[0] ?? 0, clean[predictors - 1] ?? 0];
  return {
    condition: smallest > 0 ? largest / smallest : Infinity,
    effectiveDirections: clean.reduce((sum, e) => sum + (e > 0 ? e / (e + lambda) : 0), 0),
    predictors,
    undetermined,
  };
};
