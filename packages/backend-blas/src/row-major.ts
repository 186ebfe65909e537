import type { Numbers } from '@drnn/tensor';
import type { Routines } from './routines.js';

/**
 * What this backend has the library do, on whole row-major matrices. Row-major is the transpose of column-major on the
 * same memory: operands change places, lower triangles are upper ones.
 */
export interface RowMajor {
  /** C [rows, columns] = alpha op(A) op(B) + beta C, op(A) [rows, inner]; beta 0 overwrites NaN too. */
  product(
    rows: number,
    columns: number,
    inner: number,
    a: Numbers,
    transposeA: boolean,
    b: Numbers,
    transposeB: boolean,
    c: Numbers,
    alpha: number,
    beta: number,
  ): void;
  /** The lower triangle of G [columns, columns] = A'A + beta G, A [rows, columns]. */
  gramLower(rows: number, columns: number, a: Float64Array, g: Float64Array, beta: number): void;
  /** L X = B, or L' X = B, in place on B [order, columns]. */
  solveLower(order: number, columns: number, lower: Float64Array, b: Float64Array, transpose: boolean): void;
  readonly factors: Factors | null;
}

/** What needs LAPACK. */
export interface Factors {
  /** A = L L' in the lower triangle of A, in place; the pivot that is not positive and finite, or -1. */
  cholesky(order: number, a: Float64Array): number;
  /** L L' x = b for one right side, in place. */
  solveOne(order: number, lower: Float64Array, b: Float64Array): void;
  /** The lower triangle of (L L')^-1 in place of L. */
  inverseLower(order: number, lower: Float64Array): void;
  /** Eigenvalues, ascending, and eigenvectors in the *rows* of A, from its lower triangle; whether it converged. */
  eigh(order: number, a: Float64Array, values: Float64Array): boolean;
}

/** Routines for row-major matrices. */
export const rowMajor = (routines: Routines): RowMajor => {
  const { lapack } = routines;
  return {
    product: (rows, columns, inner, a, transposeA, b, transposeB, c, alpha, beta) => {
      const lda = Math.max(1, transposeA ? rows : inner);
      const ldb = Math.max(1, transposeB ? inner : columns);
      const ldc = Math.max(1, columns);
      routines.gemm(transposeB, transposeA, columns, rows, inner, alpha, b, ldb, a, lda, beta, c, ldc);
    },
    gramLower: (rows, columns, a, g, beta) => {
      const ld = Math.max(1, columns);
      routines.syrkUpper(columns, rows, 1, a, ld, beta, g, ld);
    },
    solveLower: (order, columns, lower, b, transpose) =>
      routines.trsmRightUpper(transpose, columns, order, lower, Math.max(1, order), b, Math.max(1, columns)),
    factors:
      lapack === null
        ? null
        : {
            cholesky: (order, a) => {
              const info = lapack.potrfUpper(order, a, Math.max(1, order));
              // Not every library refuses NaN as a pivot. One anywhere in a row of L has reached the row's diagonal.
              for (let i = 0; i < order && i !== info - 1; i++) if (!Number.isFinite(a[i * order + i])) return i;
              return info - 1;
            },
            solveOne: (order, lower, b) =>
              lapack.potrsUpper(order, 1, lower, Math.max(1, order), b, Math.max(1, order)),
            inverseLower: (order, lower) => lapack.potriUpper(order, lower, Math.max(1, order)),
            eigh: (order, a, values) => lapack.syevdUpper(order, a, Math.max(1, order), values) === 0,
          },
  };
};
