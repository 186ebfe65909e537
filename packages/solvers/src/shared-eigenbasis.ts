import type { FreePattern } from '@drnn/objectives';
import { copyMatrix, failure, type Host, matrix, type Matrix } from '@drnn/tensor';
import { scaleColumns } from './columns.js';
import { projectOut } from './free.js';

/** One basis in which s X'X + c Lambda is diagonal whatever s and c are. */
export interface SharedEigenbasis {
  /** V [predictor, predictor] with V'(X'X + Lambda)V = I and V' Lambda V = diag(share). */
  readonly vectors: Matrix;
  /** The part of each direction's metric that is ridge, from 0 to 1, ascending. */
  readonly share: Float64Array;
}

/** How s_j X'X + c_j Lambda weighs its two parts, for each unit. */
export interface EigenbasisScales {
  /** s_j > 0 [unit], as a rule the mean of the unit's curvature over time. */
  readonly gram: Float64Array;
  /** c_j >= 0 [unit]; default 1. */
  readonly ridge?: Float64Array;
}

/**
 * Diagonalises X'X and Lambda together (Golub & Van Loan 2013, section 8.7): X'X + Lambda = L L', then the eigenvectors of
 * L^-1 Lambda L^-T. So a bias without ridge is exact, and another multiple of Lambda needs no other basis. `ridge`
 * [predictor] >= 0. Where X'X + Lambda is singular a relative 1e-14 is added to its diagonal, and ten times that until
 * there is a factor. Cost about 11 P^3 once.
 */
export const sharedEigenbasis = (host: Host, gram: Matrix, ridge: Float64Array): SharedEigenbasis => {
  const n = gram.rows;
  const sum = copyMatrix(gram);
  let trace = 0;
  for (let p = 0; p < n; p++) trace += sum.data[p * n + p]! += ridge[p]!;
  const scale = trace > 0 ? trace / n : 1;
  let factored = host.cholesky(sum);
  for (let jitter = 1e-14 * scale; !factored.ok; jitter *= 10) {
    if (!(jitter < scale)) {
      throw failure({
        path: 'recording',
        seen: 'a Gram matrix that is not finite',
        expected: 'values whose squares can be summed in float64',
        hint: 'scale the recording',
      });
    }
    for (let p = 0; p < n; p++) sum.data[p * n + p]! += jitter;
    factored = host.cholesky(sum);
  }
  const { lower } = factored.factor;
  const root = matrix(n, n);
  for (let p = 0; p < n; p++) root.data[p * n + p] = Math.sqrt(ridge[p]!);
  host.triangularSolve(lower, root, { out: root });
  const { values, vectors } = host.eigh(host.matMul(root, root, { transposeB: true }));
  host.triangularSolve(lower, vectors, { transpose: true, out: vectors });
  return { vectors, share: values.map((m) => Math.min(1, Math.max(0, m))) };
};

/**
 * G -> (s_j X'X + c_j Lambda)^-1 g_j for every unit, g_j on the free coordinates: a preconditioner for Hessians
 * X' diag(h_j) X + Lambda whose curvature differs from unit to unit. With a zero diagonal it is the exact inverse on the
 * free coordinates; with other masks the fixed ones are cut off, which is still positive definite. Cost 4 P^2 N a call,
 * and 2 P^2 N once where each unit has a fixed predictor.
 */
export const eigenbasisSolve = (
  host: Host,
  { vectors, share }: SharedEigenbasis,
  free: FreePattern,
  scales: EigenbasisScales,
): ((gradient: Matrix) => Matrix) => {
  const predictors = vectors.rows;
  const units = scales.gram.length;
  const inverse = matrix(predictors, units);
  for (let p = 0; p < predictors; p++) {
    const m = share[p]!;
    for (let j = 0; j < units; j++) {
      const weight = scales.gram[j]! * (1 - m) + (scales.ridge?.[j] ?? 1) * m;
      // A direction without any weight has no finite step; it is left out.
      inverse.data[p * units + j] = weight > Number.MIN_VALUE ? 1 / weight : 0;
    }
  }
  const coordinates = matrix(predictors, units);
  const solve = (gradient: Matrix): Matrix => {
    host.matMul(vectors, gradient, { transposeA: true, out: coordinates });
    for (let i = 0; i < coordinates.data.length; i++) coordinates.data[i]! *= inverse.data[i]!;
    return host.matMul(vectors, coordinates);
  };
  if (free.kind !== 'one-fixed') {
    return (gradient) => {
      const result = solve(gradient);
      projectOut(free, result);
      return result;
    };
  }
  const entries = free.fixed.map((p, j) => p * units + j);
  // Column j of `own` is M_j^-1 e_p, divided by its entry p, p fixed: what takes D_pj to 0 in the metric of unit j.
  const identityPart = matrix(predictors, units);
  for (const i of entries) identityPart.data[i] = 1;
  const own = solve(identityPart);
  scaleColumns(
    own,
    Float64Array.from(entries, (i) => 1 / own.data[i]!),
  );
  return (gradient) => {
    const result = solve(gradient);
    const excess = Float64Array.from(entries, (i) => -result.data[i]!);
    host.columnScaleAdd(excess, own, result);
    for (const i of entries) result.data[i] = 0;
    return result;
  };
};
