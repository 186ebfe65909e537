import type { Matrix } from '@drnn/tensor';
import { productOfReflections } from './block-reflection.js';
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
 * subdiagonal of column k. One sweep over the matrix forms A v and A' v together, a second one makes the change of both
 * sides, so that memory is read twice a column.
 */
export const reduceToHessenberg = (a: Float64Array, n: number, low: number, high: number, tau: Float64Array): void => {
  const v = new Float64Array(n);
  const right = new Float64Array(n);
  const left = new Float64Array(n);
  for (let k = low; k < high - 1; k++) {
    let largest = 0;
    for (let i = k + 1; i <= high; i++) largest = Math.max(largest, Math.abs(a[i * n + k]!));
    let below = 0;
    if (largest > 0) {
      for (let i = k + 2; i <= high; i++) {
        const scaled = a[i * n + k]! / largest;
        below += scaled * scaled;
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
    left.fill(0, k + 1, n);
    for (let i = 0; i <= k; i++) {
      const row = i * n;
      let sum = 0;
      for (let j = k + 1; j <= high; j++) sum += a[row + j]! * v[j]!;
      right[i] = sum;
    }
    for (let i = k + 1; i <= high; i++) {
      const row = i * n;
      const vi = v[i]!;
      let sum = 0;
      for (let j = k + 1; j <= high; j++) {
        const entry = a[row + j]!;
        sum += entry * v[j]!;
        left[j] = left[j]! + entry * vi;
      }
      for (let j = high + 1; j < n; j++) left[j] = left[j]! + a[row + j]! * vi;
      right[i] = sum;
    }
    // (I - t v v') A (I - t v v') = A - t v left' - t (right - t v (v' right)) v'.
    let both = 0;
    for (let i = k + 1; i <= high; i++) both += v[i]! * right[i]!;
    for (let i = 0; i <= k; i++) {
      const row = i * n;
      const r = t * right[i]!;
      for (let j = k + 1; j <= high; j++) a[row + j] = a[row + j]! - r * v[j]!;
    }
    for (let i = k + 1; i <= high; i++) {
      const row = i * n;
      const l = t * v[i]!;
      const r = t * right[i]! - t * l * both;
      for (let j = k + 1; j <= high; j++) a[row + j] = a[row + j]! - l * left[j]! - r * v[j]!;
      for (let j = high + 1; j < n; j++) a[row + j] = a[row + j]! - l * left[j]!;
    }
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
