import { identity, type Matrix } from '@drnn/tensor';
import { productOfReflections } from './block-reflection.js';
import { addTransposedTimes, subtractOuterProducts, timesColumn } from './matrix-vector.js';

/** A = U B V' of a square A: B upper bidiagonal with diagonal `main` and superdiagonal `above`. */
export interface Bidiagonal {
  readonly main: Float64Array;
  readonly above: Float64Array;
  readonly left: Matrix;
  readonly right: Matrix;
}

/**
 * Golub and Kahan (1965). Column and row reflections in turns; both change the matrix in one sweep, so that memory is
 * read three times a column. Overwrites A, whose entries are of order 1. Cost 8/3 n^3, and 8/3 n^3 for both bases.
 */
export const bidiagonalise = (square: Matrix, vectors: boolean): Bidiagonal => {
  const n = square.rows;
  const a = square.data;
  const main = new Float64Array(n);
  const above = new Float64Array(Math.max(n - 1, 0));
  const tauLeft = new Float64Array(n);
  const tauRight = new Float64Array(n);
  const u = new Float64Array(n);
  const v = new Float64Array(n);
  const w = new Float64Array(n);
  const y = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    // u from column k.
    for (let i = k; i < n; i++) u[i] = a[i * n + k]!;
    const tu = reflect(u, k, n);
    tauLeft[k] = tu;
    main[k] = u[k]!;
    u[k] = 1;
    for (let i = k + 1; i < n; i++) a[i * n + k] = u[i]!;
    if (k === n - 1) break;
    // w = A' u, row k is A[k, :] - tu w, and v comes from it.
    w.fill(0, k + 1, n);
    if (tu !== 0) {
      addTransposedTimes(a, n, k, n, k + 1, n, u, w);
      for (let j = k + 1; j < n; j++) w[j] = w[j]! * tu;
    }
    for (let j = k + 1; j < n; j++) v[j] = a[k * n + j]! - w[j]!;
    const tv = reflect(v, k + 1, n);
    tauRight[k] = tv;
    above[k] = v[k + 1]!;
    v[k + 1] = 1;
    for (let j = k + 2; j < n; j++) a[k * n + j] = v[j]!;
    let both = 0;
    for (let j = k + 1; j < n; j++) both += w[j]! * v[j]!;
    timesColumn(a, n, k + 1, n, k + 1, n, v, y);
    for (let i = k + 1; i < n; i++) y[i] = tv * (y[i]! - u[i]! * both);
    subtractOuterProducts(a, n, k + 1, n, k + 1, n, u, w, y, v);
  }
  if (!vectors) return { main, above, left: identity(0), right: identity(0) };

  const columns = { values: a, offset: 0, rowStride: n, columnStride: 1 };
  // The reflections of the rows lie along them, the first from column 1.
  const rows = { values: a, offset: 1, rowStride: 1, columnStride: n };
  const left = productOfReflections(columns, n, 0, tauLeft);
  const right = productOfReflections(rows, n, 1, tauRight.subarray(0, Math.max(n - 1, 0)));
  return { main, above, left, right };
};

/** Turns x[from, to) into v of I - tau v v' with v[from] = 1, which maps it to (beta, 0, ...); x[from] is beta. */
const reflect = (x: Float64Array, from: number, to: number): number => {
  const first = x[from]!;
  let largest = 0;
  for (let i = from + 1; i < to; i++) largest = Math.max(largest, Math.abs(x[i]!));
  if (largest === 0) return 0;
  largest = Math.max(largest, Math.abs(first));
  const head = first / largest;
  let sum = head * head;
  for (let i = from + 1; i < to; i++) {
    const scaled = x[i]! / largest;
    sum += scaled * scaled;
  }
  const norm = Math.sqrt(sum);
  const beta = head < 0 ? norm : -norm;
  for (let i = from + 1; i < to; i++) x[i] = x[i]! / largest / (head - beta);
  x[from] = beta * largest;
  return (beta - head) / beta;
};
