import { identity, type Matrix, matrix, matrixOf, transpose } from '@drnn/tensor';
import { product } from './product.js';

/** Matrices that are hard for eigenvalue and singular value routines, and random ones, for tests and measurements. */

const from = (rows: number, columns: number, entry: (i: number, j: number) => number): Matrix => {
  const result = matrix(rows, columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result.data[i * columns + j] = entry(i, j);
  return result;
};

/** Independent standard normal numbers from a seed (mulberry32 and the Box-Muller transform). */
export const randomMatrix = (rows: number, columns: number, seed: number): Matrix => {
  let state = seed | 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
  return from(rows, columns, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
};

/** Moves entry i to i - 1, the first to the end: eigenvalues are the roots of unity; plain QR steps never move it. */
export const cyclicShift = (n: number): Matrix => from(n, n, (i, j) => (j === (i + 1) % n ? 1 : 0));

/** `value` on the diagonal, 1 above it and `corner` at the lower left: value + (n-th roots of corner). */
export const jordanWithCorner = (n: number, value: number, corner: number): Matrix =>
  from(n, n, (i, j) => (i === j ? value : j === i + 1 ? 1 : i === n - 1 && j === 0 ? corner : 0));

/** Frank (1958): positive eigenvalues in reciprocal pairs, the small ones ill conditioned. */
export const frank = (n: number): Matrix => from(n, n, (i, j) => (j < i - 1 ? 0 : n - Math.max(i, j)));

/** Clement (1959): the eigenvalues n - 1, n - 3, ..., 1 - n of a tridiagonal matrix with a zero diagonal. */
export const clement = (n: number): Matrix => from(n, n, (i, j) => (j === i + 1 ? j : i === j + 1 ? n - 1 - j : 0));

/** Grcar (1989): a Toeplitz matrix whose eigenvalues are sensitive (large pseudospectra). */
export const grcar = (n: number): Matrix => from(n, n, (i, j) => (i === j + 1 ? -1 : j >= i && j <= i + 3 ? 1 : 0));

/** The companion matrix of the monic polynomial with these roots. */
export const companion = (roots: readonly number[]): Matrix => {
  const n = roots.length;
  let coefficients = [1];
  for (const root of roots) {
    coefficients = [...coefficients, 0].map((value, k) => value - root * (k === 0 ? 0 : (coefficients[k - 1] ?? 0)));
  }
  return from(n, n, (i, j) => (i === 0 ? -(coefficients[j + 1] ?? 0) : i === j + 1 ? 1 : 0));
};

/** D A D^-1 with D = diag(scale). */
export const similarByScale = (a: Matrix, scale: readonly number[]): Matrix =>
  from(a.rows, a.columns, (i, j) => ((scale[i] ?? 1) * a.data[i * a.columns + j]!) / (scale[j] ?? 1));

/** A defective matrix that does not look it: the eigenvalue 2, three times, with one eigenvector. */
export const defective = (): Matrix => {
  const change = matrixOf([
    [1, 0, 0],
    [1, 1, 0],
    [2, -1, 1],
  ]);
  const back = matrixOf([
    [1, 0, 0],
    [-1, 1, 0],
    [-3, 1, 1],
  ]);
  return product(product(change, jordanWithCorner(3, 2, 0)), back);
};

/** u v' with u = (1, 2, ...), v = (1, 1, ...). */
export const rankOne = (rows: number, columns: number): Matrix => from(rows, columns, (i) => i + 1);

/** I - 2 v v' / v'v for a random v: orthogonal and symmetric. */
export const reflection = (n: number, seed: number): Matrix => {
  const v = randomMatrix(n, 1, seed);
  const size = v.data.reduce((sum, value) => sum + value * value, 0);
  const outer = product(v, transpose(v));
  const result = identity(n);
  for (let k = 0; k < result.data.length; k++) result.data[k] = result.data[k]! - (2 / size) * outer.data[k]!;
  return result;
};
