import { type Matrix, matrix } from '@drnn/tensor';
import type { Budget } from './budget.js';
import { circleGuesses, circlesRound, ellipseAt, fociAt, type Focus } from './circle-branch.js';
import { type Cycle, cycleOnCurve } from './cycle.js';
import { type CurveEquations, resolvedCurve, unknownsOf } from './invariant-curve.js';
import type { IteratedMap } from './iterated-map.js';
import { factor, solve } from './lu.js';
import type { HeldNetwork } from './network.js';
import { orbitCurve } from './orbit-curve.js';

/** Circles that no run ends on, or on which none came to rest, by Newton's method. */
export interface CircleSearch {
  /**
   * Circles round a fixed point, a state of the map: those of which `isKnown` says so of some states near them are left out.
   * What it finds it hands to `take`.
   */
  round(point: Float64Array, isKnown: (nodes: Matrix) => boolean, take: (cycle: Cycle) => void): void;
  /** The circle that a state goes round near, or null. */
  along(state: Float64Array): Cycle | null;
  /** Places where circles were looked for, and those of which nothing can be said: it failed, or was too large or too dear. */
  readonly guesses: number;
  readonly unresolved: number;
}

/** Nodes of a first curve, systems that a branch solves, and those that a curve takes. */
const NODES = 17;
const ON_A_BRANCH = 50;
/** What a curve that is found wants to be resolved, in branches. */
const RESERVE = 6;
/** States of an ellipse that are compared with what is known. */
const COMPARED = 64;
/** Steps that are looked at. */
const RECORDED = 2000;
const BACKWARD = 3000;
/** Of its size: by how much the curve may be beside the state that it was found from. */
const BESIDE = 0.2;
/** Products of an eigenvalue problem, over n^3. */
const EIGEN = 60;

