import { type Matrix, matrix } from '@drnn/tensor';
import { balance, type Balanced, unbalanced } from './balance.js';
import { expectFiniteSquare } from './operand.js';
import { addProduct, blockOf, product, transposed } from './product.js';
import { scaledByPowerOfTwo, timesPowerOfTwo } from './scaling.js';
import { type Eigenvalues, eigenvaluesOfScaled, schurOfScaled } from './schur.js';
import { triangularEigenvectors } from './triangular-eigenvectors.js';

/** Complex numbers [row, column], real and imaginary parts apart. */
export interface ComplexMatrix {
  readonly real: Matrix;
  readonly imaginary: Matrix;
}

/** A R = R diag(values), L^H A = diag(values) L^H, with the eigenvectors in the columns [unit, mode]. */
export interface Eigen {
  readonly values: Eigenvalues;
  /** Right eigenvectors of length 1, the largest entry real and positive. */
  readonly right: ComplexMatrix;
  /**
   * Left eigenvectors, l_k^H r_k = 1 (so L^H = R^-1 when eigenvalues are distinct). Of a defective eigenvalue, whose
   * condition is Infinity, l_k has length 1, as l_k^H r_k is 0.
   */
  readonly left: ComplexMatrix;
  /** kappa_k = |l_k| |r_k| >= 1: a change E of A moves eigenvalue k by at most about kappa_k |E|. */
  readonly conditions: Float64Array;
}

/** In which order eigenvalues come. */
export interface EigenOptions {
  /**
   * Descending by `real` part (default: the rightmost, which decides about stability of a flow, first) or by `modulus`
   * (that of a map). Conjugate pairs stay together, the positive imaginary part first.
   */
  readonly order?: 'real' | 'modulus';
}

/**
 * Eigenvalues, right and left eigenvectors and the condition of every eigenvalue of a real matrix: balancing, reduction,
 * real Schur form, back substitution. |A R - R diag| is of the order of eps |A|. Cost about 30 n^3. Errors: not square,
 * not finite.
 */
export const eigen = (a: Matrix, options: EigenOptions = {}): Eigen => {
  const n = expectFiniteSquare('eigen', a);
  const { scaled, exponent } = scaledByPowerOfTwo(a);
  let pairs = eigenpairs(balance(scaled));
  // Balancing is right nearly always, but it can raise entries that are only rounding (Watkins 2006).
  if (pairs.stretch > harmlessStretch) {
    const worst = largestResidual(scaled, pairs);
    if (worst > 1e-14) {
      const plain = eigenpairs(unbalanced(scaled));
      if (largestResidual(scaled, plain) < worst) pairs = plain;
    }
  }
  const { values, rightRows, leftRows } = pairs;

  const order = eigenvalueOrder(values, options.order ?? 'real');
  const result = {
    values: pick(values, order, exponent),
    right: { real: matrix(n, n), imaginary: matrix(n, n) },
    left: { real: matrix(n, n), imaginary: matrix(n, n) },
    conditions: new Float64Array(n),
  };
  order.forEach((from, to) => {
    const w = values.imaginary[from]!;
    // Of a pair the second is the conjugate of the first, which writes both.
    if (w < 0) return;
    const { x, y } = vectorOf(rightRows, from, w);
    const { x: p, y: q } = vectorOf(leftRows, from, w);
    const condition = normalisePair(x, y, p, q);
    writeColumn(result.right, to, x, y, 1);
    writeColumn(result.left, to, p, q, 1);
    result.conditions[to] = condition;
    if (w === 0) return;
    writeColumn(result.right, to + 1, x, y, -1);
    writeColumn(result.left, to + 1, p, q, -1);
    result.conditions[to + 1] = condition;
  });
  return result;
};

/** Scale factors of balancing that differ by no more than this cannot spoil a residual. */
const harmlessStretch = 256;

/** Eigenvalues in the order of the Schur form and eigenvectors as rows, a pair's as real and imaginary part. */
interface Eigenpairs {
  readonly values: Eigenvalues;
  readonly rightRows: Matrix;
  readonly leftRows: Matrix;
  /** The largest scale factor of the balancing over the smallest. */
  readonly stretch: number;
}

