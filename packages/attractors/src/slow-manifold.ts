import { eigenvalues, lu, luSolveInPlace } from '@drnn/linalg';
import { fillGaussian, randomStream, uniform } from '@drnn/simulator';
import { failure, firstNonFinite, type Issue, type Matrix, matrix, refuse } from '@drnn/tensor';
import { currentsOf } from './currents.js';
import { distance } from './distance.js';
import { type FixedPoint, fixedPoints } from './fixed-points.js';
import { jacobianAt } from './linearisation.js';
import { type AttractorNetwork, type HeldNetwork, holdInput } from './network.js';
import {
  arclength,
  inOrder,
  isRing,
  nearestOn,
  onPlane,
  resample,
  rowOf,
  smoothed,
  tangents,
} from './polygon-through-states.js';

export interface SlowManifoldOptions {
  /** u `[input]`, held. Default 0. */
  readonly input?: ArrayLike<number>;
  /** Rates `[start, unit]` near the manifold, states of the delay of a task for instance. Default random ones. */
  readonly starts?: Matrix;
  /** Random starts. Default 256. */
  readonly seeds?: number;
  /** Default 1. */
  readonly seed?: number;
  /** `line` has two ends, `ring` none. Default `auto`: a ring where states lie all round an empty middle. */
  readonly topology?: 'line' | 'ring' | 'auto';
  /** States by which the manifold is described. Default 64. */
  readonly knots?: number;
  /** Time constants of a trial, in which a memory must hold. Default 50. */
  readonly trial?: number;
}

/** A fixed point on the manifold. */
export interface PointOnManifold {
  readonly point: FixedPoint;
  /** Where: arclength from the first knot, and the distance from the curve through the knots. */
  readonly position: number;
  readonly distance: number;
  /** lambda - 1 of D W, per time constant, along the manifold: above 0 states leave it, below they come to it. */
  readonly tangentialRate: number;
}

/**
 * `continuum`: drift too small to be told from rounding. `continuous`: states drift in a trial by less than a tenth of the
 * distance between stable points. `discrete`: by more than all of it, so that only the stable points are remembered.
 * `intermediate`: in between. `none`: motion along the curve is not slower than motion towards it by three times, or all
 * states go to one point.
 */
export type SlowManifoldKind = 'continuum' | 'continuous' | 'intermediate' | 'discrete' | 'none';

export interface SlowManifold {
  readonly kind: SlowManifoldKind;
  readonly topology: 'line' | 'ring';
  /** Rates on the manifold, in order, about equally spaced `[knot, unit]`, and the arclength of each `[knot]`. */
  readonly knots: Matrix;
  readonly positions: Float64Array;
  readonly length: number;
  /** Speed along the curve at each knot, per time constant `[knot]`: t' (F(r) - r) / a with the unit tangent t. */
  readonly drift: Float64Array;
  /** Speed across it, the same way: of a curve that is invariant it is small beside what leads back. */
  readonly across: Float64Array;
  /** Drift's changes of sign, by interpolation: positions, and whether states come to them. */
  readonly zeros: readonly { readonly position: number; readonly isStable: boolean }[];
  /** Fixed points within a knot's spacing of the curve, from a search begun at the knots. */
  readonly points: readonly PointOnManifold[];
  /**
   * At the knots: the largest |ln mu| along the manifold, the smallest -ln mu of motion towards it, and the ratio of the
   * second to the first, which must be above 3 for a manifold that persists under small changes of the network.
   */
  readonly tangentialRate: number;
  readonly normalRate: number;
  readonly separation: number;
  readonly memory: SlowManifoldMemory;
}

export interface SlowManifoldMemory {
  /** V = max |drift| and its mean: an error grows by no more than V for each time constant. */
  readonly fastest: number;
  readonly mean: number;
  /** Trials, 1, 2, 5 and 10, and the mean and largest distance from where it began after each `[4]`. */
  readonly trials: Float64Array;
  readonly meanError: Float64Array;
  readonly largestError: Float64Array;
  /** Bits by which the stable points on it tell where a state began, weighted by arclength; null on a continuum. */
  readonly capacity: number | null;
  /** The mean distance between stable points along the curve; null with fewer than two. */
  readonly spacing: number | null;
  /** Of white noise of variance 1 in the rates at each step: the variance along the manifold that it adds a step. */
  readonly diffusion: number;
}

