import { beginSweep, endSweep, pushReflection, type ReflectionQueue } from './reflection-queue.js';
import { standardBlockSize, standardise } from './standard-block.js';

const epsilon = Number.EPSILON;
/** Below this an entry of a matrix whose largest is about 1 is nothing. */
const tiny = 1e-290;
/** Steps without a deflation after which entries below eps |A| count as nothing. */
const patience = 25;

/**
 * What a QR iteration works on: H [n, n], Hessenberg, and the queue of the basis whose columns turn with those of H; null
 * when only eigenvalues are wanted, which then leaves H outside the active block as it was.
 */
export interface HessenbergProblem {
  readonly h: Float64Array;
  readonly n: number;
  readonly basis: ReflectionQueue | null;
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
}

/**
 * The double-shift QR iteration of Francis (1961) on rows [low, high] of H, down to standard 1 x 1 and 2 x 2 blocks,
 * with the two-sided deflation test of Ahues and Tisseur (1997). Returns -1, or the last row of a block that 30 steps
 * a row did not split. Every tenth step without a deflation takes exceptional shifts, which breaks cycles. Cost about
 * 25 n^3 with the basis, 10 n^3 for values.
 */
export const francis = ({ h, n, basis, real, imaginary }: HessenbergProblem, low: number, high: number): number => {
  if (high < low) return -1;
  const whole = basis !== null;
  const block = new Float64Array(standardBlockSize);
  let stepsLeft = 30 * Math.max(10, high - low + 1);
  let bottom = high;
  let sinceDeflation = 0;
  while (bottom >= low) {
    // What resists for long is judged by the whole matrix: backward stable, though small eigenvalues of an extremely
    // graded matrix lose their digits.
    const top = deflate(h, n, low, bottom, high, sinceDeflation < patience ? tiny : epsilon);
    if (top === bottom) {
      real[bottom] = h[bottom * n + bottom]!;
      imaginary[bottom] = 0;
      bottom -= 1;
      sinceDeflation = 0;
      continue;
    }
    if (top === bottom - 1) {
      splitPair(h, n, bottom - 1, whole ? 0 : top, whole ? n - 1 : bottom, block);
      if (basis !== null) {
        beginSweep(basis, bottom - 1);
        endSweep(basis, block[8]!, block[9]!, -block[9]!, block[8]!);
      }
      real[bottom - 1] = block[4]!;
      imaginary[bottom - 1] = block[5]!;
      real[bottom] = block[6]!;
      imaginary[bottom] = block[7]!;
      bottom -= 2;
      sinceDeflation = 0;
      continue;
    }
    if (stepsLeft-- === 0) return bottom;
    sinceDeflation += 1;
    doubleStep(h, n, top, bottom, sinceDeflation, basis);
  }
  return -1;
};

/**
 * The first row of the unreduced block that ends at `bottom`; its subdiagonal entry, if any, becomes 0. Entries up to
 * `floor` are nothing.
 */
const deflate = (h: Float64Array, n: number, low: number, bottom: number, high: number, floor: number): number => {
  let k = bottom;
  for (; k > low; k--) {
    const sub = Math.abs(h[k * n + k - 1]!);
    if (sub <= floor) break;
    const before = h[(k - 1) * n + k - 1]!;
    const after = h[k * n + k]!;
    let size = Math.abs(before) + Math.abs(after);
    if (size === 0) {
      if (k - 2 >= low) size += Math.abs(h[(k - 1) * n + k - 2]!);
      if (k + 1 <= high) size += Math.abs(h[(k + 1) * n + k]!);
    }
    if (sub > epsilon * size) continue;
    const above = Math.abs(h[(k - 1) * n + k]!);
    const larger = Math.max(sub, above);
    const smaller = Math.min(sub, above);
    const difference = Math.abs(before - after);
    const diagonal = Math.max(Math.abs(after), difference);
    const rest = Math.min(Math.abs(after), difference);
    const sum = diagonal + larger;
    if (smaller * (larger / sum) <= Math.max(tiny, epsilon * (rest * (diagonal / sum)))) break;
  }
  if (k > low) h[k * n + k - 1] = 0;
  return k;
};

/**
 * Brings the 2 x 2 block at `row` to standard form and turns rows and columns [from, to] of H with it; `block` has what
 * `standardise` wrote.
 */
