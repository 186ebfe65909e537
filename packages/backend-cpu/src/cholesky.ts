import { expectSquare, type Host, outOrNew } from '@drnn/tensor';
import type { Gemm } from './gemm.js';

/** Columns factored at once before the rest is updated by one product. */
const block = 48;

/** The dot product of two runs of `count` numbers of `l`. */
const dot = (l: Float64Array, a: number, b: number, count: number): number => {
  let s0 = 0;
  let s1 = 0;
  let k = 0;
  for (; k + 1 < count; k += 2) {
    s0 += l[a + k]! * l[b + k]!;
    s1 += l[a + k + 1]! * l[b + k + 1]!;
  }
  if (k < count) s0 += l[a + k]! * l[b + k]!;
  return s0 + s1;
};

/** Factors the square from `from` to `to` on the diagonal; the pivot that failed, or -1. NaN fails. */
const factorDiagonal = (l: Float64Array, n: number, from: number, to: number): number => {
  for (let j = from; j < to; j++) {
    const row = j * n + from;
    for (let i = from; i < j; i++) {
      const other = i * n + from;
      l[j * n + i] = (l[j * n + i]! - dot(l, row, other, i - from)) / l[i * n + i]!;
    }
    const pivot = l[j * n + j]! - dot(l, row, row, j - from);
    if (!(pivot > 0 && pivot < Infinity)) return j;
    l[j * n + j] = Math.sqrt(pivot);
  }
  return -1;
};

/** X L' = B for the rows below the diagonal block, four rows at a time so that four sums are under way. */
const solvePanel = (l: Float64Array, n: number, from: number, to: number): void => {
  let i = to;
  for (; i + 3 < n; i += 4) {
    const r0 = i * n;
    const r1 = r0 + n;
    const r2 = r1 + n;
    const r3 = r2 + n;
    for (let j = from; j < to; j++) {
      const row = j * n;
      let s0 = l[r0 + j]!;
      let s1 = l[r1 + j]!;
      let s2 = l[r2 + j]!;
      let s3 = l[r3 + j]!;
      for (let k = from; k < j; k++) {
        const f = l[row + k]!;
        s0 -= l[r0 + k]! * f;
        s1 -= l[r1 + k]! * f;
        s2 -= l[r2 + k]! * f;
        s3 -= l[r3 + k]! * f;
      }
      const pivot = l[row + j]!;
      l[r0 + j] = s0 / pivot;
      l[r1 + j] = s1 / pivot;
      l[r2 + j] = s2 / pivot;
      l[r3 + j] = s3 / pivot;
    }
  }
  for (; i < n; i++) {
    for (let j = from; j < to; j++) {
      const at = i * n + j;
      l[at] = (l[at]! - dot(l, i * n + from, j * n + from, j - from)) / l[j * n + j]!;
    }
  }
};

/**
 * Blocked right-looking Cholesky (Golub and Van Loan, section 4.2.6); the rest is updated by the product's lower half.
 * Cost n^3 / 3.
 */
export const choleskyWith =
  (gemm: Gemm): Host['cholesky'] =>
  (a, out) => {
    const n = expectSquare('cholesky', a);
    const lower = outOrNew('cholesky', out, n, n);
    const l = lower.data;
    if (l !== a.data) l.set(a.data);
    for (let from = 0; from < n; from += block) {
      const to = Math.min(from + block, n);
      const failed = factorDiagonal(l, n, from, to);
      if (failed >= 0) return { ok: false, pivot: failed };
      solvePanel(l, n, from, to);
      const panel = { values: l, offset: to * n + from, rowStride: n, columnStride: 1 };
      const transposed = { values: l, offset: to * n + from, rowStride: 1, columnStride: n };
      const rest = { values: l, offset: to * n + to, rowStride: n };
      gemm(n - to, n - to, to - from, panel, transposed, rest, update);
    }
    for (let i = 0; i < n; i++) l.fill(0, i * n + i + 1, (i + 1) * n);
    return { ok: true, factor: { order: n, lower } };
  };

const update = { alpha: -1, beta: 1, lower: true };
