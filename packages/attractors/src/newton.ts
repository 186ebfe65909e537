import type { Equations } from './equations.js';
import { factor, solve } from './lu.js';

/** Where the arrays of a search lie; made once for all of its seeds. */
export interface NewtonSpace {
  readonly g: Float64Array;
  readonly jacobian: Float64Array;
  readonly pivots: Int32Array;
}

export const newtonSpace = (order: number): NewtonSpace => ({
  g: new Float64Array(order),
  jacobian: new Float64Array(order * order),
  pivots: new Int32Array(order),
});

/** Says of a state whether Newton's method is known to lead to a root that is known: its index, or -1. */
export type Attraction = (x: Float64Array) => number;

/** A search ended at a known root (its index), at a state whose residual is at its floor, or failed. */
export const CONVERGED = -1;
export const FAILED = -2;

/** p <- J^-1 p, or false where J is singular. */
export type LinearSolve = (equations: Equations, p: Float64Array, size: number) => boolean;

/** By LU, up to a few hundred unknowns. */
export const directSolve =
  ({ jacobian, pivots }: NewtonSpace): LinearSolve =>
  (equations, p) => {
    equations.jacobian(jacobian);
    if (factor(jacobian, equations.order, pivots) === 0) return false;
    solve(jacobian, equations.order, pivots, p);
    return true;
  };

export interface NewtonOptions {
  /** Most steps; default 60. */
  readonly limit?: number;
  /** Longest step, in |x|. */
  readonly cap: number;
  /** The residual |G| that counts as a root. */
  readonly tolerance: number;
  readonly linearSolve: LinearSolve;
  readonly attraction: Attraction;
  /** Whether to give up, FAILED: the time is up. */
  readonly isLate?: () => boolean;
}

/**
 * Newton's method from x, in place: x <- x - min(1, cap / |p|) p with J p = G, kept in the cube. There is no line search,
 * so that it leaves local minima of |G| by jumps. It goes on to the floor of rounding once it has converged. Returns the
 * index of a known root, `CONVERGED` or `FAILED`. Cost of a step: one LU, 2/3 n^3.
 */
export const cappedNewton = (
  equations: Equations,
  x: Float64Array,
  { g }: NewtonSpace,
  { limit = 60, cap, tolerance, linearSolve, attraction, isLate }: NewtonOptions,
): number => {
  const n = equations.order;
  let size = equations.residual(x, g);
  for (let step = 0; step < limit; step++) {
    const known = attraction(x);
    if (known >= 0) return known;
    if (size <= tolerance) return finish(equations, x, g, size, linearSolve);
    if (isLate?.() === true || !linearSolve(equations, g, size)) return FAILED;
    let length = 0;
    for (let i = 0; i < n; i++) length += g[i]! * g[i]!;
    const scale = Math.min(1, cap / Math.sqrt(length));
    if (!(scale > 0)) return FAILED;
    for (let i = 0; i < n; i++) x[i]! -= scale * g[i]!;
    equations.contain(x);
    size = equations.residual(x, g);
  }
  return size <= tolerance ? finish(equations, x, g, size, linearSolve) : FAILED;
};

/** Steps while the residual still falls to less than half: at most eight. */
const finish = (
  equations: Equations,
  x: Float64Array,
  g: Float64Array,
  start: number,
  linearSolve: LinearSolve,
): number => {
  const best = x.slice();
  let smallest = start;
  for (let step = 0; step < 8 && smallest > 0; step++) {
    if (!linearSolve(equations, g, smallest)) break;
    for (let i = 0; i < x.length; i++) x[i]! -= g[i]!;
    equations.contain(x);
    const size = equations.residual(x, g);
    if (!(size < smallest)) break;
    const isSmall = size > smallest / 2;
    smallest = size;
    best.set(x);
    if (isSmall) break;
  }
  x.set(best);
  return CONVERGED;
};
