import type { Equations } from './equations.js';
import { type Attraction, CONVERGED, FAILED } from './newton.js';

export interface LevenbergSpace {
  readonly g: Float64Array;
  readonly trial: Float64Array;
  readonly trialResidual: Float64Array;
  readonly gradient: Float64Array;
  readonly jacobian: Float64Array;
  readonly normal: Float64Array;
  readonly damped: Float64Array;
}

export const levenbergSpace = (order: number): LevenbergSpace => ({
  g: new Float64Array(order),
  trial: new Float64Array(order),
  trialResidual: new Float64Array(order),
  gradient: new Float64Array(order),
  jacobian: new Float64Array(order * order),
  normal: new Float64Array(order * order),
  damped: new Float64Array(order * order),
});

/** A search that ended at a local minimum of |G| that is no root. */
export const STATIONARY = -3;

export interface LevenbergOptions {
  /** Most steps, rejected ones too; default 200. */
  readonly limit?: number;
  readonly tolerance: number;
  /** Of a minimum of |G| above this nobody asks: one that will not be lower at its pace is given up. Default Infinity. */
  readonly floor?: number;
  readonly attraction: Attraction;
  /** Whether to give up, FAILED: the time is up. */
  readonly isLate?: () => boolean;
}

/** Steps over which the pace is taken. */
const PACE = 10;

/**
 * Levenberg (1944) and Marquardt (1963) from x, in place: (J'J + mu I) p = J'G, mu = 0.01 at first, a fifth after a step
 * that lowers |G|, four times as much after one that does not and is not taken. It goes downhill, so that it also finds
 * what Newton's method runs past: the local minima of |G|, slow points. Towards others it is slow too, as a minimum that is
 * no root is approached linearly; it is left when twice the steps up to `limit` at the pace of the last ten would end above `floor`. Returns the index of a known root, `CONVERGED`,
 * `STATIONARY` (|J'G| <= 1e-9 |J|_F |G|) or `FAILED`. Cost of a step 4/3 n^3.
 */
export const levenbergMarquardt = (
  equations: Equations,
  x: Float64Array,
  space: LevenbergSpace,
  { limit = 200, tolerance, floor = Infinity, attraction, isLate }: LevenbergOptions,
): number => {
  const n = equations.order;
  const { trial, trialResidual, gradient, jacobian, normal, damped, g } = space;
  let size = equations.residual(x, g);
  let mu = 1e-2;
  let isFresh = true;
  let norm = 0;
  let before = size;
  for (let step = 0; step < limit && isLate?.() !== true; step++) {
    if (step > 0 && step % PACE === 0) {
      if (size > floor && ((2 * (limit - step)) / PACE) * Math.log(before / size) < Math.log(size / floor))
        return FAILED;
      before = size;
    }
    if (isFresh) {
      const known = attraction(x);
      if (known >= 0) return known;
      if (size <= tolerance) return CONVERGED;
      equations.jacobian(jacobian);
      lowerGram(jacobian, n, normal);
      equations.transposedTimes(g, gradient);
      let slope = 0;
      norm = 0;
      for (let i = 0; i < n; i++) {
        slope += gradient[i]! * gradient[i]!;
        norm += normal[i * n + i]!;
      }
      if (Math.sqrt(slope) <= 1e-9 * Math.sqrt(norm) * size) return STATIONARY;
      isFresh = false;
    }
    damped.set(normal);
    for (let i = 0; i < n; i++) damped[i * n + i]! += mu;
    let lowers = false;
    if (cholesky(damped, n)) {
      trial.set(gradient);
      choleskySolve(damped, n, trial);
      for (let i = 0; i < n; i++) trial[i] = x[i]! - trial[i]!;
      equations.contain(trial);
      const next = equations.residual(trial, trialResidual);
      lowers = next < size;
      if (lowers) {
        size = next;
        x.set(trial);
        g.set(trialResidual);
        isFresh = true;
        mu = Math.max(mu / 5, 1e-15);
      }
    }
    if (!lowers) {
      mu *= 4;
      // No step lowers it any more: this is the minimum, as well as float64 can tell.
      if (mu > 1e8 * Math.max(1, norm)) return STATIONARY;
    }
  }
  return FAILED;
};

/** The lower triangle of A'A: four rows of A at a time. */
const lowerGram = (a: Float64Array, n: number, out: Float64Array): void => {
  out.fill(0);
  let k = 0;
  for (; k + 3 < n; k += 4) {
    const r0 = k * n;
    const r1 = r0 + n;
    const r2 = r1 + n;
    const r3 = r2 + n;
    for (let i = 0; i < n; i++) {
      const a0 = a[r0 + i]!;
      const a1 = a[r1 + i]!;
      const a2 = a[r2 + i]!;
      const a3 = a[r3 + i]!;
      const row = i * n;
      for (let j = 0; j <= i; j++) {
        out[row + j]! += a0 * a[r0 + j]! + a1 * a[r1 + j]! + a2 * a[r2 + j]! + a3 * a[r3 + j]!;
      }
    }
  }
  for (; k < n; k++) {
    for (let i = 0; i < n; i++) {
      const v = a[k * n + i]!;
      for (let j = 0; j <= i; j++) out[i * n + j]! += v * a[k * n + j]!;
    }
  }
};

/** The factor of a lower triangle, where it lies; false where it is not positive definite. */
const cholesky = (a: Float64Array, n: number): boolean => {
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j <= i; j++) {
      const other = j * n;
      let s = a[row + j]!;
      for (let k = 0; k < j; k++) s -= a[row + k]! * a[other + k]!;
      if (j < i) a[row + j] = s / a[other + j]!;
      else if (s > 0) a[row + i] = Math.sqrt(s);
      else return false;
    }
  }
  return true;
};

const choleskySolve = (a: Float64Array, n: number, x: Float64Array): void => {
  for (let i = 0; i < n; i++) {
    let s = x[i]!;
    for (let k = 0; k < i; k++) s -= a[i * n + k]! * x[k]!;
    x[i] = s / a[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    const v = x[i]! / a[i * n + i]!;
    x[i] = v;
    for (let k = 0; k < i; k++) x[k]! -= a[i * n + k]! * v;
  }
};