const MOST_SETTLING = 100_000;
/** Drift along the curve, per time constant, that rounding cannot be told from. */
const ROUNDING = 1e-10;

const stepper = ({ units: n, W, drive, alpha }: HeldNetwork) => {
  const z = new Float64Array(n);
  /** One step of the rate form, in place. */
  return (r: Float64Array): void => {
    currentsOf(W.data, n, n, r, drive, z);
    for (let i = 0; i < n; i++) r[i]! += alpha[i]! * (Math.tanh(z[i]!) - r[i]!);
  };
};

/** -1 / ln|mu| of all multipliers at rates, longest first. */
const timeConstants = (held: HeldNetwork, rates: Float64Array): readonly number[] => {
  const { real, imaginary } = eigenvalues(jacobianAt(held, rates));
  return Array.from(real, (re, k) => Math.hypot(re, imaginary[k]!))
    .map((modulus) => (modulus === 0 ? 0 : 1 / Math.abs(Math.log(modulus))))
    .toSorted((a, b) => b - a);
};

/** Random states of the cube, and images tanh(g W x + c) of such, by turns. */
const randomStarts = (held: HeldNetwork, count: number, seed: number): Matrix => {
  const { units: n, W, drive } = held;
  const stream = randomStream(seed, 'slow-manifold');
  const starts = matrix(count, n);
  const x = new Float64Array(n);
  for (let k = 0; k < count; k++) {
    const generator = stream(k);
    const row = rowOf(starts, k);
    if (k % 4 === 0) for (let i = 0; i < n; i++) row[i] = 2 * uniform(generator) - 1;
    else {
      fillGaussian(generator, 1, x);
      currentsOf(W.data, n, n, x, null, row);
      const size = Math.hypot(...row);
      const gain = size === 0 ? 0 : (3 * uniform(generator) * Math.sqrt(n)) / size;
      for (let i = 0; i < n; i++) row[i] = Math.tanh(gain * row[i]! + drive[i]!);
    }
  }
  return starts;
};

/** What a curve through states says at each knot. */
interface AtKnot {
  readonly drift: number;
  readonly across: number;
  readonly tangential: number;
  readonly normal: number;
  readonly diffusion: number;
}

/**
 * t'F(r) - r along and across, ln mu along, the radius of P J P across, and |l|^2 of the left direction with l't = 1.
 * J' is applied to l until it settles: along the manifold it is the slowest direction.
 */
const atKnot = (held: HeldNetwork, r: Float64Array, t: Float64Array): AtKnot => {
  const n = held.units;
  const next = r.slice();
  stepper(held)(next);
  let drift = 0;
  for (let i = 0; i < n; i++) drift += (t[i]! * (next[i]! - r[i]!)) / held.alpha[i]!;
  let across = 0;
  for (let i = 0; i < n; i++) across += ((next[i]! - r[i]!) / held.alpha[i]! - drift * t[i]!) ** 2;
  const J = jacobianAt(held, r);
  const Jt = new Float64Array(n);
  currentsOf(J.data, n, n, t, null, Jt);
  const along = t.reduce((sum, value, i) => sum + value * Jt[i]!, 0);
  // (I - t t') J (I - t t').
  const tJ = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) tJ[j]! += t[i]! * J.data[i * n + j]!;
  const normal = matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      normal.data[i * n + j] = J.data[i * n + j]! - t[i]! * tJ[j]! - Jt[i]! * t[j]! + along * t[i]! * t[j]!;
    }
  }
  const { real, imaginary } = eigenvalues(normal, { order: 'modulus' });
  let l = t.slice();
  for (let k = 0; k < 200; k++) {
    const pulled = new Float64Array(n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) pulled[j]! += l[i]! * J.data[i * n + j]!;
    const overlap = pulled.reduce((sum, value, i) => sum + value * t[i]!, 0);
    if (!(Math.abs(overlap) > 0)) break;
    const scaled = pulled.map((value) => value / overlap);
    const isSettled = distance(scaled, l) < 1e-12;
    l = scaled;
    if (isSettled) break;
  }
  return {
    drift,
    across: Math.sqrt(across),
    tangential: Math.log(Math.abs(along)),
    normal: n === 1 ? -Infinity : Math.log(Math.hypot(real[0]!, imaginary[0]!)),
    diffusion: l.reduce((sum, value) => sum + value * value, 0),
  };
};

