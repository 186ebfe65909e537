import { eigenvalues } from '@drnn/linalg';
import { failure, firstNonFinite, type Matrix, matrix } from '@drnn/tensor';
import { currentsOf } from './currents.js';
import { directEquations, type Equations } from './equations.js';
import { jacobianAt } from './linearisation.js';
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

/**
 * Where the stability of a point of the branch changes: `flip`, a multiplier passes -1 (a cycle of two steps begins or
 * ends), `neimark-sacker`, a pair passes the unit circle (a closed curve does), `branch`, one passes 1 without a fold
 * (other fixed points come off: a pitchfork, or a crossing of two branches).
 */
export interface Bifurcation extends BranchPoint {
  readonly kind: 'flip' | 'neimark-sacker' | 'branch';
  /** The multiplier that passes; of a pair the one above the axis. */
  readonly multiplier: readonly [re: number, im: number];
  /** Steps of a turn of a `neimark-sacker`, 2 pi / arg mu; 2 of a flip, 1 of a branch. */
  readonly period: number;
}

export interface Branch {
  /** The branch, from the start on. */
  readonly path: readonly BranchPoint[];
  /** Changes of stability other than folds, in order; null unless they were asked for. */
  readonly bifurcations: readonly Bifurcation[] | null;
  /** Where it turns back in s: two fixed points meet there and vanish beyond. */
  readonly folds: readonly BranchPoint[];
  /** `reached`: s = 1. `returned`: it turned and came back below s = 0. `steps`: the steps were spent. */
  readonly end: 'reached' | 'returned' | 'steps';
}

export interface BranchOptions {
  /** Whether multipliers are followed too, an eigenproblem a step. Default false. */
  readonly bifurcations?: boolean;
  /** Longest step of arclength in (r, s); default 0.05 sqrt(N). */
  readonly step?: number;
  /** Most steps; default 2000. */
  readonly limit?: number;
}

export interface ContinuationOptions extends BranchOptions {
  /** u `[input]` at the start and at the end. */
  readonly from: ArrayLike<number>;
  readonly to: ArrayLike<number>;
}

