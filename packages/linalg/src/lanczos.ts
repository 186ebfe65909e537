import { type Matrix, matrix } from '@drnn/tensor';
import type { LinearMap } from './gmres.js';
import { product } from './product.js';
import { singularValues, svd } from './svd.js';

/** A right = value left and A' left = value right, both vectors of length 1. */
export interface SingularTriplet {
  readonly value: number;
  readonly left: Float64Array;
  readonly right: Float64Array;
}

/** Krylov vectors at most. */
const mostSteps = 160;

/**
 * The largest singular value, with vectors, of a map A [rows, columns] that is only applied, as is its transpose:
 * Golub-Kahan-Lanczos with full reorthogonalisation from a fixed start, A' Q = P B' with B upper bidiagonal, until the
 * largest value of B changes by less than `tolerance` of it. It approaches from below. Null where 160 steps do not settle
 * it, or the map gives NaN or infinity.
 */
export const largestSingularTriplet = (
  apply: LinearMap,
  applyTransposed: LinearMap,
  rows: number,
  columns: number,
  tolerance: number,
): SingularTriplet | null => {
  const steps = Math.min(rows, columns, mostSteps);
  // Rows are the Lanczos vectors: p on the side of the columns of A, q on that of its rows.
  const p = matrix(steps + 1, columns);
  const q = matrix(steps, rows);
  const main = new Float64Array(steps);
  const above = new Float64Array(steps);
  for (let i = 0; i < columns; i++) p.data[i] = Math.cos(1 + 2.399963 * i);
  normalise(p.data.subarray(0, columns));
  let last = 0;
  for (let k = 0; k < steps; k++) {
    const qk = q.data.subarray(k * rows, (k + 1) * rows);
    const pk = p.data.subarray(k * columns, (k + 1) * columns);
    apply(pk, qk);
    orthogonalise(qk, q.data, k);
    main[k] = lengthOf(qk);
    if (!normalise(qk)) return null;
    const next = p.data.subarray((k + 1) * columns, (k + 2) * columns);
    applyTransposed(qk, next);
    orthogonalise(next, p.data, k + 1);
    above[k] = lengthOf(next);
    const size = k + 1;
    const exhausted = size === columns || !(above[k]! > 1e-14 * main[k]!);
    const ended = exhausted || size === rows;
    if (!Number.isFinite(above[k]!)) return null;
    // A' Q = P B', and the space of P is one vector larger, where there is one.
    const width = !exhausted && normalise(next) ? size + 1 : size;
    const b = matrix(size, width);
    for (let i = 0; i < size; i++) {
      b.data[i * width + i] = main[i]!;
      if (i + 1 < width) b.data[i * width + i + 1] = above[i]!;
    }
    const value = singularValues(b)[0]!;
    const settled = Math.abs(value - last) <= tolerance * value && k > 2;
    last = value;
    if (ended || settled) {
      const small = svd(b);
      return {
        value,
        left: combined(q.data, rows, small.left),
        right: combined(p.data, columns, small.right),
      };
    }
  }
  return null;
};

/** The Lanczos vectors weighted with the first column of `weights`, of length 1. */
const combined = (basis: Float64Array, n: number, weights: Matrix): Float64Array => {
  const { rows: size, columns } = weights;
  const first = Float64Array.from({ length: size }, (_, i) => weights.data[i * columns]!);
  const sum = product(matrix(1, size, first), matrix(size, n, basis.subarray(0, size * n)));
  normalise(sum.data);
  return sum.data;
};

/** Twice, which is enough (Giraud and others 2005). */
const orthogonalise = (x: Float64Array, basis: Float64Array, count: number): void => {
  const n = x.length;
  for (let round = 0; round < 2; round++) {
    for (let k = 0; k < count; k++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += basis[k * n + i]! * x[i]!;
      for (let i = 0; i < n; i++) x[i] = x[i]! - sum * basis[k * n + i]!;
    }
  }
};

const lengthOf = (x: Float64Array): number => {
  let largest = 0;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]!));
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i]! / largest) ** 2;
  return largest * Math.sqrt(sum);
};

/** Divides by the length; false where that is 0 or not finite. */
const normalise = (x: Float64Array): boolean => {
  const length = lengthOf(x);
  if (!(length > 0) || !Number.isFinite(length)) return false;
  for (let i = 0; i < x.length; i++) x[i] = x[i]! / length;
  return true;
};