const checkOptions = ({ units }: HeldNetwork, { starts, knots, seeds, trial, topology }: SlowManifoldOptions): void => {
  const whole = (path: string, value: number | undefined, least: number): readonly Issue[] =>
    value === undefined || (Number.isSafeInteger(value) && value >= least)
      ? []
      : [{ path, seen: `${value}`, expected: `a whole number, ${least} or more` }];
  refuse([
    ...whole('knots', knots, 8),
    ...whole('seeds', seeds, 8),
    ...(trial === undefined || trial > 0 ? [] : [{ path: 'trial', seen: `${trial}`, expected: 'above 0' }]),
    ...(topology === undefined || ['line', 'ring', 'auto'].includes(topology)
      ? []
      : [{ path: 'topology', seen: String(topology), expected: 'line, ring or auto' }]),
    ...(starts === undefined || (starts.columns === units && starts.rows >= 8 && firstNonFinite(starts.data) < 0)
      ? []
      : [
          {
            path: 'starts',
            seen: `[${starts.rows}, ${starts.columns}]`,
            expected: `[start, unit=${units}], 8 or more, finite numbers`,
          },
        ]),
  ]);
};

/**
 * A line or ring of states along which a network moves far more slowly than towards it: a continuous attractor, or what is
 * left of one (Sagodi et al. 2024). From starts the network runs for five times the second slowest time constant, by which
 * what is across the manifold is gone; the states, in order, are resampled at equal arclength and run on for as long, so
 * that the knots lie on the manifold. Then the drift along it, the separation of rates, its fixed points, and what it does
 * to a memory. Rates throughout; in the current form they are those of the filtered state, whose fixed points and rates of
 * change along the manifold are the same. Cost: an eigenproblem a knot, and runs of ten trials. Errors: those of the network
 * and the options; a network whose states all come together.
 */