export interface NetworkContinuationOptions extends BranchOptions {
  /** u `[input]`, held, of the first network and of the other. Default 0, and the same. */
  readonly input?: ArrayLike<number>;
  readonly otherInput?: ArrayLike<number>;
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
 * The equations of the branch: G(r, s) = 0 with W(s) = W0 + s (W1 - W0), c(s) alike, and a row that fixes where along it.
 * The arrays that the network's equations read are set to W(s) and c(s).
 */
const branchEquations = (held: HeldNetwork, end: HeldNetwork) => {
  const n = held.units;
  const order = n + 1;
  const start = held.drive.slice();
  const drive = held.drive.slice();
  const change = end.drive.map((value, i) => value - start[i]!);
  const difference: Matrix = matrix(
    n,
    n,
    end.W.data.map((value, i) => value - held.W.data[i]!),
  );
  const isSameW = difference.data.every((value) => value === 0);
  const W = isSameW ? held.W : matrix(n, n, held.W.data.slice());
  const moving: HeldNetwork = { ...held, W, drive };
  const equations: Equations = directEquations(moving, 1);
  const { jacobian: inner } = newtonSpace(n);
  const { g, jacobian, pivots } = newtonSpace(order);
  const slope = new Float64Array(n);
  /** dz/ds = dW r + dc. */
  const pull = change.slice();
  const moveTo = (s: number): void => {
    for (let i = 0; i < n; i++) drive[i] = start[i]! + s * change[i]!;
    if (!isSameW) for (let i = 0; i < n * n; i++) W.data[i] = held.W.data[i]! + s * difference.data[i]!;
  };
  const residual = (point: Float64Array): number => {
    moveTo(point[n]!);
    const r = point.subarray(0, n);
    if (!isSameW) currentsOf(difference.data, n, n, r, change, pull);
    const size = equations.residual(r, g.subarray(0, n));
    // G = r - tanh z, so that tanh z is r - G.
    for (let i = 0; i < n; i++) slope[i] = 1 - (r[i]! - g[i]!) ** 2;
    return size;
  };
  /** All multipliers of the map at a point of the branch. */
  const multipliersAt = (point: Float64Array): readonly (readonly [number, number])[] => {
    moveTo(point[n]!);
    const { real, imaginary } = eigenvalues(jacobianAt(moving, point.slice(0, n)));
    return Array.from(real, (re, k) => [re, imaginary[k]!] as const);
  };
  /** [J, -D dz/ds; row], factored; false where it is singular. */
  const bordered = (row: Float64Array): boolean => {
    equations.jacobian(inner);
    for (let i = 0; i < n; i++) {
      jacobian.set(inner.subarray(i * n, (i + 1) * n), i * order);
      jacobian[i * order + n] = -slope[i]! * pull[i]!;
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
  return { tangentAt, advance, multipliersAt };
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
  { from, to, ...options }: ContinuationOptions,
): Branch => follow(holdInput(network, from), holdInput(network, to), state, options);

/**
 * The same from one network to another, W and the drive both on the straight way between them: a gain that grows (`other`
 * with 2 W), a bias, weights that are scaled or cut, a fit instead of its generator. Both share alpha and the form.
 */
export const continueToNetwork = (
  network: AttractorNetwork,
  other: AttractorNetwork,
  state: Float64Array,
  { input, otherInput = input, ...options }: NetworkContinuationOptions = {},
): Branch => {
  const start = holdInput(network, input);
  const end = holdInput(other, otherInput);
  const isSame =
    end.units === start.units && end.form === start.form && end.alpha.every((a, i) => a === start.alpha[i]);
  if (!isSame) {
    throw failure({
      path: 'other',
      seen: `${end.units} units, the ${end.form} form`,
      expected: `${start.units} units of the same alpha, the ${start.form} form`,
    });
  }
  return follow(start, end, state, options);
};

const follow = (
  held: HeldNetwork,
  end: HeldNetwork,
  state: Float64Array,
  { step, limit = 2000, bifurcations: isWanted = false }: BranchOptions,
): Branch => {
  const n = held.units;
  if (state.length !== n || firstNonFinite(state) >= 0) {
    throw failure({ path: 'state', seen: `[${state.length}]`, expected: `[unit=${n}], finite numbers` });
  }
  const { tangentAt, advance, multipliersAt } = branchEquations(held, end);
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
  const crossings: Bifurcation[] | null = isWanted ? [] : null;
  let multipliers = isWanted ? multipliersAt(first.at) : [];
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
    const isFold = now.tangent[n]! * next.tangent[n]! < 0;
    if (isFold) {
      const fold = foldBetween(now, length, n, advance);
      if (fold !== null) folds.push(pointOf(fold));
    }
    if (crossings !== null) {
      const after = multipliersAt(next.at);
      for (const kind of passing(multipliers, after)) {
        // At a fold a multiplier passes 1 as well.
        const found =
          kind === 'branch' && isFold ? null : bifurcationBetween(kind, now, length, { advance, multipliersAt });
        if (found !== null) crossings.push(found);
      }
      multipliers = after;
    }
    now = next;
    path.push(pointOf(now));
    if (now.at[n]! >= 1) return { path, folds, bifurcations: crossings, end: 'reached' };
    if (now.at[n]! < 0) return { path, folds, bifurcations: crossings, end: 'returned' };
    length = Math.min(longest, 1.5 * length);
  }
  return { path, folds, bifurcations: crossings, end: 'steps' };
};

type Multipliers = readonly (readonly [re: number, im: number])[];

const kinds = ['flip', 'neimark-sacker', 'branch'] as const;

/** Whether a multiplier could pass the unit circle in this way. */
const isOf = (kind: Bifurcation['kind'], [re, im]: readonly [number, number]): boolean =>
  kind === 'neimark-sacker' ? im > 0 : im === 0 && (kind === 'flip' ? re < 0 : re > 0);

/** How many are outside the unit circle. */
const outside = (kind: Bifurcation['kind'], multipliers: Multipliers): number =>
  multipliers.filter((mu) => isOf(kind, mu) && Math.hypot(...mu) > 1).length;

const passing = (before: Multipliers, after: Multipliers): readonly Bifurcation['kind'][] =>
  kinds.filter((kind) => outside(kind, before) !== outside(kind, after));

/**
 * Where the number outside changes, by bisection: the point, and the multiplier nearest to the circle there. Null where none is on it there: outside the circle, a pair can become two real ones, or the other way.
 */
const bifurcationBetween = (
  kind: Bifurcation['kind'],
  from: OnBranch,
  length: number,
  { advance, multipliersAt }: Pick<ReturnType<typeof branchEquations>, 'advance' | 'multipliersAt'>,
): Bifurcation | null => {
  const at = (part: number) => {
    const point = advance(from, part);
    if (point === null) return null;
    const multipliers = multipliersAt(point.at);
    const near = multipliers
      .filter((mu) => isOf(kind, mu))
      .reduce<readonly [number, number] | null>(
        (best, mu) =>
          best === null || Math.abs(Math.hypot(...mu) - 1) < Math.abs(Math.hypot(...best) - 1) ? mu : best,
        null,
      );
    return { point, near, count: outside(kind, multipliers) };
  };
  const excess = ({ near }: { readonly near: readonly [number, number] | null }): number =>
    near === null ? Infinity : Math.hypot(...near) - 1;
  let [low, high] = [0, length];
  let [below, above] = [at(low), at(high)];
  if (below === null || above === null) return null;
  for (let round = 0; round < 60 && high - low > 1e-15 * length; round++) {
    const part = (low + high) / 2;
    const middle = at(part);
    // At a pitchfork itself the branch has no tangent; what is left of the interval is crossed in a straight line.
    if (middle === null) break;
    if (middle.count === below.count) [low, below] = [part, middle];
    else [high, above] = [part, middle];
    if (Math.abs(excess(middle)) < 1e-14) break;
  }
  const nearer = Math.abs(excess(below)) < Math.abs(excess(above)) ? below : above;
  const multiplier = nearer.near;
  if (multiplier === null || Math.abs(excess(nearer)) > 1e-6) return null;
  const way = excess(above) - excess(below);
  const share = Number.isFinite(way) && way !== 0 ? Math.min(1, Math.max(0, -excess(below) / way)) : 0.5;
  const [p, q] = [below.point.at, above.point.at];
  const point = p.map((value, i) => value + share * (q[i]! - value));
  const n = point.length - 1;
  const turn = Math.abs(Math.atan2(multiplier[1], multiplier[0]));
  return {
    kind,
    state: point.slice(0, n),
    position: point[n]!,
    multiplier,
    period: kind === 'branch' ? 1 : (2 * Math.PI) / turn,
  };
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
