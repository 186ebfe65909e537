import { failure, identity, type Matrix, matrix } from '@drnn/tensor';
import { expectFiniteSquare, expectRightSides, finiteResult } from './operand.js';
import { addProduct, blockOf } from './product.js';

/** P A = L U: both factors in one matrix, L below the diagonal (its own diagonal is 1), U on and above it. */
export interface LuFactor {
  readonly order: number;
  readonly packed: Matrix;
  /** Row i was exchanged with row pivots[i] >= i, in this order. */
  readonly pivots: Int32Array;
  /** The first pivot that is exactly 0, or -1; with one the matrix is singular and cannot be solved with. */
  readonly zeroPivot: number;
  /** max_j sum_i |A_ij|, for the condition estimate. */
  readonly oneNorm: number;
}

/** Columns factored before the rest is updated by one product. */
const panelWidth = 24;

/**
 * LU with partial pivoting, blocked and right-looking (Golub and Van Loan, section 3.4): a panel of 32 columns by
 * elimination, its rows of U by substitution, the rest by a product. A is copied. A singular matrix has a factor too,
 * with `zeroPivot` >= 0. Cost 2/3 n^3. Errors: not square, not finite.
 */
export const lu = (a: Matrix): LuFactor => {
  const order = expectFiniteSquare('lu', a);
  const packed = { rows: order, columns: order, data: a.data.slice() };
  const pivots = new Int32Array(order);
  const zeroPivot = factorInPlace(packed, pivots);
  return { order, packed, pivots, zeroPivot, oneNorm: oneNormOf(a) };
};

/** Factors `packed` where it lies; the index of the first zero pivot, or -1. No checks, no allocation but panels. */
const factorInPlace = (packed: Matrix, pivots: Int32Array): number => {
  const n = packed.rows;
  const { data } = packed;
  let zeroPivot = -1;
  for (let start = 0; start < n; start += panelWidth) {
    const end = Math.min(start + panelWidth, n);
    for (let j = start; j < end; j++) {
      let pivot = j;
      let largest = Math.abs(data[j * n + j]!);
      for (let i = j + 1; i < n; i++) {
        const size = Math.abs(data[i * n + j]!);
        if (size > largest) {
          largest = size;
          pivot = i;
        }
      }
      pivots[j] = pivot;
      if (largest === 0) {
        if (zeroPivot < 0) zeroPivot = j;
        continue;
      }
      if (pivot !== j) swapRows(data, n, j, pivot, 0, n);
      const diagonal = data[j * n + j]!;
      for (let i = j + 1; i < n; i++) {
        const row = i * n;
        const factor = data[row + j]! / diagonal;
        data[row + j] = factor;
        if (factor === 0) continue;
        for (let c = j + 1; c < end; c++) data[row + c] = data[row + c]! - factor * data[j * n + c]!;
      }
    }
    if (end === n) break;
    for (let i = start + 1; i < end; i++) {
      const row = i * n;
      for (let k = start; k < i; k++) {
        const factor = data[row + k]!;
        if (factor === 0) continue;
        for (let c = end; c < n; c++) data[row + c] = data[row + c]! - factor * data[k * n + c]!;
      }
    }
    const rest = n - end;
    addProduct(
      rest,
      rest,
      end - start,
      -1,
      blockOf(packed, end, start),
      blockOf(packed, start, end),
      blockOf(packed, end, end),
    );
  }
  return zeroPivot;
};

const swapRows = (data: Float64Array, columns: number, i: number, j: number, from: number, to: number): void => {
  for (let c = from; c < to; c++) {
    const kept = data[i * columns + c]!;
    data[i * columns + c] = data[j * columns + c]!;
    data[j * columns + c] = kept;
  }
};

const oneNormOf = (a: Matrix): number => {
  const sums = new Float64Array(a.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < a.columns; j++) sums[j] = sums[j]! + Math.abs(a.data[i * a.columns + j]!);
  }
  return sums.reduce((largest, sum) => Math.max(largest, sum), 0);
};

/**
 * X of A X = B, or of A' X = B with `transpose`, for right sides B [row, column] in the columns. Cost 2 n^2 a column.
 * Errors: a zero pivot, or one so small that X
 * overflows; B of another number of rows or not finite.
 */
export const luSolve = (factor: LuFactor, b: Matrix, options: { readonly transpose?: boolean } = {}): Matrix => {
  expectRightSides('luSolve right sides', b, factor.order);
  refuseSingular('luSolve', factor);
  const x = { rows: b.rows, columns: b.columns, data: b.data.slice() };
  luSolveInPlace(factor, x, options.transpose === true);
  return finiteResult('luSolve', x);
};

const refuseSingular = (path: string, factor: LuFactor): void => {
  if (factor.zeroPivot < 0) return;
  throw failure({
    path,
    seen: `a singular matrix (pivot ${factor.zeroPivot} is 0)`,
    expected: 'an invertible one',
    hint: 'its null space is among the singular vectors of svd',
  });
};