const eigenpairs = (balancing: Balanced): Eigenpairs => {
  const { balanced, low, high, scale } = balancing;
  const { triangular, orthogonal, values } = schurOfScaled(balanced, low, high);
  const n = balanced.rows;
  const rightRows = inBasis(triangularEigenvectors(triangular, values), orthogonal, (row) => [0, Math.min(row + 1, n)]);
  const mirror = mirrored(triangular, values);
  const reversed = triangularEigenvectors(mirror.triangular, mirror.values);
  const leftRows = inBasis(reversedBoth(reversed, values), orthogonal, (_, row) => [Math.max(row - 1, 0), n]);
  unbalance(rightRows, balancing, false);
  unbalance(leftRows, balancing, true);
  const largest = scale.reduce((top, each) => Math.max(top, each), 0);
  const smallest = scale.reduce((least, each) => Math.min(least, each), Infinity);
  return { values, rightRows, leftRows, stretch: largest / smallest };
};

/**
 * X Q', for X whose rows [first, last) are zero outside the columns that `reach` gives for `last` and `first`: block by
 * block, which halves the work for a triangular X.
 */
const inBasis = (
  x: Matrix,
  orthogonal: Matrix,
  reach: (last: number, first: number) => readonly [number, number],
): Matrix => {
  const n = x.rows;
  const result = matrix(n, n);
  for (let first = 0; first < n; first += 66) {
    const last = Math.min(first + 66, n);
    const [from, to] = reach(last, first);
    const part = transposed(blockOf(orthogonal, 0, from));
    addProduct(last - first, n, to - from, 1, blockOf(x, first, from), part, blockOf(result, first));
  }
  return result;
};

/** Real and imaginary part of the eigenvector in row k, as views where there are any. */
const vectorOf = (
  rows: Matrix,
  k: number,
  imaginary: number,
): { readonly x: Float64Array; readonly y: Float64Array } => {
  const n = rows.columns;
  return {
    x: rows.data.subarray(k * n, (k + 1) * n),
    y: imaginary === 0 ? new Float64Array(n) : rows.data.subarray((k + 1) * n, (k + 2) * n),
  };
};

/** max_k |A r_k - lambda_k r_k| / (|A|_F |r_k|). */
const largestResidual = (a: Matrix, { values, rightRows }: Eigenpairs): number => {
  const n = a.rows;
  const images = product(rightRows, a, { transposeB: true });
  const norm = length(a.data, new Float64Array(a.data.length), 1);
  let worst = 0;
  for (let k = 0; k < n; k++) {
    const w = values.imaginary[k]!;
    if (w < 0) continue;
    const { x, y } = vectorOf(rightRows, k, w);
    const { x: ax, y: ay } = vectorOf(images, k, w);
    const unit = largestPart(x, y);
    const size = length(x, y, unit);
    const re = values.real[k]!;
    for (let i = 0; i < n; i++) {
      const dx = ax[i]! - re * x[i]! + w * y[i]!;
      const dy = ay[i]! - re * y[i]! - w * x[i]!;
      worst = Math.max(worst, Math.hypot(dx / unit, dy / unit) / size / norm);
    }
  }
  return worst;
};

/** The eigenvalues alone, in the order of `eigen`. Cost about 12 n^3. Errors: not square, not finite. */
export const eigenvalues = (a: Matrix, options: EigenOptions = {}): Eigenvalues => {
  expectFiniteSquare('eigenvalues', a);
  const { scaled, exponent } = scaledByPowerOfTwo(a);
  const { balanced, low, high } = balance(scaled);
  const values = eigenvaluesOfScaled(balanced, low, high);
  return pick(values, eigenvalueOrder(values, options.order ?? 'real'), exponent);
};

const eigenvalueOrder = (values: Eigenvalues, by: 'real' | 'modulus'): readonly number[] => {
  const { real, imaginary } = values;
  const key = (k: number): number => (by === 'real' ? real[k]! : Math.hypot(real[k]!, imaginary[k]!));
  const heads = Array.from(real.keys()).filter((k) => imaginary[k]! >= 0);
  heads.sort((i, j) => key(j) - key(i) || real[j]! - real[i]! || imaginary[j]! - imaginary[i]! || i - j);
  return heads.flatMap((k) => (imaginary[k] === 0 ? [k] : [k, k + 1]));
};

const pick = ({ real, imaginary }: Eigenvalues, order: readonly number[], exponent: number): Eigenvalues => {
  const picked = {
    real: Float64Array.from(order, (k) => real[k]!),
    imaginary: Float64Array.from(order, (k) => imaginary[k]!),
  };
  timesPowerOfTwo(picked.real, exponent);
  timesPowerOfTwo(picked.imaginary, exponent);
  return picked;
};

/**
 * P T' P with P the reversal is again in standard form, and its right eigenvectors are those of T' reversed: the left
 * ones of T. (T' belongs to the conjugate value: l^H T = lambda l^H is T' l = conj(lambda) l.)
 */
