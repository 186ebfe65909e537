import { type Host, matrix, type Matrix } from '@drnn/tensor';

/** What the data say about each direction of predictor space, before any fit. */
export interface Identifiability {
  /** Largest over smallest eigenvalue of X'X at unit diagonal, so that units of measurement do not count. */
  readonly condition: number;
  /** tr (X'X + Lambda)^-1 X'X: how many directions the data rather than the ridge determine. */
  readonly effectiveDirections: number;
  readonly predictors: number;
  /** For each predictor, the share of its prior variance that the data leave, lambda (A^-1)_pp. */
  readonly undetermined: Float64Array;
  /** The diagonal of (X'X + Lambda)^-1, [predictor]; NaN where that is singular. */
  readonly inverseDiagonal: Float64Array;
}

/** From X'X [predictor, predictor] and lambda [predictor], at unit curvature. Cost of an eigendecomposition and an inverse. */
export const identifiabilityOf = (host: Host, gram: Matrix, ridge: Float64Array): Identifiability => {
  const n = gram.rows;
  const size = Float64Array.from({ length: n }, (_, p) => Math.sqrt(gram.data[p * n + p]!) || 1);
  const scaled = matrix(n, n);
  const regular = matrix(n, n);
  for (let p = 0; p < n; p++) {
    for (let q = 0; q < n; q++) {
      scaled.data[p * n + q] = gram.data[p * n + q]! / (size[p]! * size[q]!);
      regular.data[p * n + q] = gram.data[p * n + q]! + (p === q ? ridge[p]! : 0);
    }
  }
  const { values, vectors } = host.eigh(scaled);
  const floor = (values[n - 1] ?? 0) * n * Number.EPSILON;
  const result = host.cholesky(regular);
  const inverse = result.ok ? host.choleskyInverse(result.factor) : null;
  const undetermined = ridge.map((lambda, p) => {
    if (lambda > 0 && inverse !== null) return Math.min(1, lambda * inverse.data[p * n + p]!);
    // Without a ridge: the share of the predictor in directions that the data leave open.
    let open = 0;
    values.forEach((e, k) => (open += e > floor ? 0 : vectors.data[p * n + k]! ** 2));
    return open;
  });
  const smallest = values[0] ?? 0;
  return {
    condition: smallest > floor ? (values[n - 1] ?? 0) / smallest : Infinity,
    effectiveDirections: n - undetermined.reduce((sum, share) => sum + share, 0),
    predictors: n,
    undetermined,
    inverseDiagonal: ridge.map((_, p) => inverse?.data[p * n + p] ?? Number.NaN),
  };
};