/** `work`: most products of numbers, of linear algebra, that it may take. `bound`: |x| of all states that are of interest. */
export const circleSearch = (
  held: HeldNetwork,
  map: IteratedMap,
  { work, bound, budget }: { readonly work: () => number; readonly bound: number; readonly budget: Budget },
): CircleSearch => {
  const n = held.units;
  let spent = 0;
  let guesses = 0;
  let unresolved = 0;
  const isOver = (): boolean => spent > work() || budget.over() !== null;
  const spend = (more: number): boolean => {
    spent += more;
    budget.spend(more);
    return isOver();
  };
  const equations: CurveEquations = { map, spend };
  /** What a branch is expected to take. */
  const branchWork = (ON_A_BRANCH * unknownsOf(n, NODES) ** 3) / 3;

  const resolved = (nodes: Matrix): Cycle | null => {
    const curve = resolvedCurve(equations, nodes);
    return curve === null ? null : cycleOnCurve(held, map, curve, budget);
  };
  const largest = (focus: Focus): number => {
    let least = Infinity;
    for (let i = 0; i < n; i++) {
      const reach = 2 * Math.hypot(focus.right.real[i]!, focus.right.imaginary[i]!);
      if (reach > 0.05) least = Math.min(least, (bound + Math.abs(focus.centre[i]!)) / reach);
    }
    return least;
  };
  const following = (focus: Focus, isKnown: (nodes: Matrix) => boolean, take: (cycle: Cycle) => void): void => {
    const most = largest(focus);
    if (!(most < Infinity)) return;
    const expected = circleGuesses(map, focus, most).filter(
      ({ amplitude, repels }) => repels || !isKnown(ellipseAt(focus, amplitude, COMPARED)),
    );
    if (expected.length === 0) return;
    guesses += expected.length;
    if (!(RESERVE * branchWork <= work() - spent)) {
      unresolved += expected.length;
      return;
    }
    const first = Math.min(...expected.map(({ amplitude }) => amplitude));
    const found = circlesRound(equations, focus, { first, most, wanted: expected.length + 1 });
    let taken = 0;
    for (const nodes of found) {
      if (isKnown(nodes)) continue;
      const cycle = resolved(nodes);
      if (cycle === null) continue;
      taken += 1;
      take(cycle);
    }
    unresolved += Math.max(0, expected.length - taken);
  };

  return {
    round: (point, isKnown, take) => {
      if (n < 2 || budget.over() !== null) return;
      if (!(EIGEN * n ** 3 + RESERVE * branchWork <= work() - spent)) {
        guesses += 1;
        unresolved += 1;
        return;
      }
      spend(EIGEN * n ** 3);
      let repelling = 0;
      for (const focus of fociAt(map, point)) {
        following(focus, isKnown, (cycle) => {
          if (!cycle.isStable) repelling += 1;
          take(cycle);
        });
      }
      if (n !== 2 || repelling > 0 || isOver()) return;
      // In the plane what repels attracts backward.
      const nodes = backwardCurve(map, point, bound);
      if (nodes === null || isKnown(nodes)) return;
      guesses += 1;
      const cycle = resolved(nodes);
      if (cycle === null) unresolved += 1;
      else take(cycle);
    },
    along: (state) => {
      if (n < 2 || unknownsOf(n, NODES) ** 3 / 3 > work() - spent) return null;
      const x = state.slice();
      const orbit = matrix(RECORDED, n);
      const next = new Float64Array(n);
      for (let t = 0; t < RECORDED; t++) {
        orbit.data.set(x, t * n);
        map.image(x, next, t);
        x.set(next);
      }
      if (map.isCut?.() === true) return null;
      const nodes = orbitCurve(orbit);
      if (nodes === null) return null;
      guesses += 1;
      const curve = resolvedCurve(equations, nodes);
      const cycle = curve === null ? null : cycleOnCurve(held, map, curve, budget);
      if (cycle === null || curve === null) {
        unresolved += 1;
        return null;
      }
      const at = new Float64Array(n);
      curve.curve.at(curve.curve.nearest(x), at);
      const away = Math.hypot(...at.map((value, i) => value - x[i]!));
      return away <= BESIDE * Math.hypot(...cycle.amplitude) ? cycle : null;
    },
    get guesses() {
      return guesses;
    },
    get unresolved() {
      return unresolved;
    },
  };
};

/** F^-1, by Newton's method from x itself: out, or false. */
const inverseStep = (map: IteratedMap, x: Float64Array, out: Float64Array): boolean => {
  const n = map.dimension;
  const J = new Float64Array(n * n);
  const pivots = new Int32Array(n);
  const gap = new Float64Array(n);
  out.set(x);
  for (let step = 0; step < 20; step++) {
    map.image(out, gap, 0);
    let size = 0;
    for (let i = 0; i < n; i++) {
      gap[i]! -= x[i]!;
      size = Math.max(size, Math.abs(gap[i]!));
    }
    if (!(size < Infinity)) return false;
    if (size < 1e-13) return true;
    map.jacobian(J);
    if (factor(J, n, pivots) === 0) return false;
    solve(J, n, pivots, gap);
    for (let i = 0; i < n; i++) out[i]! -= gap[i]!;
  }
  return false;
};

/** The closed curve that an orbit of the inverse map, from beside a point, comes to; null where it leaves. */
const backwardCurve = (map: IteratedMap, point: Float64Array, bound: number): Matrix | null => {
  const n = map.dimension;
  const x = point.map((value, i) => value + (i === 0 ? 0.02 * bound : 0));
  const before = new Float64Array(n);
  const orbit = matrix(RECORDED, n);
  for (let t = 0; t < BACKWARD + RECORDED; t++) {
    if (map.isCut?.() === true || !inverseStep(map, x, before)) return null;
    x.set(before);
    if (x.some((value) => Math.abs(value) > 1.5 * bound)) return null;
    if (t >= BACKWARD) orbit.data.set(x, (t - BACKWARD) * n);
  }
  return orbitCurve(orbit);
};
