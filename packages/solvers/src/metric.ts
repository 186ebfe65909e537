import type { FreePattern } from '@drnn/objectives';
import { type CholeskyFactor, copyMatrix, failure, type Host, identity, matrix, type Matrix } from '@drnn/tensor';
import { projectOut } from './free.js';

/**
 * The metric A = X'X + Lambda that all units share: at the targets it is the Hessian of the variance-weighted loss,
 * and c A majorises every Hessian where the curvature is at most c (Boehning & Lindsay 1988; CORNN section 4.1).
 */
export interface Metric {
  /**
   * D with A_SS D_S = G_S on the free set S of each unit and 0 elsewhere: the exact projection in the metric. The columns
   * of G are those of `units`, by default of all.
   */
  solve(gradient: Matrix, units?: Int32Array): Matrix;
  /**
   * The same to some digits less, by products with A^-1 where that is at hand: some twice as fast, and all that a
   * preconditioner needs.
   */
  approximateSolve(gradient: Matrix, units?: Int32Array): Matrix;
  /** sqrt(g_S' A_SS^-1 g_S) for each unit: the dual norm over the free coordinates. */
  dualNorm(gradient: Matrix): Float64Array;
  /** (A^-1)_pp for every predictor, no coordinate fixed. Cost 2 P^3, once. */
  inverseDiagonal(): Float64Array;
  /** What had to be added to the diagonal to factor A, 0 as a rule; the objective is untouched by it. */
  readonly jitter: number;
}

/** Factors the metric. Cost P^3 / 3, and |S|^3 / 3 for each unit under a general mask. */
export const metricOf = (host: Host, gram: Matrix, ridge: Float64Array, free: FreePattern): Metric => {
  const a = copyMatrix(gram);
  ridge.forEach((lambda, p) => (a.data[p * a.columns + p]! += lambda));
  const { factor, jitter } = factorise(host, a);
  let inverse: Matrix | null = null;
  const inverted = (): Matrix => (inverse ??= host.choleskySolve(factor, identity(factor.order)));
  const solve =
    free.kind === 'sets'
      ? maskedSolve(host, a, free.sets)
      : free.kind === 'zero-diagonal'
        ? withZeroDiagonal(inverted(), (g) => host.choleskySolve(factor, g))
        : (g: Matrix) => host.choleskySolve(factor, g);
  return {
    solve,
    approximateSolve:
      free.kind === 'zero-diagonal' ? withZeroDiagonal(inverted(), (g) => host.matMul(inverted(), g)) : solve,
    dualNorm: (gradient) => {
      const inside = copyMatrix(gradient);
      projectOut(free, inside);
      return host.columnDot(inside, solve(inside)).map((square) => Math.sqrt(Math.max(square, 0)));
    },
    inverseDiagonal: () => {
      const { data, columns } = inverted();
      return Float64Array.from({ length: columns }, (_, p) => data[p * columns + p]!);
    },
    jitter,
  };
};

/** Whether every pivot is above the rounding of its diagonal entry: below that, a factor says nothing of a sign. */
const isDefinite = (a: Matrix, { lower }: CholeskyFactor): boolean => {
  const n = a.rows;
  for (let k = 0; k < n; k++) {
    const i = k * n + k;
    if (!(lower.data[i]! ** 2 > n * Number.EPSILON * a.data[i]!)) return false;
  }
  return true;
};

/** Where X'X is singular (few samples, no ridge), any positive definite metric still gives descent. */
const factorise = (host: Host, a: Matrix): { readonly factor: CholeskyFactor; readonly jitter: number } => {
  const n = a.rows;
  let trace = 0;
  for (let p = 0; p < n; p++) trace += a.data[p * n + p]!;
  const scale = trace > 0 ? trace / n : 1;
  for (let jitter = 0; ; jitter = jitter === 0 ? 1e-14 * scale : jitter * 10) {
    if (jitter > 0) for (let p = 0; p < n; p++) a.data[p * n + p]! += jitter;
    const result = host.cholesky(a);
    if (result.ok && isDefinite(a, result.factor)) return { factor: result.factor, jitter };
    if (!(jitter < scale)) {
      throw failure({
        path: 'recording',
        seen: 'a Gram matrix that is not finite',
        expected: 'values whose squares can be summed in float64',
        hint: 'scale the recording',
      });
    }
  }
};

/**
 * The solution of A D = G with D_jj = 0 for unit j: D - A^-1 e_j D_jj / (A^-1)_jj, exact and free of iterations. The
 * columns of A^-1 are made once.
 */
export const withZeroDiagonal = (inverse: Matrix, unconstrained: (gradient: Matrix) => Matrix): Metric['solve'] => {
  const n = inverse.rows;
  return (gradient, units) => {
    const { columns } = gradient;
    const own = units ?? Int32Array.from({ length: columns }, (_, j) => j);
    const d = unconstrained(gradient);
    const shift = new Float64Array(columns);
    for (let c = 0; c < columns; c++) shift[c] = d.data[own[c]! * columns + c]! / inverse.data[own[c]! * n + own[c]!]!;
    for (let p = 0; p < n; p++) {
      for (let c = 0; c < columns; c++) d.data[p * columns + c]! -= inverse.data[p * n + own[c]!]! * shift[c]!;
    }
    for (let c = 0; c < columns; c++) d.data[own[c]! * columns + c] = 0;
    return d;
  };
};

const maskedSolve = (host: Host, a: Matrix, sets: readonly Int32Array[]): Metric['solve'] => {
  const factors = host.choleskyBatch(a, sets).map((result, j) => {
    if (!result.ok) throw new Error(`the metric of unit ${j} is not positive definite`);
    return result.factor;
  });
  return (gradient, units) => {
    const { columns } = gradient;
    const result = matrix(gradient.rows, columns);
    for (let c = 0; c < columns; c++) {
      const j = units?.[c] ?? c;
      const set = sets[j]!;
      const right = matrix(set.length, 1);
      set.forEach((p, k) => (right.data[k] = gradient.data[p * columns + c]!));
      const solution = host.choleskySolve(factors[j]!, right, right);
      set.forEach((p, k) => (result.data[p * columns + c] = solution.data[k]!));
    }
    return result;
  };
};
