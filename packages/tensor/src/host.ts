import type { Expression } from './expression.js';
import type { Matrix } from './matrix.js';

/** A product `alpha op(A) op(B) + beta C`. */
export interface MatMulOptions {
  /** Use A' for A; costs nothing extra. */
  readonly transposeA?: boolean;
  /** Use B' for B; costs nothing extra. */
  readonly transposeB?: boolean;
  /** Scales the product. Default 1. */
  readonly alpha?: number;
  /** Scales what `out` held before; 0 (the default) overwrites it, NaN included. */
  readonly beta?: number;
  /** Where the result goes; made when absent. Must not be A or B. */
  readonly out?: Matrix;
}

/** The lower triangle L of A = L L' (the strict upper triangle is 0). */
export interface CholeskyFactor {
  readonly order: number;
  readonly lower: Matrix;
}

/** A factor, or the pivot at which A was found not positive definite: data, not an exception. */
export type CholeskyResult =
  { readonly ok: true; readonly factor: CholeskyFactor } | { readonly ok: false; readonly pivot: number };

/** A = V diag(values) V', values ascending, eigenvectors in the columns of `vectors`. */
export interface SymmetricEigen {
  readonly values: Float64Array;
  readonly vectors: Matrix;
}

/** A time loop over a batch of networks that share their weights. */
export interface ScanRequest {
  /** W [unit, unit], row = target. */
  readonly weights: Matrix;
  /** The state at time 0, [batch, unit]. */
  readonly initial: Matrix;
  /** Added to the current of network k at step t: row t * batch + k, [steps * batch, unit]; null for none. */
  readonly drive: Matrix | null;
  readonly steps: number;
  /** a [unit], the leak that `update` may use. */
  readonly leak: Float64Array;
  /** The next state from `r` (state), `z` (current W r + drive) and `a` (leak). */
  readonly update: Expression;
}

/** The trajectory holds row (t * batch + k) for t = 0 ... steps, [(steps + 1) * batch, unit]. */
export interface ScanResult {
  readonly final: Matrix;
  readonly trajectory: Matrix | null;
}

/** The cotangents of what a scan takes, given that of its trajectory. */
export interface ScanAdjoint {
  readonly weights: Matrix;
  readonly initial: Matrix;
  readonly drive: Matrix;
}

/**
 * Synchronous float64 algebra on the host: what happens between two passes. Every operation that makes a matrix takes
 * an `out` to write into, so that a steady loop allocates nothing.
 */
export interface Host {
  readonly name: string;
  /** A new matrix of zeros, where large ones are first touched at the least cost. */
  zeros(rows: number, columns: number): Matrix;
  /** A copy that shares nothing, in such a matrix. */
  copy(a: Matrix): Matrix;
  /** alpha op(A) op(B) + beta out. Cost 2 m k n flop. */
  matMul(a: Matrix, b: Matrix, options?: MatMulOptions): Matrix;
  /** A' diag(w) A, [column, column], w >= 0 [row] or absent; both triangles filled. Cost rows x columns^2 flop. */
  gram(a: Matrix, weights?: Float64Array, out?: Matrix): Matrix;
  /**
   * The factor of a symmetric positive definite matrix, of which only the lower triangle is read; `out` may be A, which is
   * lost then, definite or not. Cost n^3 / 3.
   */
  cholesky(a: Matrix, out?: Matrix): CholeskyResult;
  /** Solves L L' X = B, [order, column]; `out` may be B. Cost 2 n^2 a column. */
  choleskySolve(factor: CholeskyFactor, b: Matrix, out?: Matrix): Matrix;
  /** (L L')^-1, [order, order], both triangles filled; symmetric to the last bit. Cost 2/3 n^3 to 2 n^3. */
  choleskyInverse(factor: CholeskyFactor): Matrix;
  /** Solves L X = B, or L' X = B with `transpose`; `out` may be B. Cost n^2 a column. */
  triangularSolve(lower: Matrix, b: Matrix, options?: { readonly transpose?: boolean; readonly out?: Matrix }): Matrix;
  /** The factor of A[S, S] for each index set S. */
  choleskyBatch(a: Matrix, sets: readonly Int32Array[]): readonly CholeskyResult[];
  /** All eigenvalues and eigenvectors of a symmetric matrix (its lower triangle). Cost about 9 n^3. */
  eigh(a: Matrix): SymmetricEigen;
  /**
   * Solves `count` small symmetric positive semidefinite systems of order m <= 16 at once: `systems` holds count
   * m x m matrices one after the other, `rightSides` count vectors; overwritten by the solutions. A pivot at or below
   * `tolerance` times the largest diagonal entry of its system drops its unknown (its solution is 0). Default 1e-12.
   */
  solveBatch(systems: Float64Array, rightSides: Float64Array, m: number, count: number, tolerance?: number): void;
  /** A + alpha B'B in place, B [row, column]: new rows entering a Gram matrix. */
  rankUpdate(a: Matrix, b: Matrix, alpha?: number): Matrix;
  /** sum over rows of A * B, one number a column. */
  columnDot(a: Matrix, b: Matrix, out?: Float64Array): Float64Array;
  /** Y + X diag(scale), in place on Y. */
  columnScaleAdd(scale: Float64Array, x: Matrix, y: Matrix): Matrix;
  /**
   * Each expression entry by entry on matrices of one shape, by name, at the accuracy of a float64 backend. Parts that
   * expressions share are computed once. Errors: a variable without a matrix, several shapes.
   */
  pointwise(expressions: readonly Expression[], inputs: Readonly<Record<string, Matrix>>): readonly Matrix[];
  /** The rows `indices` of A, [indices, column]. */
  gather(a: Matrix, indices: Int32Array, out?: Matrix): Matrix;
  /** Writes row k of `from` to row indices[k] of `to`, in place. */
  scatter(from: Matrix, indices: Int32Array, to: Matrix): Matrix;
  /** r[t+1] = update(r[t], W r[t] + drive[t], a), its trajectory kept or not. */
  scan(request: ScanRequest, keep?: boolean): ScanResult;
  /** The gradient of a function of the trajectory, whose cotangent is given, by W, initial state and drive. */
  scanAdjoint(request: ScanRequest, trajectory: Matrix, cotangent: Matrix): ScanAdjoint;
}

/** What a host must bring; `completeHost` derives the rest. */
export type HostKernels = Pick<Host, 'name' | 'matMul' | 'cholesky' | 'triangularSolve' | 'eigh'> & Partial<Host>;