const mirrored = (t: Matrix, values: Eigenvalues): { readonly triangular: Matrix; readonly values: Eigenvalues } => {
  const n = t.rows;
  const mirror = matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) mirror.data[(n - 1 - j) * n + n - 1 - i] = t.data[i * n + j]!;
  }
  const real = values.real.toReversed();
  const imaginary = values.imaginary.toReversed();
  for (let k = 0; k < n; k++) imaginary[k] = -imaginary[k]!;
  return { triangular: mirror, values: { real, imaginary } };
};

/** Entries and order of vectors of the mirrored matrix back to those of T, imaginary parts of the conjugate value. */
const reversedBoth = (rows: Matrix, values: Eigenvalues): Matrix => {
  const n = rows.rows;
  const result = matrix(n, n);
  for (let k = 0; k < n; k++) {
    const w = values.imaginary[k]!;
    // A pair's real part is at the first of its two rows in both orders.
    const from = w === 0 ? n - 1 - k : w > 0 ? n - 2 - k : n - k;
    const sign = w < 0 ? -1 : 1;
    for (let j = 0; j < n; j++) result.data[k * n + j] = sign * rows.data[from * n + n - 1 - j]!;
  }
  return result;
};

/** Rows of eigenvectors of B = D^-1 P' A P D become those of A: r = P D x, l = P D^-1 y. */
const unbalance = (rows: Matrix, { scale, order }: Balanced, left: boolean): void => {
  const n = rows.rows;
  const kept = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const row = rows.data.subarray(k * n, (k + 1) * n);
    for (let i = 0; i < n; i++) kept[order[i]!] = left ? row[i]! / scale[i]! : row[i]! * scale[i]!;
    row.set(kept);
  }
};

/**
 * Scales r = x + i y to length 1 with its largest entry real and positive, and l = p + i q so that l^H r = 1; returns
 * |l| |r|. Where l^H r is 0, l gets length 1 and the condition is Infinity.
 */
const normalisePair = (x: Float64Array, y: Float64Array, p: Float64Array, q: Float64Array): number => {
  const n = x.length;
  const unit = largestPart(x, y);
  let top = 0;
  let largest = 0;
  for (let i = 0; i < n; i++) {
    const a = x[i]! / unit;
    const b = y[i]! / unit;
    const square = a * a + b * b;
    // Entries that are equal up to rounding must not change places.
    if (square > largest * (1 + 1e-8)) {
      largest = square;
      top = i;
    }
  }
  const modulus = Math.sqrt(largest) * unit;
  rotateAndScale(x, y, x[top]! / modulus, -y[top]! / modulus, unit * length(x, y, unit));
  const leftUnit = largestPart(p, q);
  rotateAndScale(p, q, 1, 0, leftUnit * length(p, q, leftUnit));
  let re = 0;
  let im = 0;
  for (let i = 0; i < n; i++) {
    re += p[i]! * x[i]! + q[i]! * y[i]!;
    im += p[i]! * y[i]! - q[i]! * x[i]!;
  }
  const overlap = Math.hypot(re, im);
  if (overlap < smallestOverlap) return Infinity;
  // l / conj(l^H r).
  rotateAndScale(p, q, re / overlap, im / overlap, overlap);
  return 1 / overlap;
};

/** Below this l^H r is 0: to divide by it could overflow. */
const smallestOverlap = 1e-280;

/** The largest modulus of real and imaginary parts. */
const largestPart = (x: Float64Array, y: Float64Array): number => {
  let largest = 0;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]!), Math.abs(y[i]!));
  return largest;
};

/** |x + i y| / unit. */
const length = (x: Float64Array, y: Float64Array, unit: number): number => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) {
    const a = x[i]! / unit;
    const b = y[i]! / unit;
    sum += a * a + b * b;
  }
  return Math.sqrt(sum);
};

/** (x + i y) (c + i s) / size, in place; y stays exactly 0 where everything is real. */
const rotateAndScale = (x: Float64Array, y: Float64Array, c: number, s: number, size: number): void => {
  for (let i = 0; i < x.length; i++) {
    const a = x[i]!;
    const b = y[i]!;
    x[i] = (a * c - b * s) / size;
    y[i] = (a * s + b * c) / size;
  }
};

const writeColumn = (to: ComplexMatrix, column: number, x: Float64Array, y: Float64Array, sign: 1 | -1): void => {
  const n = x.length;
  for (let i = 0; i < n; i++) {
    to.real.data[i * n + column] = x[i]!;
    to.imaginary.data[i * n + column] = y[i] === 0 ? 0 : sign * y[i]!;
  }
};
