import { failure, firstNonFinite } from '@drnn/tensor';
import { directEquations, type Equations } from './equations.js';
import { factor, solve } from './lu.js';
import { type AttractorNetwork, type HeldNetwork, holdInput } from './network.js';
import { newtonSpace } from './newton.js';

/** A fixed point at a held input between two. */
export interface BranchPoint {
  /** Rates `[unit]`. */
  readonly state: Float64Array;
  /** s: the input is that at the start + s (that at the end - that at the start). */
  readonly position: number;
}

export interface Branch {
  /** The branch, from the start on. */
  readonly path: readonly BranchPoint[];
  /** Where it turns back in s: two fixed points meet there and vanish beyond. */
  readonly folds: readonly BranchPoint[];
  /** `reached`: s = 1. `returned`: it turned and came back below s = 0. `steps`: the steps were spent. */
  readonly end: 'reached' | 'returned' | 'steps';
}

export interface ContinuationOptions {
  /** u `[input]` at the start and at the end. */
  readonly from: ArrayLike<number>;
  readonly to: ArrayLike<number>;
  /** Longest step of arclength in (r, s); default 0.05 sqrt(N). */
  readonly step?: number;
  /** Most steps; default 2000. */
  readonly limit?: number;
}

/** Newton's steps of a corrector; where they do not suffice the step is halved. */
const CORRECTIONS = 12;
/** |G| / sqrt N of a point of the branch. */
const TOLERANCE = 1e-13;

/** (r, s) with its unit tangent, in one array each: `[unit + 1]`. */
interface OnBranch {
  readonly at: Float64Array;
  readonly tangent: Float64Array;
}

/**
 * The equations of the branch: G(r, s) = 0 with c(s) = c0 + s (c1 - c0), and a row that fixes where along it. `drive` is
 * the array that the network's equations read, and is set to c(s).
 */
const branchEquations = (held: HeldNetwork, change: Float64Array) => {
  const n = held.units;
  const order = n + 1;
  const start = held.drive.slice();
  const drive = held.drive.slice();
  const equations: Equations = directEquations({ ...held, drive }, 1);
  const { jacobian: inner } = newtonSpace(n);
  const { g, jacobian, pivots } = newtonSpace(order);
  const slope = new Float64Array(n);
  const residual = (at: Float64Array): number => {
    for (let i = 0; i < n; i++) drive[i] = start[i]! + at[n]! * change[i]!;
    const r = at.subarray(0, n);
    const size = equations.residual(r, g.subarray(0, n));
    // G = r - tanh z, so that tanh z is r - G.
    for (let i = 0; i < n; i++) slope[i] = 1 - (r[i]! - g[i]!) ** 2;
    return size;
  };
  /** [J, -D dc; row], factored; false where it is singular. */
  const bordered = (row: Float64Array): boolean => {
    equations.jacobian(inner);
    for (let i = 0; i < n; i++) {
      jacobian.set(inner.subarray(i * n, (i + 1) * n), i * order);
      jacobian[i * order + n] = -slope[i]! * change[i]!;
    }
    jacobian.set(row, n * order);
    return factor(jacobian, order, pivots) !== 0;
  };
  /** The unit tangent at a point of the branch that goes on as `before` does. */
  const tangentAt = (at: Float64Array, before: Float64Array): Float64Array | null => {
    residual(at);
    if (!bordered(before)) return null;
    const tangent = new Float64Array(order);
    tangent[n] = 1;
    solve(jacobian, order, pivots, tangent);
    const length = Math.hypot(...tangent);
    return Number.isFinite(length) && length > 0 ? tangent.map((value) => value / length) : null;
  };
  /** The point of the branch on the plane that `length` along the tangent is normal to it. */
  const advance = ({ at: from, tangent }: OnBranch, length: number): OnBranch | null => {
    const at = from.map((value, i) => value + length * tangent[i]!);
    for (let correction = 0; correction < CORRECTIONS; correction++) {
      const size = residual(at);
      if (!Number.isFinite(size)) return null;
      if (size <= TOLERANCE * Math.sqrt(n)) {
        const next = tangentAt(at, tangent);
        // A corrector that jumped to another branch turns sharply.
        return next === null || next.reduce((sum, value, i) => sum + value * tangent[i]!, 0) < 0.8
          ? null
          : { at, tangent: next };
      }
      if (!bordered(tangent)) return null;
      g[n] = at.reduce((sum, value, i) => sum + tangent[i]! * (value - from[i]!), 0) - length;
      solve(jacobian, order, pivots, g);
      for (let i = 0; i < order; i++) at[i]! -= g[i]!;
    }
    return null;
  };
  return { tangentAt, advance };
};