export const splitPair = (
  h: Float64Array,
  n: number,
  row: number,
  from: number,
  to: number,
  block: Float64Array,
): void => {
  const first = row * n;
  const second = first + n;
  standardise(h[first + row]!, h[first + row + 1]!, h[second + row]!, h[second + row + 1]!, block);
  h[first + row] = block[0]!;
  h[first + row + 1] = block[1]!;
  h[second + row] = block[2]!;
  h[second + row + 1] = block[3]!;
  const cosine = block[8]!;
  const sine = block[9]!;
  if (cosine === 1 && sine === 0) return;
  rotateRows(h, first, second, row + 2, to, cosine, sine);
  for (let i = from; i < row; i++) {
    const at = i * n + row;
    const x = h[at]!;
    const y = h[at + 1]!;
    h[at] = cosine * x + sine * y;
    h[at + 1] = cosine * y - sine * x;
  }
};

export const rotateRows = (
  a: Float64Array,
  first: number,
  second: number,
  from: number,
  to: number,
  cosine: number,
  sine: number,
): void => {
  for (let j = from; j <= to; j++) {
    const x = a[first + j]!;
    const y = a[second + j]!;
    a[first + j] = cosine * x + sine * y;
    a[second + j] = cosine * y - sine * x;
  }
};

/** One step with two shifts on the unreduced block [top, bottom], of at least three rows. */
const doubleStep = (
  h: Float64Array,
  n: number,
  top: number,
  bottom: number,
  sinceDeflation: number,
  basis: ReflectionQueue | null,
): void => {
  const firstRow = basis === null ? top : 0;
  const lastColumn = basis === null ? bottom : n - 1;

  // The shifts: eigenvalues of the last 2 x 2 block; both the closer one when they are real.
  let a = h[(bottom - 1) * n + bottom - 1]!;
  let b = h[(bottom - 1) * n + bottom]!;
  let c = h[bottom * n + bottom - 1]!;
  let d = h[bottom * n + bottom]!;
  if (sinceDeflation % 20 === 0) {
    const size = Math.abs(c) + Math.abs(h[(bottom - 1) * n + bottom - 2]!);
    a = 0.75 * size + d;
    b = -0.4375 * size;
    c = size;
    d = a;
  } else if (sinceDeflation % 10 === 0) {
    const size = Math.abs(h[(top + 1) * n + top]!) + Math.abs(h[(top + 2) * n + top + 1]!);
    a = 0.75 * size + h[top * n + top]!;
    b = -0.4375 * size;
    c = size;
    d = a;
  }
  let real1 = 0;
  let real2 = 0;
  let imaginary1 = 0;
  const scale = Math.abs(a) + Math.abs(b) + Math.abs(c) + Math.abs(d);
  if (scale > 0) {
    const mean = (a / scale + d / scale) / 2;
    const product = (a / scale - mean) * (d / scale - mean) - (b / scale) * (c / scale);
    const root = Math.sqrt(Math.abs(product));
    if (product >= 0) {
      real1 = mean * scale;
      real2 = real1;
      imaginary1 = root * scale;
    } else {
      const plus = mean + root;
      const minus = mean - root;
      real1 = (Math.abs(plus - d / scale) <= Math.abs(minus - d / scale) ? plus : minus) * scale;
      real2 = real1;
    }
  }

  // Start where two small subdiagonals in a row let the bulge begin.
  let start = bottom - 2;
  let v1 = 0;
  let v2 = 0;
  let v3 = 0;
  for (; start >= top; start--) {
    const row = start * n;
    const diagonal = h[row + start]!;
    const next = h[row + n + start + 1]!;
    let size = Math.abs(diagonal - real2) + Math.abs(imaginary1) + Math.abs(h[row + n + start]!);
    const sub = h[row + n + start]! / size;
    v1 =
      sub * h[row + start + 1]! + (diagonal - real1) * ((diagonal - real2) / size) + imaginary1 * (imaginary1 / size);
    v2 = sub * (diagonal + next - real1 - real2);
    v3 = sub * h[row + 2 * n + start + 1]!;
    size = Math.abs(v1) + Math.abs(v2) + Math.abs(v3);
    v1 /= size;
    v2 /= size;
    v3 /= size;
    if (start === top) break;
    const before = Math.abs(h[row - n + start - 1]!);
    if (
      Math.abs(h[row + start - 1]!) * (Math.abs(v2) + Math.abs(v3)) <=
      epsilon * Math.abs(v1) * (before + Math.abs(diagonal) + Math.abs(next))
    ) {
      break;
    }
  }

  if (basis !== null) beginSweep(basis, start);
  for (let k = start; k < bottom; k++) {
    const three = k < bottom - 1;
    if (k > start) {
      v1 = h[k * n + k - 1]!;
      v2 = h[(k + 1) * n + k - 1]!;
      v3 = three ? h[(k + 2) * n + k - 1]! : 0;
    }
    if (!three) v3 = 0;
    // I - tau [1, w2, w3] [1, w2, w3]' maps (v1, v2, v3) to (beta, 0, 0).
    const size = Math.abs(v1) + Math.abs(v2) + Math.abs(v3);
    let tau = 0;
    let beta = v1;
    let w2 = 0;
    let w3 = 0;
    if (v2 !== 0 || v3 !== 0) {
      const x = v1 / size;
      const y = v2 / size;
      const z = v3 / size;
      const norm = Math.sqrt(x * x + y * y + z * z);
      const signed = x < 0 ? norm : -norm;
      tau = (signed - x) / signed;
      w2 = y / (x - signed);
      w3 = z / (x - signed);
      beta = signed * size;
    }
    if (k > start) {
      h[k * n + k - 1] = beta;
      h[(k + 1) * n + k - 1] = 0;
      if (three) h[(k + 2) * n + k - 1] = 0;
    } else if (start > top) {
      h[k * n + k - 1] = h[k * n + k - 1]! * (1 - tau);
    }
    if (basis !== null) {
      if (three) pushReflection(basis, tau, w2, w3);
      else endSweep(basis, 1 - tau, -tau * w2, -tau * w2, 1 - tau * w2 * w2);
    }
    if (tau === 0) continue;
    if (three) {
      reflectRows3(h, k * n, n, k, lastColumn, tau, w2, w3);
      reflectColumns3(h, n, k, firstRow, Math.min(k + 3, bottom), tau, w2, w3);
    } else {
      reflectRows2(h, k * n, n, k, lastColumn, tau, w2);
      reflectColumns2(h, n, k, firstRow, bottom, tau, w2);
    }
  }
};

