import { expectSquare, type Host, type Matrix, solveShape } from '@drnn/tensor';
import type { Gemm } from './gemm.js';

/** Unknowns eliminated at once; the rest of the right sides is updated by one product. */
const block = 32;

/** X[i] -= sum over p of L[p] X[first + p] on rows of `columns` numbers, four rows at a time. */
const eliminate = (
  x: Float64Array,
  columns: number,
  i: number,
  first: number,
  count: number,
  l: Float64Array,
  at: number,
  stride: number,
): void => {
  const start = i * columns;
  let p = 0;
  for (; p + 3 < count; p += 4) {
    const f0 = l[at + p * stride]!;
    const f1 = l[at + (p + 1) * stride]!;
    const f2 = l[at + (p + 2) * stride]!;
    const f3 = l[at + (p + 3) * stride]!;
    const x0 = (first + p) * columns;
    const x1 = x0 + columns;
    const x2 = x1 + columns;
    const x3 = x2 + columns;
    for (let j = 0; j < columns; j++)
      x[start + j] = x[start + j]! - (f0 * x[x0 + j]! + f1 * x[x1 + j]! + (f2 * x[x2 + j]! + f3 * x[x3 + j]!));
  }
  for (; p < count; p++) {
    const f = l[at + p * stride]!;
    const x0 = (first + p) * columns;
    for (let j = 0; j < columns; j++) x[start + j] = x[start + j]! - f * x[x0 + j]!;
  }
};

/** L X = B or L' X = B in place on x [n, columns], `l` row-major of order n; only its lower triangle is read. */
export const solveTriangular = (
  gemm: Gemm,
  l: Float64Array,
  n: number,
  x: Float64Array,
  columns: number,
  transpose: boolean,
): void => {
  if (columns === 0) return;
  const divide = (i: number): void => {
    const pivot = l[i * n + i]!;
    for (let j = i * columns; j < (i + 1) * columns; j++) x[j] = x[j]! / pivot;
  };
  const blocks = Math.ceil(n / block);
  for (let k = 0; k < blocks; k++) {
    const from = (transpose ? blocks - 1 - k : k) * block;
    const to = Math.min(from + block, n);
    if (transpose) {
      for (let i = to - 1; i >= from; i--) {
        eliminate(x, columns, i, i + 1, to - i - 1, l, (i + 1) * n + i, n);
        divide(i);
      }
    } else {
      for (let i = from; i < to; i++) {
        eliminate(x, columns, i, from, i - from, l, i * n + from, 1);
        divide(i);
      }
    }
    const solved = { values: x, offset: from * columns, rowStride: columns, columnStride: 1 };
    if (transpose) {
      const above = { values: l, offset: from * n, rowStride: 1, columnStride: n };
      gemm(from, columns, to - from, above, solved, { values: x, offset: 0, rowStride: columns }, update);
    } else {
      const below = { values: l, offset: to * n + from, rowStride: n, columnStride: 1 };
      const rest = { values: x, offset: to * columns, rowStride: columns };
      gemm(n - to, columns, to - from, below, solved, rest, update);
    }
  }
};

const update = { alpha: -1, beta: 1 };

/** Blocked solves with many right sides at once. */
export const triangularSolveWith =
  (gemm: Gemm): Host['triangularSolve'] =>
  (lower: Matrix, b: Matrix, options = {}) => {
    const n = expectSquare('triangularSolve L', lower);
    const x = solveShape('triangularSolve', n, b, options.out);
    if (x.data !== b.data) x.data.set(b.data);
    solveTriangular(gemm, lower.data, n, x.data, x.columns, options.transpose === true);
    return x;
  };