/**
 * Follows a fixed point as the held input goes from one value to another, around folds, by pseudo-arclength continuation
 * (Keller 1977): a step along the tangent, then Newton's method in the plane normal to it. At a fold ds along the branch
 * is 0, found by the secant method, so that its s is known to rounding and its state to about the root of it. Cost: some
 * four LU factors of N + 1 a step. Errors: those of the network; a state that is not `[unit]` or no fixed point at the
 * start.
 */
export const continueFixedPoint = (
  network: AttractorNetwork,
  state: Float64Array,
  { from, to, step, limit = 2000 }: ContinuationOptions,
): Branch => {
  const held = holdInput(network, from);
  const end = holdInput(network, to);
  const n = held.units;
  if (state.length !== n || firstNonFinite(state) >= 0) {
    throw failure({ path: 'state', seen: `[${state.length}]`, expected: `[unit=${n}], finite numbers` });
  }
  const change = end.drive.map((value, i) => value - held.drive[i]!);
  const { tangentAt, advance } = branchEquations(held, change);
  const at = new Float64Array(n + 1);
  at.set(state);
  const forward = new Float64Array(n + 1);
  forward[n] = 1;
  const tangent = tangentAt(at, forward);
  const first = tangent === null ? null : advance({ at, tangent }, 0);
  if (first === null || Math.hypot(...first.at.map((value, i) => value - at[i]!)) > 1e-3 * Math.sqrt(n)) {
    throw failure({
      path: 'state',
      seen: 'a state that the network leaves',
      expected: 'a fixed point at the first input',
    });
  }
  const pointOf = ({ at: point }: OnBranch): BranchPoint => ({ state: point.slice(0, n), position: point[n]! });
  const path = [pointOf(first)];
  const folds: BranchPoint[] = [];
  const longest = step ?? 0.05 * Math.sqrt(n);
  let length = longest / 4;
  let now = first;
  for (let k = 0; k < limit; k++) {
    const next = advance(now, length);
    if (next === null) {
      length /= 2;
      if (length < 1e-10) break;
      continue;
    }
    if (now.tangent[n]! * next.tangent[n]! < 0) {
      const fold = foldBetween(now, length, n, advance);
      if (fold !== null) folds.push(pointOf(fold));
    }
    now = next;
    path.push(pointOf(now));
    if (now.at[n]! >= 1) return { path, folds, end: 'reached' };
    if (now.at[n]! < 0) return { path, folds, end: 'returned' };
    length = Math.min(longest, 1.5 * length);
  }
  return { path, folds, end: 'steps' };
};

/** ds of the tangent is 0 between `from` and `length` on: bisection and secant steps by turns. */
const foldBetween = (
  from: OnBranch,
  length: number,
  n: number,
  advance: (from: OnBranch, length: number) => OnBranch | null,
): OnBranch | null => {
  let [low, high] = [0, length];
  let below = from.tangent[n]!;
  let above = advance(from, length)?.tangent[n] ?? -below;
  let best: OnBranch | null = null;
  for (let round = 0; round < 80 && high - low > 1e-12 * length; round++) {
    const secant = low + ((high - low) * below) / (below - above);
    const middle = advance(from, round % 2 === 0 && secant > low && secant < high ? secant : (low + high) / 2);
    if (middle === null) return best;
    const value = middle.tangent[n]!;
    if (best === null || Math.abs(value) < Math.abs(best.tangent[n]!)) best = middle;
    if (Math.abs(value) < 1e-9) break;
    const place = round % 2 === 0 && secant > low && secant < high ? secant : (low + high) / 2;
    if (value * below > 0) [low, below] = [place, value];
    else [high, above] = [place, value];
  }
  return best;
};
