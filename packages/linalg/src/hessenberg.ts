import type { Matrix } from '@drnn/tensor';
import { productOfReflections } from './block-reflection.js';
import { addTransposedTimes, subtractOuterProduct, subtractOuterProducts, timesColumn } from './matrix-vector.js';
import { expectFiniteSquare } from './operand.js';

/** A = Q H Q' with H zero below its first subdiagonal and Q orthogonal. */
export interface Hessenberg {
  readonly hessenberg: Matrix;
  readonly orthogonal: Matrix;
}

/**
 * Householder reduction to Hessenberg form (Golub and Van Loan, section 7.4). Cost 10/3 n^3, and 4/3 n^3 for Q. Errors:
 * not square, not finite.
 */
export const hessenberg = (a: Matrix): Hessenberg => {
  const n = expectFiniteSquare('hessenberg', a);
  const reduced = { rows: n, columns: n, data: a.data.slice() };
  const tau = new Float64Array(n);
  reduceToHessenberg(reduced.data, n, 0, n - 1, tau);
  const orthogonal = reflectorProduct(reduced.data, n, 0, n - 1, tau);
  clearReflectors(reduced.data, n, 0, n - 1);
  return { hessenberg: reduced, orthogonal };
};

/**
 * Reduces columns [low, high] in place. Reflector k = I - tau[k] v v' has v[k + 1] = 1 and the rest of v below the
 * subdiagonal of column k. Both sides change in one sweep over the matrix.
 */
export const reduceToHessenberg = (a: Float64Array, n: number, low: number, high: number, tau: Float64Array): void => {
  const v = new Float64Array(n);
  const right = new Float64Array(n);
  const left = new Float64Array(n);
  const scaled = new Float64Array(n);
  for (let k = low; k < high - 1; k++) {
    let largest = 0;
    for (let i = k + 1; i <= high; i++) largest = Math.max(largest, Math.abs(a[i * n + k]!));
    let below = 0;
    if (largest > 0) {
      for (let i = k + 2; i <= high; i++) {
        const entry = a[i * n + k]! / largest;
        below += entry * entry;
      }
    }
    if (below === 0) {
      tau[k] = 0;
      continue;
    }
    const head = a[(k + 1) * n + k]! / largest;
    const norm = Math.sqrt(head * head + below);
    const beta = head < 0 ? norm : -norm;
    const t = (beta - head) / beta;
    const divisor = head - beta;
    tau[k] = t;
    v[k + 1] = 1;
    for (let i = k + 2; i <= high; i++) {
      const entry = a[i * n + k]! / largest / divisor;
      v[i] = entry;
      a[i * n + k] = entry;
    }
    a[(k + 1) * n + k] = beta * largest;

    // right = A v for all rows, left = A' v for the columns after k, both over [k + 1, high].
    const [from, to] = [k + 1, high + 1];
    left.fill(0, from, n);
    timesColumn(a, n, 0, to, from, to, v, right);
    addTransposedTimes(a, n, from, to, from, n, v, left);
    // (I - t v v') A (I - t v v') = A - t v left' - t (right - t v (v' right)) v'.
    let both = 0;
    for (let i = from; i < to; i++) both += v[i]! * right[i]!;
    for (let i = 0; i < from; i++) right[i] = t * right[i]!;
    for (let i = from; i < to; i++) {
      scaled[i] = t * v[i]!;
      right[i] = t * (right[i]! - scaled[i]! * both);
    }
    subtractOuterProduct(a, n, 0, from, from, to, right, v);
    subtractOuterProducts(a, n, from, to, from, to, scaled, left, right, v);
    subtractOuterProduct(a, n, from, to, to, n, scaled, left);
  }
};

/** Q, the product of the reflectors that `reduceToHessenberg` left below the subdiagonal. Cost 4/3 n^3. */
export const reflectorProduct = (a: Float64Array, n: number, low: number, high: number, tau: Float64Array): Matrix => {
  // Column k of the reflectors starts at row k + 1; those of row `high` and beyond are absent, their tau is 0.
  const stored = { values: a, offset: (low + 1) * n + low, rowStride: n, columnStride: 1 };
  return productOfReflections(stored, n, low + 1, tau.subarray(low, Math.max(high - 1, low)));
};

/** Zeros where the reflectors were. */
export const clearReflectors = (a: Float64Array, n: number, low: number, high: number): void => {
  for (let i = low + 2; i <= high; i++) a.fill(0, i * n + low, i * n + i - 1);
};