export const slowManifold = (network: AttractorNetwork, options: SlowManifoldOptions = {}): SlowManifold => {
  const held: HeldNetwork = { ...holdInput(network, options.input), form: 'rate' };
  checkOptions(held, options);
  const { units: n } = held;
  const step = stepper(held);
  const slowest = held.alpha.reduce((least, a) => Math.min(least, a), 1);
  const states =
    options.starts === undefined
      ? randomStarts(held, options.seeds ?? 256, options.seed ?? 1)
      : matrix(options.starts.rows, n, options.starts.data.slice());
  const run = (all: Matrix, steps: number): void => {
    for (let k = 0; k < all.rows; k++) for (let t = 0; t < steps; t++) step(rowOf(all, k));
  };
  run(states, Math.ceil(20 / slowest));
  const speeds = Array.from({ length: states.rows }, (_, k) => {
    const next = rowOf(states, k).slice();
    step(next);
    return distance(next, rowOf(states, k));
  });
  const stillest = speeds.indexOf(Math.min(...speeds));
  const gap = timeConstants(held, rowOf(states, stillest))[1] ?? 0;
  const settle = Math.min(MOST_SETTLING, Math.ceil(5 * Math.min(gap, 1000 / slowest)));
  run(states, settle);

  const isClosed = options.topology === 'ring' || (options.topology !== 'line' && n > 1 && isRing(onPlane(states)));
  const sorted = inOrder(states, isClosed);
  if (!(arclength(sorted, false).positions.at(-1)! > 1e-6 * Math.sqrt(n))) {
    throw failure({
      path: 'starts',
      seen: 'states that all come together in one point',
      expected: 'a line or ring that states creep along',
      hint: 'see fixedPoints for the point',
    });
  }
  const count = options.knots ?? 64;
  let knots = resample(smoothed(sorted, isClosed, count), isClosed, count);
  // Twice: the first time takes the knots to the manifold, the second evens out what drift did to their spacing.
  for (let round = 0; round < 2; round++) {
    run(knots, Math.min(settle, Math.ceil(20 / slowest)));
    knots = resample(isClosed ? knots : inOrder(knots, false), isClosed, count);
  }
  // What is off the manifold falls below rounding, unless the knots drift together before.
  const chunk = Math.max(1, Math.ceil(Math.min(gap, 1000 / slowest)));
  const evenly = matrix(count, n, knots.data.slice());
  const half = arclength(knots, isClosed).length / count / 2;
  const drifted = (): boolean =>
    Array.from({ length: count }, (_, k) => k).some((k) => distance(rowOf(knots, k), rowOf(evenly, k)) > half);
  for (let k = 0; k < 37 && !drifted() && k * chunk < MOST_SETTLING; k++) run(knots, chunk);
  const { positions, length } = arclength(knots, isClosed);
  const t = tangents(knots, isClosed);
  const at = Array.from({ length: count }, (_, k) => atKnot(held, rowOf(knots, k), rowOf(t, k)));
  const drift = Float64Array.from(at, (each) => each.drift);
  const tangentialRate = at.reduce((top, each) => Math.max(top, Math.abs(each.tangential)), 0);
  const normalRate = at.reduce((least, each) => Math.min(least, -each.normal), Infinity);
  const separation = normalRate / tangentialRate;

  const set = fixedPoints(network, {
    ...(options.input === undefined ? {} : { input: options.input }),
    starts: knots,
  });
  const spacing = length / count;
  const points = set.points
    .filter(({ class: kind }) => kind === 'fixed')
    .map((point) => ({ point, near: nearestOn(knots, positions, length, isClosed, point.state) }))
    .filter(({ near }) => near.distance < spacing)
    .map(({ point, near }): PointOnManifold => ({
      point,
      position: near.position,
      distance: near.distance,
      tangentialRate: rateAlong(held, point.state, rowOf(t, near.segment)),
    }))
    .toSorted((a, b) => a.position - b.position);
  const trial = options.trial ?? 50;
  const memory = memoryOf(held, { knots, positions, length, isClosed, drift, points, at, trial });
  const fastest = memory.fastest;
  const isManifold = separation > 3 && normalRate > 0;
  const kind: SlowManifoldKind = !isManifold
    ? 'none'
    : fastest < ROUNDING
      ? 'continuum'
      : memory.spacing === null
        ? fastest * trial < 0.1 * length
          ? 'continuous'
          : 'discrete'
        : memory.spacing > 10 * fastest * trial
          ? 'continuous'
          : memory.spacing < fastest * trial
            ? 'discrete'
            : 'intermediate';
  return {
    kind,
    topology: isClosed ? 'ring' : 'line',
    knots,
    positions,
    length,
    drift,
    across: Float64Array.from(at, (each) => each.across),
    zeros: zerosOf(drift, positions, length, isClosed),
    points,
    tangentialRate,
    normalRate,
    separation,
    memory,
  };
};

