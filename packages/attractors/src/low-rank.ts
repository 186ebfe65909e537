import { type Matrix, matrix } from '@drnn/tensor';
import { currentsOf, transposedTimes } from './currents.js';
import { type Equations, largestRowSum, longestRow, steepestCurvature } from './equations.js';
import type { HeldNetwork } from './network.js';
import { spectralNormBound } from './spectral-norm.js';

/** W = U V' but for rounding. */
export interface LowRank {
  readonly rank: number;
  /** W V, `[unit, direction]`. */
  readonly U: Matrix;
  /** V', `[direction, unit]`, orthonormal rows. */
  readonly Vt: Matrix;
  /** |W - U V'|_F. */
  readonly defect: number;
}

/** What is left of a row below this part of the longest is rounding. */
const NEGLIGIBLE = 1e-14;

/**
 * W = U V' with V orthonormal, by Gram and Schmidt on the rows of W, the longest remainder first; null when the rank is
 * above `most`. Cost 4 n^2 for each direction.
 */
export const lowRankOf = (W: Matrix, most: number): LowRank | null => {
  const n = W.rows;
  const rest = W.data.slice();
  const Vt = matrix(most, n);
  const size = longestRow(W.data, n, n);
  let rank = 0;
  for (; ; rank++) {
    let longest = 0;
    let from = -1;
    for (let i = 0; i < n; i++) {
      const length = longestRow(rest.subarray(i * n, (i + 1) * n), 1, n);
      if (length > longest) {
        longest = length;
        from = i;
      }
    }
    if (longest <= NEGLIGIBLE * size * Math.sqrt(n)) break;
    if (rank === most) return null;
    const v = Vt.data.subarray(rank * n, (rank + 1) * n);
    v.set(rest.subarray(from * n, (from + 1) * n));
    // Once more against those before, so that V stays orthonormal to rounding.
    for (let k = 0; k < rank; k++) project(v, Vt.data.subarray(k * n, (k + 1) * n));
    const length = longestRow(v, 1, n);
    for (let j = 0; j < n; j++) v[j]! /= length;
    for (let i = 0; i < n; i++) project(rest.subarray(i * n, (i + 1) * n), v);
  }
  const directions = matrix(rank, n, Vt.data.slice(0, rank * n));
  const U = matrix(n, rank);
  for (let i = 0; i < n; i++) {
    currentsOf(directions.data, rank, n, W.data.subarray(i * n, (i + 1) * n), null, U.data.subarray(i * rank));
  }
  let defect = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let product = 0;
      for (let k = 0; k < rank; k++) product += U.data[i * rank + k]! * directions.data[k * n + j]!;
      defect += (W.data[i * n + j]! - product) ** 2;
    }
  }
  return { rank, U, Vt: directions, defect: Math.sqrt(defect) };
};

/** x <- x - (x . v) v for a v of length 1. */
const project = (x: Float64Array, v: Float64Array): void => {
  let dot = 0;
  for (let j = 0; j < x.length; j++) dot += x[j]! * v[j]!;
  for (let j = 0; j < x.length; j++) x[j]! -= dot * v[j]!;
};

/**
 * The fixed points of a network of rank m in m unknowns: with W = U V' and k = V' r they are r = tanh(U k + c) at the
 * roots of k - V' tanh(U k + c), one to one, and det(I - V' D U) = det(I - D W). As V' is orthonormal, states are as far
 * apart in r as in k, or farther, so that a root alone in a ball of k is alone in the same ball of r.
 */
export const reducedEquations = ({ units: n, drive }: HeldNetwork, { rank: m, U, Vt, defect }: LowRank): Equations => {
  const slope = new Float64Array(n);
  const rates = new Float64Array(n);
  const wide = new Float64Array(n);
  const norm = spectralNormBound(U);
  const farthest = Math.sqrt(n);
  const largestDrive = drive.reduce((top, c) => Math.max(top, Math.abs(c)), 0);
  return {
    order: m,
    lipschitz: steepestCurvature * longestRow(U.data, n, m) * norm,
    stretch: norm,
    rounding:
      farthest * ((Number.EPSILON / 2) * (2 + n + m * farthest * largestRowSum(U.data, n, m) + largestDrive) + defect),
    residual: (x, g) => {
      currentsOf(U.data, n, m, x, drive, rates);
      for (let i = 0; i < n; i++) {
        const t = Math.tanh(rates[i]!);
        rates[i] = t;
        slope[i] = 1 - t * t;
      }
      currentsOf(Vt.data, m, n, rates, null, g);
      let sum = 0;
      for (let k = 0; k < m; k++) {
        const difference = x[k]! - g[k]!;
        g[k] = difference;
        sum += difference * difference;
      }
      return Math.sqrt(sum);
    },
    jacobian: (out) => {
      for (let k = 0; k < m; k++) {
        for (let i = 0; i < n; i++) wide[i] = -Vt.data[k * n + i]! * slope[i]!;
        transposedTimes(U.data, n, m, wide, out.subarray(k * m, (k + 1) * m));
        out[k * m + k]! += 1;
      }
    },
    times: (v, out) => {
      currentsOf(U.data, n, m, v, null, wide);
      for (let i = 0; i < n; i++) wide[i]! *= slope[i]!;
      currentsOf(Vt.data, m, n, wide, null, out);
      for (let k = 0; k < m; k++) out[k] = v[k]! - out[k]!;
    },
    transposedTimes: (v, out) => {
      transposedTimes(Vt.data, m, n, v, wide);
      for (let i = 0; i < n; i++) wide[i]! *= slope[i]!;
      transposedTimes(U.data, n, m, wide, out);
      for (let k = 0; k < m; k++) out[k] = v[k]! - out[k]!;
    },
    contain: (x) => {
      const length = longestRow(x, 1, m);
      if (length > farthest) for (let k = 0; k < m; k++) x[k]! *= farthest / length;
    },
    restrict: (r, x) => currentsOf(Vt.data, m, n, r, null, x),
    lift: (x, r) => {
      currentsOf(U.data, n, m, x, drive, r);
      for (let i = 0; i < n; i++) r[i] = Math.tanh(r[i]!);
    },
  };
};
