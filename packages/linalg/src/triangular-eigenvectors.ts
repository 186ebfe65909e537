import { type Matrix, matrix } from '@drnn/tensor';
import type { Eigenvalues } from './schur.js';

/** Below this a pivot of a triangular matrix whose largest entry is about 1 counts as this. */
const tiny = 1e-280;
/** A solution that would pass this is scaled down as it grows. */
const large = 1e140;

/**
 * Right eigenvectors of a quasi-triangular T in standard form, as the rows of the result: row k is that of a real
 * eigenvalue k; rows k and k + 1 are real and imaginary part of that of the pair's eigenvalue with positive imaginary
 * part. Back substitution along the rows of T; a pivot below eps |lambda| is raised to it, and what grows beyond the
 * range is scaled (the problem of LAPACK's trevc). Each vector's largest entry is about 1. T's largest entry must be of
 * order 1. Cost 2/3 n^3 to 4/3 n^3.
 */
export const triangularEigenvectors = (t: Matrix, values: Eigenvalues): Matrix => {
  const n = t.rows;
  const result = matrix(n, n);
  const { data: h } = t;
  for (let k = n - 1; k >= 0; k--) {
    const real = values.real[k]!;
    if (values.imaginary[k] === 0) {
      const x = result.data.subarray(k * n, (k + 1) * n);
      x[k] = 1;
      solveReal(h, n, k, real, x, values.imaginary);
      normalise(x, null, k);
    } else {
      k -= 1;
      const imaginary = values.imaginary[k]!;
      const x = result.data.subarray(k * n, (k + 1) * n);
      const y = result.data.subarray((k + 1) * n, (k + 2) * n);
      // ([a, b; c, a] - (a + i w)) (x0, x1)' = 0, the larger of the two unknowns of order 1.
      const upper = h[k * n + k + 1]!;
      const lower = h[(k + 1) * n + k]!;
      if (Math.abs(upper) >= Math.abs(lower)) {
        x[k] = 1;
        y[k + 1] = imaginary / upper;
      } else {
        x[k] = -imaginary / lower;
        y[k + 1] = 1;
      }
      solveComplex(h, n, k, real, imaginary, x, y, values.imaginary);
      normalise(x, y, k + 1);
    }
  }
  return result;
};

/** x[0, k) of (T - lambda) x = 0 with x[k] given, scaled down where it grows too large. */
const solveReal = (
  h: Float64Array,
  n: number,
  k: number,
  lambda: number,
  x: Float64Array,
  imaginary: Float64Array,
): void => {
  const floor = Math.max(Number.EPSILON * Math.abs(lambda), tiny);
  for (let j = k - 1; j >= 0; j--) {
    const paired = imaginary[j] !== 0;
    let sum = 0;
    for (let i = j + 1; i <= k; i++) sum += h[j * n + i]! * x[i]!;
    if (!paired) {
      let pivot = h[j * n + j]! - lambda;
      if (Math.abs(pivot) < floor) pivot = floor;
      const bound = large * Math.min(1, Math.abs(pivot));
      if (Math.abs(sum) > bound) sum *= shrink(x, null, j + 1, k, Math.abs(sum) / bound);
      x[j] = -sum / pivot;
    } else {
      j -= 1;
      let sum0 = 0;
      for (let i = j + 2; i <= k; i++) sum0 += h[j * n + i]! * x[i]!;
      const least = factorPair(h[j * n + j]! - lambda, 0, h[j * n + j + 1]!, h[(j + 1) * n + j]!, floor);
      const top = Math.max(Math.abs(sum), Math.abs(sum0));
      const bound = large * Math.min(1, least);
      if (top > bound) {
        const factor = shrink(x, null, j + 2, k, top / bound);
        sum *= factor;
        sum0 *= factor;
      }
      solvePair(-sum0, 0, -sum, 0);
      x[j] = solution[0]!;
      x[j + 1] = solution[2]!;
    }
  }
};

/** The same for the eigenvalue a + i w of the block at (k, k + 1), z = x + i y. */
const solveComplex = (
  h: Float64Array,
  n: number,
  k: number,
  a: number,
  w: number,
  x: Float64Array,
  y: Float64Array,
  imaginary: Float64Array,
): void => {
  const last = k + 1;
  const floor = Math.max(Number.EPSILON * (Math.abs(a) + Math.abs(w)), tiny);
  for (let j = k - 1; j >= 0; j--) {
    const paired = imaginary[j] !== 0;
    let sumX = 0;
    let sumY = 0;
    for (let i = j + 1; i <= last; i++) {
      const entry = h[j * n + i]!;
      sumX += entry * x[i]!;
      sumY += entry * y[i]!;
    }
    if (!paired) {
      let pivot = h[j * n + j]! - a;
      const size = Math.max(Math.abs(pivot), Math.abs(w));
      if (size < floor) pivot = floor;
      const top = Math.max(Math.abs(sumX), Math.abs(sumY));
      const bound = large * Math.min(1, Math.max(size, floor));
      if (top > bound) {
        const factor = shrink(x, y, j + 1, last, top / bound);
        sumX *= factor;
        sumY *= factor;
      }
      divide(-sumX, -sumY, pivot, -w, quotient);
      x[j] = quotient[0]!;
      y[j] = quotient[1]!;
    } else {
      j -= 1;
      let sumX0 = 0;
      let sumY0 = 0;
      for (let i = j + 2; i <= last; i++) {
        const entry = h[j * n + i]!;
        sumX0 += entry * x[i]!;
        sumY0 += entry * y[i]!;
      }
      const least = factorPair(h[j * n + j]! - a, -w, h[j * n + j + 1]!, h[(j + 1) * n + j]!, floor);
      const top = Math.max(Math.abs(sumX), Math.abs(sumY), Math.abs(sumX0), Math.abs(sumY0));
      const bound = large * Math.min(1, least);
      if (top > bound) {
        const factor = shrink(x, y, j + 2, last, top / bound);
        sumX *= factor;
        sumY *= factor;
        sumX0 *= factor;
        sumY0 *= factor;
      }
      solvePair(-sumX0, -sumY0, -sumX, -sumY);
      x[j] = solution[0]!;
      y[j] = solution[1]!;
      x[j + 1] = solution[2]!;
      y[j + 1] = solution[3]!;
    }
  }
};