/** lambda - 1 of the mode of D W that is most along a direction. */
const rateAlong = (held: HeldNetwork, state: Float64Array, tangent: Float64Array): number => {
  const n = held.units;
  const J = jacobianAt(held, state);
  // Inverse iteration from the tangent, at its own Rayleigh quotient, on J - mu I.
  let v = tangent.slice();
  let mu = 0;
  for (let round = 0; round < 50; round++) {
    const image = new Float64Array(n);
    currentsOf(J.data, n, n, v, null, image);
    const next = v.reduce((sum, value, i) => sum + value * image[i]!, 0);
    const isSettled = round > 0 && Math.abs(next - mu) < 1e-15;
    mu = next;
    if (isSettled) break;
    const shifted = matrix(n, n, J.data.slice());
    for (let i = 0; i < n; i++) shifted.data[i * n + i]! -= mu;
    const factor = lu(shifted);
    if (factor.zeroPivot >= 0) break;
    const solved = v.slice();
    luSolveInPlace(factor, matrix(n, 1, solved), false);
    const size = Math.hypot(...solved);
    if (!(size < Infinity && size > 0)) break;
    v = solved.map((value) => value / size);
  }
  const a = held.alpha[0]!;
  return held.isUniform ? (mu - 1) / a : mu - 1;
};

const zerosOf = (
  drift: Float64Array,
  positions: Float64Array,
  length: number,
  isClosed: boolean,
): SlowManifold['zeros'] => {
  const zeros: { position: number; isStable: boolean }[] = [];
  const count = drift.length;
  for (let k = 0; k < (isClosed ? count : count - 1); k++) {
    const [a, b] = [drift[k]!, drift[(k + 1) % count]!];
    if (Math.abs(a) < ROUNDING && Math.abs(b) < ROUNDING) continue;
    if (!(a > 0 !== b > 0)) continue;
    const end = k + 1 < count ? positions[k + 1]! : length;
    zeros.push({ position: positions[k]! + ((end - positions[k]!) * a) / (a - b), isStable: a > 0 });
  }
  return zeros;
};

interface OnCurve {
  readonly knots: Matrix;
  readonly positions: Float64Array;
  readonly length: number;
  readonly isClosed: boolean;
  readonly drift: Float64Array;
  readonly points: readonly PointOnManifold[];
  readonly at: readonly AtKnot[];
  readonly trial: number;
}

const memoryOf = (
  held: HeldNetwork,
  { knots, length, isClosed, drift, points, at, trial }: OnCurve,
): SlowManifoldMemory => {
  const step = stepper(held);
  const slowest = held.alpha.reduce((least, a) => Math.min(least, a), 1);
  const trials = Float64Array.of(1, 2, 5, 10);
  const meanError = new Float64Array(4);
  const largestError = new Float64Array(4);
  const stable = points.filter(({ tangentialRate }) => tangentialRate < 0);
  const ends = new Map<number, number>();
  for (let k = 0; k < knots.rows; k++) {
    const start = rowOf(knots, k);
    const r = start.slice();
    let t = 0;
    trials.forEach((each, e) => {
      for (const until = Math.round((each * trial) / slowest); t < until; t++) step(r);
      const error = distance(r, start);
      meanError[e]! += error / knots.rows;
      largestError[e] = Math.max(largestError[e]!, error);
    });
    // The stable point that the state is at, or next to which it would come: downstream along the curve.
    const nearest = stable.reduce((best, { point }, s) => {
      const other = stable[best];
      return other === undefined || distance(point.state, r) < distance(other.point.state, r) ? s : best;
    }, -1);
    ends.set(nearest, (ends.get(nearest) ?? 0) + 1);
  }
  const fastest = drift.reduce((top, v) => Math.max(top, Math.abs(v)), 0);
  const mean = drift.reduce((sum, v) => sum + Math.abs(v) / drift.length, 0);
  const shares = [...ends.values()].map((hits) => hits / knots.rows);
  return {
    fastest,
    mean,
    trials,
    meanError,
    largestError,
    capacity: fastest < ROUNDING || stable.length === 0 ? null : shares.reduce((sum, p) => sum - p * Math.log2(p), 0),
    spacing:
      stable.length < 2
        ? null
        : isClosed
          ? length / stable.length
          : (stable.at(-1)!.position - stable[0]!.position) / (stable.length - 1),
    diffusion: at.reduce((sum, each) => sum + each.diffusion / at.length, 0),
  };
};
