import { currentsOf, transposedTimes } from './currents.js';
import type { HeldNetwork } from './network.js';

/**
 * G(x) = 0 in n unknowns, whose roots are the fixed points of a network one to one. `residual` moves to a state; the
 * others speak of the state that it was last given. Nothing here allocates.
 */
export interface Equations {
  /** n. */
  readonly order: number;
  /** L: |J(x) - J(y)| <= L |x - y| for all x and y, from above. */
  readonly lipschitz: number;
  /** From above, how far the rates are from a root at most, for each unit of distance in x. */
  readonly stretch: number;
  /** From above, the error of |G| by rounding. */
  readonly rounding: number;
  /** g = G(x); returns |G|. */
  residual(x: Float64Array, g: Float64Array): number;
  /** J = dG/dx, `[n, n]`. */
  jacobian(out: Float64Array): void;
  /** out = J v. */
  times(v: Float64Array, out: Float64Array): void;
  /** out = J' v. */
  transposedTimes(v: Float64Array, out: Float64Array): void;
  /** The nearest x that a state of the cube has, in place. */
  contain(x: Float64Array): void;
  /** Unknowns of the rates r `[unit]`. */
  restrict(rates: Float64Array, x: Float64Array): void;
  /** Rates of the unknowns. */
  lift(x: Float64Array, rates: Float64Array): void;
}

/** max |tanh''| = 4 / (3 sqrt 3). */
export const steepestCurvature = 4 / (3 * Math.sqrt(3));

/** The largest |row|_2 of A `[row, column]`. */
export const longestRow = (a: Float64Array, rows: number, columns: number): number => {
  let longest = 0;
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += a[i * columns + j]! ** 2;
    longest = Math.max(longest, sum);
  }
  return Math.sqrt(longest);
};

/** The largest sum_j |A_ij| of a row. */
export const largestRowSum = (a: Float64Array, rows: number, columns: number): number => {
  let largest = 0;
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += Math.abs(a[i * columns + j]!);
    largest = Math.max(largest, sum);
  }
  return largest;
};

/**
 * G(r) = r - tanh(W r + c) in the rates themselves, J = I - D W with D = diag(1 - tanh^2 z). |J(r) - J(s)| is at most
 * max|tanh''| max_i |w_i| |W|_2 |r - s|. `norm` is |W|_2, from above.
 */
export const directEquations = ({ units: n, W, drive }: HeldNetwork, norm: number): Equations => {
  const w = W.data;
  const slope = new Float64Array(n);
  const scratch = new Float64Array(n);
  const eps = Number.EPSILON / 2;
  return {
    order: n,
    lipschitz: steepestCurvature * longestRow(w, n, n) * norm,
    stretch: 1,
    // Each current is a sum of N + 1 terms, |r_j| <= 1; tanh and the difference add two roundings of numbers below 1.
    rounding:
      eps * Math.sqrt(n) * (2 + n * largestRowSum(w, n, n) + drive.reduce((top, c) => Math.max(top, Math.abs(c)), 0)),
    residual: (x, g) => {
      currentsOf(w, n, n, x, drive, g);
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const t = Math.tanh(g[i]!);
        slope[i] = 1 - t * t;
        const difference = x[i]! - t;
        g[i] = difference;
        sum += difference * difference;
      }
      return Math.sqrt(sum);
    },
    jacobian: (out) => {
      for (let i = 0; i < n; i++) {
        const s = -slope[i]!;
        const row = i * n;
        for (let j = 0; j < n; j++) out[row + j] = s * w[row + j]!;
        out[row + i]! += 1;
      }
    },
    times: (v, out) => {
      currentsOf(w, n, n, v, null, out);
      for (let i = 0; i < n; i++) out[i] = v[i]! - slope[i]! * out[i]!;
    },
    transposedTimes: (v, out) => {
      for (let i = 0; i < n; i++) scratch[i] = slope[i]! * v[i]!;
      transposedTimes(w, n, n, scratch, out);
      for (let i = 0; i < n; i++) out[i] = v[i]! - out[i]!;
    },
    contain: (x) => {
      for (let i = 0; i < n; i++) {
        const v = x[i]!;
        if (v > 1) x[i] = 1;
        else if (v < -1) x[i] = -1;
      }
    },
    restrict: (rates, x) => x.set(rates),
    lift: (x, rates) => rates.set(x),
  };
};
