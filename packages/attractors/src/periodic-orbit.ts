import { gmres } from '@drnn/linalg';
import { type Matrix, matrix } from '@drnn/tensor';
import { floquetSpectrum, type Multiplier } from './floquet.js';
import type { IteratedMap } from './iterated-map.js';
import { factor, solve } from './lu.js';
import { orthonormaliseRows } from './orthonormal-rows.js';

/** A closed orbit of a map: F^k(x) = x. */
export interface PeriodicOrbit {
  /** k, the least. */
  readonly order: number;
  /** `[step, dimension]`; where it begins means nothing. */
  readonly orbit: Matrix;
  /** Of F^k, the largest modulus first: all, or the leading ones that converged. */
  readonly multipliers: readonly Multiplier[];
  readonly isStable: boolean;
  /** |F^k(x) - x|. */
  readonly residual: number;
  /** Newton's last step, in |x|: about how far the true orbit is. */
  readonly lastStep: number;
}

/** Up to here Newton's equations are a matrix, and all multipliers are taken. */
const DENSE_UP_TO = 128;
const LEADING = 20;

const divisors = (k: number): readonly number[] =>
  Array.from({ length: k - 1 }, (_, i) => i + 1).filter((d) => k % d === 0);

/**
 * The k-cycle of a map near a state by Newton's method on F^k(x) - x, steps halved where the gap does not fall; null where
 * it does not close to `tolerance`. It says which k is the least: a fixed point has 1. Cost of a step: k products of
 * n^2 by n, or with more than 128 dimensions GMRES.
 */
export const periodicOrbit = (
  map: IteratedMap,
  start: Float64Array,
  order: number,
  tolerance: number,
): PeriodicOrbit | null => {
  const n = map.dimension;
  const isDense = n <= DENSE_UP_TO;
  const run = matrix(order + 1, n);
  const gap = new Float64Array(n);
  /** The orbit of x into `run`; returns |F^k(x) - x|. */
  const gapOf = (x: Float64Array): number => {
    run.data.set(x);
    for (let t = 0; t < order; t++) {
      map.image(run.data.subarray(t * n, (t + 1) * n), run.data.subarray((t + 1) * n, (t + 2) * n), t);
    }
    let size = 0;
    for (let i = 0; i < n; i++) {
      gap[i] = run.data[order * n + i]! - x[i]!;
      size += gap[i]! * gap[i]!;
    }
    return Number.isFinite(size) ? Math.sqrt(size) : Infinity;
  };
  const scratch = new Float64Array(n);
  /** Directions along the orbit of the last x: M times each row. */
  const carried = (rows: Float64Array, count: number): Float64Array => {
    let from = rows;
    let to: Float64Array = new Float64Array(count * n);
    for (let t = 0; t < order; t++) {
      map.image(run.data.subarray(t * n, (t + 1) * n), scratch, t);
      map.tangent(from, count, to);
      [from, to] = [to, from];
    }
    return from;
  };
  const identity = (): Float64Array => {
    const rows = new Float64Array(n * n);
    for (let d = 0; d < n; d++) rows[d * n + d] = 1;
    return rows;
  };
  const jacobian = new Float64Array(isDense ? n * n : 0);
  const pivots = new Int32Array(n);
  const newtonStep = (): Float64Array | null => {
    if (!isDense) {
      const { solution, residual } = gmres(
        (v, out) => {
          // What is not finite ends the solution.
          const image = map.isCut?.() === true ? v.map(() => Number.NaN) : carried(v.slice(), 1);
          for (let i = 0; i < n; i++) out[i] = image[i]! - v[i]!;
        },
        gap.slice(),
        { tolerance: 1e-6, restart: 60, maxSteps: 120 },
      );
      return residual < 0.1 ? solution : null;
    }
    const images = carried(identity(), n);
    for (let i = 0; i < n; i++)
      for (let d = 0; d < n; d++) jacobian[i * n + d] = images[d * n + i]! - (i === d ? 1 : 0);
    if (factor(jacobian, n, pivots) === 0) return null;
    const p = gap.slice();
    solve(jacobian, n, pivots, p);
    return p;
  };
  let x = start.slice();
  let size = gapOf(x);
  let lastStep = Infinity;
  for (let step = 0; step < 30 && size < Infinity && map.isCut?.() !== true; step++) {
    const p = newtonStep();
    if (p === null) break;
    const before = size;
    const length = Math.hypot(...p);
    let isBetter = false;
    for (let halving = 0; halving < 8 && !isBetter; halving++) {
      const part = 0.5 ** halving;
      const trial = x.map((value, i) => value - part * p[i]!);
      const trialSize = gapOf(trial);
      if (trialSize >= before * (1 - 0.25 * part)) {
        if (before <= tolerance) break;
        continue;
      }
      isBetter = true;
      x = trial;
      size = trialSize;
      lastStep = part * length;
    }
    if (isBetter) continue;
    lastStep = Math.min(lastStep, length);
    gapOf(x);
    break;
  }
  if (!(size <= tolerance) || map.isCut?.() === true) return null;
  gapOf(x);
  const least =
    divisors(order).find((d) => {
      let distance = 0;
      for (let i = 0; i < n; i++) distance += (run.data[d * n + i]! - x[i]!) ** 2;
      return Math.sqrt(distance) <= 10 * tolerance;
    }) ?? order;
  if (least < order) return periodicOrbit(map, x, least, tolerance);

  const count = isDense ? n : LEADING;
  const M = matrix(n, isDense ? n : 0);
  if (isDense) {
    const images = carried(identity(), n);
    for (let d = 0; d < n; d++) for (let i = 0; i < n; i++) M.data[i * n + d] = images[d * n + i]!;
  }
  const growth = new Float64Array(count);
  const lower = new Float64Array(count * count);
  const { multipliers } = floquetSpectrum(
    n,
    count,
    (directions, width, onPiece) => {
      const image = new Float64Array(width * n);
      for (let t = 0; t < order && map.isCut?.() !== true; t++) {
        map.image(run.data.subarray(t * n, (t + 1) * n), scratch, t);
        map.tangent(directions, width, image);
        directions.set(image);
        orthonormaliseRows(directions, width, n, growth, lower);
        onPiece(lower, growth);
      }
    },
    isDense ? M : undefined,
  );
  if (map.isCut?.() === true) return null;
  return {
    order,
    orbit: { rows: order, columns: n, data: run.data.slice(0, order * n) },
    multipliers,
    isStable: multipliers.length > 0 && multipliers.every(({ logModulus }) => logModulus < 0),
    residual: size,
    lastStep,
  };
};
