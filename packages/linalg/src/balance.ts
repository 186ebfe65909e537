import type { Matrix } from '@drnn/tensor';

/**
 * B = D^-1 P' A P D. Rows and columns [low, high] are left to be reduced; the others are upper triangular already.
 */
export interface Balanced {
  readonly balanced: Matrix;
  readonly low: number;
  readonly high: number;
  /** The diagonal of D, powers of two; 1 outside [low, high]. */
  readonly scale: Float64Array;
  /** Row i of B came from row order[i] of A. */
  readonly order: Int32Array;
}

/** A as it is, for the cases in which balancing does harm. */
export const unbalanced = (a: Matrix): Balanced => ({
  balanced: { rows: a.rows, columns: a.columns, data: a.data.slice() },
  low: 0,
  high: a.rows - 1,
  scale: new Float64Array(a.rows).fill(1),
  order: Int32Array.from({ length: a.rows }, (_, i) => i),
});

/**
 * Balancing (Parlett and Reinsch 1969): a permutation isolates the eigenvalues that stand alone in a row or column, then
 * powers of two make rows and columns of the rest equally long, in the 2-norm, whose use avoids the harm that the
 * 1-norm does to nearly triangular matrices (James, Langou and Lowery 2014). A, whose entries are of order 1, is
 * copied. Cost a few n^2.
 */
export const balance = (a: Matrix): Balanced => {
  const n = a.rows;
  const balanced = { rows: n, columns: n, data: a.data.slice() };
  const b = balanced.data;
  const order = Int32Array.from({ length: n }, (_, i) => i);
  const scale = new Float64Array(n).fill(1);
  let low = 0;
  let high = n - 1;

  for (let row = high; row >= low;) {
    if (aloneInRow(b, n, row, low, high)) {
      exchange(b, n, order, row, high);
      high -= 1;
      row = high;
    } else row -= 1;
  }
  for (let column = low; column <= high;) {
    if (aloneInColumn(b, n, column, low, high)) {
      exchange(b, n, order, column, low);
      low += 1;
      column = low;
    } else column += 1;
  }
  // The cap is never near: each change shrinks the norm by 5 %.
  for (let again = true, rounds = 0; again && rounds < 100; rounds++) {
    again = false;
    for (let i = low; i <= high; i++) again = equalise(b, n, i, low, high, scale) || again;
  }
  return { balanced, low, high, scale, order };
};

const aloneInRow = (b: Float64Array, n: number, row: number, low: number, high: number): boolean => {
  for (let j = low; j <= high; j++) if (j !== row && b[row * n + j]! !== 0) return false;
  return true;
};

const aloneInColumn = (b: Float64Array, n: number, column: number, low: number, high: number): boolean => {
  for (let i = low; i <= high; i++) if (i !== column && b[i * n + column]! !== 0) return false;
  return true;
};

/** Exchanges rows i and j, and columns i and j. */
const exchange = (b: Float64Array, n: number, order: Int32Array, i: number, j: number): void => {
  if (i === j) return;
  for (let k = 0; k < n; k++) {
    const kept = b[i * n + k]!;
    b[i * n + k] = b[j * n + k]!;
    b[j * n + k] = kept;
  }
  for (let k = 0; k < n; k++) {
    const kept = b[k * n + i]!;
    b[k * n + i] = b[k * n + j]!;
    b[k * n + j] = kept;
  }
  const kept = order[i]!;
  order[i] = order[j]!;
  order[j] = kept;
};

/** Scale factors stay within this of 1: rows and columns outside [low, high] are scaled too, and must stay in range. */
const stretchAtMost = 1e30;

/** Scales row and column i to about one length; whether it changed them. */
const equalise = (b: Float64Array, n: number, i: number, low: number, high: number, scale: Float64Array): boolean => {
  let column = 0;
  let row = 0;
  for (let k = low; k <= high; k++) {
    column += b[k * n + i]! * b[k * n + i]!;
    row += b[i * n + k]! * b[i * n + k]!;
  }
  column = Math.sqrt(column);
  row = Math.sqrt(row);
  if (column === 0 || row === 0) return false;
  const before = column + row;
  let factor = 1;
  // Factors that leave the range of doubles would destroy what they scale.
  while (column < row / 2 && factor < 1e100) {
    factor *= 2;
    column *= 2;
    row /= 2;
  }
  while (column >= row * 2 && factor > 1e-100) {
    factor /= 2;
    column /= 2;
    row *= 2;
  }
  if (factor === 1 || column + row >= 0.95 * before) return false;
  const total = scale[i]! * factor;
  if (!(total > 1 / stretchAtMost && total < stretchAtMost)) return false;
  scale[i] = total;
  for (let k = low; k < n; k++) b[i * n + k] = b[i * n + k]! / factor;
  for (let k = 0; k <= high; k++) b[k * n + i] = b[k * n + i]! * factor;
  return true;
};