/** What `factorPair` keeps for `solvePair`: which entry is the pivot, entries, multiplier, last pivot. */
const pair = { kind: 0, p: 0, q: 0, b: 0, c: 0, floor: 0 };
const multiplier = new Float64Array(2);
const lastPivot = new Float64Array(2);
/** z0 and z1, real and imaginary part. */
const solution = new Float64Array(4);

/**
 * Elimination with complete pivoting in [p + i q, b; c, p + i q]. A matrix below `floor` becomes floor I, a last pivot
 * below it is raised to it. The size of the last pivot.
 */
const factorPair = (p: number, q: number, b: number, c: number, floor: number): number => {
  const diagonal = Math.max(Math.abs(p), Math.abs(q));
  const size = Math.max(diagonal, Math.abs(b), Math.abs(c));
  pair.p = p;
  pair.q = q;
  pair.b = b;
  pair.c = c;
  pair.floor = floor;
  pair.kind = size < floor ? 0 : diagonal === size ? 1 : Math.abs(b) === size ? 2 : 3;
  if (pair.kind === 0) return floor;
  // The multiplier m, and what the other entry loses by it.
  if (pair.kind === 1) {
    divide(c, 0, p, q, multiplier);
    lastPivot[0] = p - multiplier[0]! * b;
    lastPivot[1] = q - multiplier[1]! * b;
  } else {
    const [pivot, other] = pair.kind === 2 ? [b, c] : [c, b];
    multiplier[0] = p / pivot;
    multiplier[1] = q / pivot;
    lastPivot[0] = other - (multiplier[0] * p - multiplier[1] * q);
    lastPivot[1] = -(multiplier[0] * q + multiplier[1] * p);
  }
  const left = Math.max(Math.abs(lastPivot[0]), Math.abs(lastPivot[1]));
  if (left >= floor) return left;
  lastPivot[0] = floor;
  lastPivot[1] = 0;
  return floor;
};

/** Solves the factored pair for the right side (r0, r1), real and imaginary parts, into `solution`. */
const solvePair = (r0x: number, r0y: number, r1x: number, r1y: number): void => {
  const { kind, p, q, b, c, floor } = pair;
  const [mx, my] = [multiplier[0]!, multiplier[1]!];
  if (kind === 0) {
    solution[0] = r0x / floor;
    solution[1] = r0y / floor;
    solution[2] = r1x / floor;
    solution[3] = r1y / floor;
  } else if (kind === 3) {
    // c z0 + P z1 = r1, P z0 + b z1 = r0.
    divide(r0x - (mx * r1x - my * r1y), r0y - (mx * r1y + my * r1x), lastPivot[0]!, lastPivot[1]!, quotient);
    const [x, y] = [quotient[0]!, quotient[1]!];
    solution[0] = (r1x - (p * x - q * y)) / c;
    solution[1] = (r1y - (p * y + q * x)) / c;
    solution[2] = x;
    solution[3] = y;
  } else {
    // P z0 + b z1 = r0, c z0 + P z1 = r1: z1 is last where P is the pivot, z0 where b is.
    divide(r1x - (mx * r0x - my * r0y), r1y - (mx * r0y + my * r0x), lastPivot[0]!, lastPivot[1]!, quotient);
    const [x, y] = [quotient[0]!, quotient[1]!];
    if (kind === 1) {
      divide(r0x - b * x, r0y - b * y, p, q, quotient);
      solution[0] = quotient[0]!;
      solution[1] = quotient[1]!;
      solution[2] = x;
      solution[3] = y;
    } else {
      solution[0] = x;
      solution[1] = y;
      solution[2] = (r0x - (p * x - q * y)) / b;
      solution[3] = (r0y - (p * y + q * x)) / b;
    }
  }
};

const quotient = new Float64Array(2);

/** (a + i b) / (c + i d), by Smith's method, which does not overflow early. */
const divide = (a: number, b: number, c: number, d: number, out: Float64Array): void => {
  if (Math.abs(c) >= Math.abs(d)) {
    const ratio = d / c;
    const divisor = c + d * ratio;
    out[0] = (a + b * ratio) / divisor;
    out[1] = (b - a * ratio) / divisor;
  } else {
    const ratio = c / d;
    const divisor = c * ratio + d;
    out[0] = (a * ratio + b) / divisor;
    out[1] = (b * ratio - a) / divisor;
  }
};

/** Divides entries [from, to] by `size`; the factor. */
const shrink = (x: Float64Array, y: Float64Array | null, from: number, to: number, size: number): number => {
  const factor = 1 / size;
  for (let i = from; i <= to; i++) {
    x[i] = x[i]! * factor;
    if (y !== null) y[i] = y[i]! * factor;
  }
  return factor;
};

const normalise = (x: Float64Array, y: Float64Array | null, last: number): void => {
  let largest = 0;
  for (let i = 0; i <= last; i++) largest = Math.max(largest, Math.abs(x[i]!), y === null ? 0 : Math.abs(y[i]!));
  shrink(x, y, 0, last, largest);
};