/** Overwrites B by A^-1 B, or by A'^-1 B. No checks. Block by block, so that products do most of the work. */
export const luSolveInPlace = (factor: LuFactor, b: Matrix, transpose: boolean): void => {
  const { order: n, packed, pivots } = factor;
  const { columns, data } = b;
  if (!transpose) {
    for (let i = 0; i < n; i++) if (pivots[i]! !== i) swapRows(data, columns, i, pivots[i]!, 0, columns);
    substitute(packed, b, { upper: false, transpose: false });
    substitute(packed, b, { upper: true, transpose: false });
  } else {
    substitute(packed, b, { upper: true, transpose: true });
    substitute(packed, b, { upper: false, transpose: true });
    for (let i = n - 1; i >= 0; i--) if (pivots[i]! !== i) swapRows(data, columns, i, pivots[i]!, 0, columns);
  }
};

/** Solves with one triangle of the packed factor; the lower one has a unit diagonal. */
const substitute = (
  packed: Matrix,
  b: Matrix,
  side: { readonly upper: boolean; readonly transpose: boolean },
): void => {
  const n = packed.rows;
  const { data: t } = packed;
  const { columns, data: x } = b;
  // The order in which unknowns come out: U and L' from the last, L and U' from the first.
  const backward = side.upper !== side.transpose;
  const [rowStride, columnStride] = side.transpose ? [1, n] : [n, 1];
  const blocks = Math.ceil(n / panelWidth);
  for (let q = 0; q < blocks; q++) {
    const start = (backward ? blocks - 1 - q : q) * panelWidth;
    const end = Math.min(start + panelWidth, n);
    // What is already known enters by a product: unknowns after the block, or before it.
    const [from, to] = backward ? [end, n] : [0, start];
    const known = { values: t, offset: start * rowStride + from * columnStride, rowStride, columnStride };
    addProduct(end - start, columns, to - from, -1, known, blockOf(b, from), blockOf(b, start));
    for (let s = 0; s < end - start; s++) {
      const i = backward ? end - 1 - s : start + s;
      const row = i * columns;
      const [first, last] = backward ? [i + 1, end] : [start, i];
      for (let k = first; k < last; k++) {
        const factor = t[i * rowStride + k * columnStride]!;
        if (factor === 0) continue;
        for (let c = 0; c < columns; c++) x[row + c] = x[row + c]! - factor * x[k * columns + c]!;
      }
      if (side.upper) {
        const diagonal = t[i * n + i]!;
        for (let c = 0; c < columns; c++) x[row + c] = x[row + c]! / diagonal;
      }
    }
  }
};

/** A^-1. Solving with the factor is cheaper and more accurate. Cost 2 n^3. Errors: a zero pivot. */
export const inverse = (factor: LuFactor): Matrix => {
  refuseSingular('inverse', factor);
  const result = identity(factor.order);
  luSolveInPlace(factor, result, false);
  return finiteResult('inverse', result);
};

/** det A = sign exp(logAbsolute); of a singular matrix sign 0 and logAbsolute -Infinity. Of order 0: 1. */
export interface Determinant {
  readonly sign: -1 | 0 | 1;
  readonly logAbsolute: number;
}

/** The determinant as sign and logarithm, which neither overflow nor vanish. Cost n. */
export const determinant = (factor: LuFactor): Determinant => {
  if (factor.zeroPivot >= 0) return { sign: 0, logAbsolute: -Infinity };
  const n = factor.order;
  let negative = false;
  let logAbsolute = 0;
  for (let i = 0; i < n; i++) {
    const pivot = factor.packed.data[i * n + i]!;
    if (pivot < 0 !== (factor.pivots[i]! !== i)) negative = !negative;
    logAbsolute += Math.log(Math.abs(pivot));
  }
  return { sign: negative ? -1 : 1, logAbsolute };
};

/**
 * An estimate of 1 / (|A|_1 |A^-1|_1), between 0 (singular) and 1: |A^-1|_1 from below by Hager's ascent on
 * |A^-1 x|_1 over the unit ball, and by an alternating vector (Higham 1988). Rarely off by more than 3. Order 0: 1.
 * Cost some 10 n^2.
 */
export const reciprocalCondition = (factor: LuFactor): number => {
  const n = factor.order;
  if (n === 0) return 1;
  if (factor.zeroPivot >= 0) return 0;
  const x = matrix(n, 1);
  const { data } = x;
  data.fill(1 / n);
  let estimate = 0;
  let last = -1;
  for (let round = 0; round < 5; round++) {
    luSolveInPlace(factor, x, false);
    const size = data.reduce((sum, value) => sum + Math.abs(value), 0);
    if (!(size > estimate)) break;
    estimate = size;
    for (let i = 0; i < n; i++) data[i] = data[i]! < 0 ? -1 : 1;
    luSolveInPlace(factor, x, true);
    let top = 0;
    for (let i = 1; i < n; i++) if (Math.abs(data[i]!) > Math.abs(data[top]!)) top = i;
    if (top === last) break;
    last = top;
    data.fill(0);
    data[top] = 1;
  }
  for (let i = 0; i < n; i++) data[i] = (i % 2 === 0 ? 1 : -1) * (1 + (n === 1 ? 0 : i / (n - 1)));
  luSolveInPlace(factor, x, false);
  const alternating = (2 * data.reduce((sum, value) => sum + Math.abs(value), 0)) / (3 * n);
  const inverseNorm = Math.max(estimate, alternating);
  return Number.isFinite(inverseNorm) ? 1 / factor.oneNorm / inverseNorm : 0;
};
