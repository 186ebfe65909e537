import { blockReflection, type BlockReflection, reflectBlock } from './block-reflection.js';
import { failure, type Matrix, matrix } from '@drnn/tensor';
import { expectFinite, expectRightSides, finiteResult } from './operand.js';
import { blockOf } from './product.js';

/** A = Q R with Q' Q = I: thin, Q [rows, min(rows, columns)], or full, Q [rows, rows]. R is upper trapezoidal. */
export interface Qr {
  readonly orthogonal: Matrix;
  readonly triangular: Matrix;
}

/** How much of Q is wanted, and with which signs. */
export interface QrOptions {
  /** Q square, its last columns a basis of what A does not reach. Default false. */
  readonly full?: boolean;
  /** The diagonal of R not negative, as exponents of growth want it. Default false: whatever the reflections give. */
  readonly positive?: boolean;
}

/** Columns that are reduced one by one before the rest is updated by products. */
const panelWidth = 24;

/**
 * Householder QR, blocked by the compact WY form of Schreiber and Van Loan (1989): reflections of 24 columns act on the
 * rest as I - V T V'. A is copied. Cost 2 n^2 (m - n/3), and as much for Q. Errors: not finite.
 */
export const qr = (a: Matrix, options: QrOptions = {}): Qr => {
  expectFinite('qr', a);
  const { rows, columns } = a;
  const steps = Math.min(rows, columns);
  const width = options.full === true ? rows : steps;
  const work = { rows, columns, data: a.data.slice() };
  const tau = new Float64Array(steps);
  const blocks = factor(work, tau);
  const orthogonal = matrix(rows, width);
  for (let i = 0; i < width; i++) orthogonal.data[i * width + i] = 1;
  applyReflections(blocks, orthogonal, false);
  const triangular = matrix(width, columns);
  for (let i = 0; i < steps; i++) {
    triangular.data.set(work.data.subarray(i * columns + i, (i + 1) * columns), i * columns + i);
  }
  if (options.positive === true) makePositive(orthogonal, triangular, steps);
  return { orthogonal, triangular };
};

/**
 * X that minimises |A X - B| in every column, for A [row, column] of full column rank and no fewer rows than columns:
 * R X = Q' B. Cost 2 n^2 (m - n/3). Errors: too few rows, not finite, a diagonal entry of R that is 0.
 */
export const leastSquares = (a: Matrix, b: Matrix): Matrix => {
  expectFinite('leastSquares', a);
  expectRightSides('leastSquares right sides', b, a.rows);
  const { rows, columns } = a;
  if (rows < columns) {
    throw failure({
      path: 'leastSquares',
      seen: `[row=${rows}, column=${columns}]`,
      expected: 'at least as many rows as columns',
    });
  }
  const work = { rows, columns, data: a.data.slice() };
  const reflected = { rows, columns: b.columns, data: b.data.slice() };
  applyReflections(factor(work, new Float64Array(columns)), reflected, true);
  const x = matrix(columns, b.columns, reflected.data.slice(0, columns * b.columns));
  for (let i = columns - 1; i >= 0; i--) {
    const diagonal = work.data[i * columns + i]!;
    if (diagonal === 0) {
      throw failure({
        path: 'leastSquares',
        seen: `column ${i} depends on those before it`,
        expected: 'full column rank',
        hint: 'svd solves it for the smallest X',
      });
    }
    for (let c = 0; c < x.columns; c++) {
      let sum = x.data[i * x.columns + c]!;
      for (let k = i + 1; k < columns; k++) sum -= work.data[i * columns + k]! * x.data[k * x.columns + c]!;
      x.data[i * x.columns + c] = sum / diagonal;
    }
  }
  return finiteResult('leastSquares', x);
};

/** Leaves R in `a`; the reflections in blocks. */
const factor = (a: Matrix, tau: Float64Array): readonly BlockReflection[] => {
  const { rows, columns, data } = a;
  const blocks: BlockReflection[] = [];
  const sums = new Float64Array(panelWidth);
  for (let start = 0; start < tau.length; start += panelWidth) {
    const end = Math.min(start + panelWidth, tau.length);
    for (let k = start; k < end; k++) {
      tau[k] = reflectColumn(data, rows, columns, k);
      reflectRest(data, rows, columns, k, end, tau[k]!, sums);
    }
    const block = blockReflection(blockOf(a, start, start), start, rows - start, tau.subarray(start, end));
    if (end < columns) reflectBlock(block, a, end, true);
    blocks.push(block);
  }
  return blocks;
};

/**
 * The reflection I - tau v v' with v[k] = 1 that makes column k zero below its diagonal; v goes there, the diagonal gets
 * what is left. Returns tau.
 */
const reflectColumn = (a: Float64Array, rows: number, columns: number, k: number): number => {
  let largest = 0;
  for (let i = k + 1; i < rows; i++) largest = Math.max(largest, Math.abs(a[i * columns + k]!));
  if (largest === 0) return 0;
  const first = a[k * columns + k]!;
  largest = Math.max(largest, Math.abs(first));
  let sum = 0;
  for (let i = k; i < rows; i++) {
    const scaled = a[i * columns + k]! / largest;
    sum += scaled * scaled;
  }
  const norm = Math.sqrt(sum);
  const head = first / largest;
  const beta = head < 0 ? norm : -norm;
  const divisor = head - beta;
  for (let i = k + 1; i < rows; i++) a[i * columns + k] = a[i * columns + k]! / largest / divisor;
  a[k * columns + k] = beta * largest;
  return (beta - head) / beta;
};

/** Applies it to columns (k, end). */
const reflectRest = (
  a: Float64Array,
  rows: number,
  columns: number,
  k: number,
  end: number,
  tau: number,
  sums: Float64Array,
): void => {
  const width = end - k - 1;
  if (tau === 0 || width === 0) return;
  const top = k * columns + k + 1;
  for (let j = 0; j < width; j++) sums[j] = a[top + j]!;
  for (let i = k + 1; i < rows; i++) {
    const row = i * columns + k;
    const v = a[row]!;
    for (let j = 0; j < width; j++) sums[j] = sums[j]! + v * a[row + 1 + j]!;
  }
  for (let j = 0; j < width; j++) {
    sums[j] = sums[j]! * tau;
    a[top + j] = a[top + j]! - sums[j]!;
  }
  for (let i = k + 1; i < rows; i++) {
    const row = i * columns + k;
    const v = a[row]!;
    for (let j = 0; j < width; j++) a[row + 1 + j] = a[row + 1 + j]! - v * sums[j]!;
  }
};

/** C becomes Q C, or Q' C. */
const applyReflections = (blocks: readonly BlockReflection[], c: Matrix, transpose: boolean): void => {
  const order = transpose ? blocks : blocks.toReversed();
  for (const block of order) reflectBlock(block, c, 0, transpose);
};

const makePositive = (q: Matrix, r: Matrix, steps: number): void => {
  for (let k = 0; k < steps; k++) {
    if (!(r.data[k * r.columns + k]! < 0)) continue;
    for (let j = k; j < r.columns; j++) r.data[k * r.columns + j] = -r.data[k * r.columns + j]!;
    for (let i = 0; i < q.rows; i++) q.data[i * q.columns + k] = -q.data[i * q.columns + k]!;
  }
};