/** Rows at `first`, `first + n`, `first + 2 n`, columns [from, to], times I - tau w w' with w = (1, w2, w3). */
const reflectRows3 = (
  a: Float64Array,
  first: number,
  n: number,
  from: number,
  to: number,
  tau: number,
  w2: number,
  w3: number,
): void => {
  const t2 = tau * w2;
  const t3 = tau * w3;
  let i0 = (first + from) | 0;
  let i1 = (i0 + n) | 0;
  let i2 = (i1 + n) | 0;
  const end = (first + to) | 0;
  for (; i0 <= end; i0 = (i0 + 1) | 0, i1 = (i1 + 1) | 0, i2 = (i2 + 1) | 0) {
    const x = a[i0]!;
    const y = a[i1]!;
    const z = a[i2]!;
    const sum = x + w2 * y + w3 * z;
    a[i0] = x - sum * tau;
    a[i1] = y - sum * t2;
    a[i2] = z - sum * t3;
  }
};

/** Columns k, k + 1, k + 2, rows [from, to], times I - tau w w'. */
const reflectColumns3 = (
  a: Float64Array,
  n: number,
  k: number,
  from: number,
  to: number,
  tau: number,
  w2: number,
  w3: number,
): void => {
  const t2 = tau * w2;
  const t3 = tau * w3;
  const end = (to * n + k) | 0;
  for (let at = (from * n + k) | 0; at <= end; at = (at + n) | 0) {
    const x = a[at]!;
    const y = a[at + 1]!;
    const z = a[at + 2]!;
    const sum = x + w2 * y + w3 * z;
    a[at] = x - sum * tau;
    a[at + 1] = y - sum * t2;
    a[at + 2] = z - sum * t3;
  }
};

const reflectRows2 = (
  a: Float64Array,
  first: number,
  n: number,
  from: number,
  to: number,
  tau: number,
  w2: number,
): void => {
  const t2 = tau * w2;
  for (let i = first + from, j = i + n; i <= first + to; i++, j++) {
    const x = a[i]!;
    const y = a[j]!;
    const sum = x + w2 * y;
    a[i] = x - sum * tau;
    a[j] = y - sum * t2;
  }
};

const reflectColumns2 = (
  a: Float64Array,
  n: number,
  k: number,
  from: number,
  to: number,
  tau: number,
  w2: number,
): void => {
  const t2 = tau * w2;
  for (let i = from, at = from * n + k; i <= to; i++, at += n) {
    const x = a[at]!;
    const y = a[at + 1]!;
    const sum = x + w2 * y;
    a[at] = x - sum * tau;
    a[at + 1] = y - sum * t2;
  }
};
