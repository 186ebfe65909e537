import { matrix } from '@drnn/tensor';
import { type LuFactor, luSolveInPlace } from './lu.js';
import { product } from './product.js';
import { singularValues, svd } from './svd.js';

/** A right = value left and A' left = value right, both vectors of length 1. */
export interface SingularTriplet {
  readonly value: number;
  readonly left: Float64Array;
  readonly right: Float64Array;
}

/** Krylov vectors at most; where they do not suffice the whole bidiagonal form is computed. */
const mostSteps = 40;

/**
 * The smallest singular value of A from its LU factor, with vectors: 1 / value = |A^-1|_2. Golub-Kahan-Lanczos on A^-1
 * with full reorthogonalisation, from a fixed start, until the value is settled to `tolerance` (default 1e-10, relative,
 * of what is an estimate of 1 / value from below); after 40 steps A is put together again from its factor and `svd`
 * answers. A singular matrix has value 0 and its null vectors. Of order 0: value Infinity. Cost 4 n^2 a step.
 */
export const smallestSingularTriplet = (factor: LuFactor, tolerance = 1e-10): SingularTriplet => {
  const n = factor.order;
  if (n === 0) return { value: Infinity, left: new Float64Array(0), right: new Float64Array(0) };
  const found = factor.zeroPivot < 0 ? lanczos(factor, tolerance) : null;
  if (found !== null) return found;
  const { values, left, right } = svd(matrixOfFactor(factor));
  const column = (data: Float64Array): Float64Array => Float64Array.from({ length: n }, (_, i) => data[i * n + n - 1]!);
  return { value: values[n - 1]!, left: column(left.data), right: column(right.data) };
};

/** A^-1 P = Q B with B upper bidiagonal; the largest singular value of B; null where it does not settle. */
const lanczos = (factor: LuFactor, tolerance: number): SingularTriplet | null => {
  const n = factor.order;
  const steps = Math.min(n, mostSteps);
  // Rows are the Lanczos vectors: p on the side of A's left vectors, q on that of its right ones.
  const p = matrix(steps + 1, n);
  const q = matrix(steps, n);
  const main = new Float64Array(steps);
  const above = new Float64Array(steps);
  for (let i = 0; i < n; i++) p.data[i] = Math.cos(1 + 2.399963 * i);
  if (!normalise(p.data.subarray(0, n))) return null;
  let last = 0;
  for (let k = 0; k < steps; k++) {
    const qk = q.data.subarray(k * n, (k + 1) * n);
    qk.set(p.data.subarray(k * n, (k + 1) * n));
    luSolveInPlace(factor, { rows: n, columns: 1, data: qk }, false);
    orthogonalise(qk, q.data, k);
    main[k] = norm(qk);
    if (!normalise(qk)) return null;
    const next = p.data.subarray((k + 1) * n, (k + 2) * n);
    next.set(qk);
    luSolveInPlace(factor, { rows: n, columns: 1, data: next }, true);
    orthogonalise(next, p.data, k + 1);
    above[k] = norm(next);
    const size = k + 1;
    const ended = !(above[k]! > 1e-14 * main[k]!) || size === n;
    const b = matrix(size, size);
    for (let i = 0; i < size; i++) {
      b.data[i * size + i] = main[i]!;
      if (i + 1 < size) b.data[i * size + i + 1] = above[i]!;
    }
    const value = singularValues(b)[0]!;
    const settled = Math.abs(value - last) <= tolerance * value && k > 2;
    last = value;
    if (ended || settled) {
      const small = svd(b);
      const combine = (basis: Float64Array, weights: Float64Array): Float64Array => {
        const sum = product(matrix(1, size, column(weights, size)), matrix(size, n, basis.slice(0, size * n)));
        normalise(sum.data);
        return sum.data;
      };
      return { value: 1 / value, left: combine(p.data, small.right.data), right: combine(q.data, small.left.data) };
    }
    if (!normalise(next)) return null;
  }
  return null;
};

const column = (data: Float64Array, size: number): Float64Array =>
  Float64Array.from({ length: size }, (_, i) => data[i * size]!);

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

const norm = (x: Float64Array): number => {
  let largest = 0;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]!));
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i]! / largest) ** 2;
  return largest * Math.sqrt(sum);
};

/** Divides by the length; false where that is 0 or not finite. */
const normalise = (x: Float64Array): boolean => {
  const length = norm(x);
  if (!(length > 0) || !Number.isFinite(length)) return false;
  for (let i = 0; i < x.length; i++) x[i] = x[i]! / length;
  return true;
};

/** P' L U. */
const matrixOfFactor = (factor: LuFactor): ReturnType<typeof matrix> => {
  const { order: n, packed, pivots } = factor;
  const lower = matrix(n, n);
  const upper = matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (j < i) lower.data[i * n + j] = packed.data[i * n + j]!;
      else upper.data[i * n + j] = packed.data[i * n + j]!;
    }
    lower.data[i * n + i] = 1;
  }
  const a = product(lower, upper);
  for (let i = n - 1; i >= 0; i--) {
    const j = pivots[i]!;
    if (j === i) continue;
    const row = a.data.slice(i * n, (i + 1) * n);
    a.data.copyWithin(i * n, j * n, (j + 1) * n);
    a.data.set(row, j * n);
  }
  return a;
};
