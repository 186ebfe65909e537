import type { Attractor } from './attraction.js';
import type { StimulatedNetwork } from './stimulated-network.js';

/** What is changed, theta `[parameter]`, and what it does to the network before it runs freely. */
export interface Intervention {
  readonly size: number;
  /** The state after it; the slopes of its steps are kept for `pullBack`. */
  apply(theta: Float64Array, state: Float64Array): void;
  /** dstate' p as a vector of parameters, at the theta that was applied last. */
  pullBack(p: Float64Array, out: Float64Array): void;
}

/** The least theta found that takes the network to another attractor. */
export interface LeastSwitch {
  readonly theta: Float64Array;
  /** |theta|. */
  readonly size: number;
  /** Angle between theta and the normal of the boundary at it, radians: 0 at a minimum to first order. */
  readonly angle: number;
  readonly rounds: number;
  /** |theta| at which each of the shapes that were given switches; null where it does not. */
  readonly given: readonly (number | null)[];
}

const MOST_ROUNDS = 60;
/** Of a size that does not switch to one that does, the relative gap at which bisection ends: at last, and at first. */
const PRECISION = 4e-15;
const COARSE = 1e-6;
/** Runs that pass the boundary are told apart when they differ by this, in one unit. */
const PARTED = 1e-4;

const norm = (x: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * x[i]!;
  return Math.sqrt(sum);
};

const dot = (x: Float64Array, y: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
};

export interface SwitchSearch {
  readonly network: StimulatedNetwork;
  readonly intervention: Intervention;
  readonly target: Attractor;
  /** Where a run that does not switch falls back to, when that is known: it ends there. */
  readonly source: Attractor | null;
  /** Most free steps of a run. */
  readonly limit: number;
  /** |theta_i| at most; Infinity for none. */
  readonly bound: number;
  /** The largest size that is tried. */
  readonly largest: number;
}

/** theta = clip(size s). */
const along = (shape: Float64Array, size: number, bound: number, out: Float64Array): Float64Array => {
  for (let i = 0; i < shape.length; i++) out[i] = Math.min(bound, Math.max(-bound, size * shape[i]!));
  return out;
};

/** Whether the network ends at the target after the intervention. */
export const switches = (search: SwitchSearch): ((theta: Float64Array) => boolean) => {
  const { network, intervention, target, source, limit } = search;
  let x = new Float64Array(network.units);
  let next = new Float64Array(network.units);
  return (theta) => {
    intervention.apply(theta, x);
    for (let t = 0; t <= limit; t++) {
      if (t % 4 === 0) {
        if (target.holds(x)) return true;
        if (source?.holds(x) === true) return false;
      }
      network.step(x, null, next, null);
      [x, next] = [next, x];
    }
    return false;
  };
};

/**
 * The smallest factor of a shape that switches, by doubling from 1e-6 up and bisection; null where none up to `largest`
 * does. Sizes far above it may overshoot and are not looked at.
 */
export const switchingSize = (
  search: SwitchSearch,
  shape: Float64Array,
  { near, precision = PRECISION }: { readonly near?: number | undefined; readonly precision?: number } = {},
): number | null => {
  const ends = switches(search);
  const theta = new Float64Array(shape.length);
  const does = (size: number): boolean => ends(along(shape, size, search.bound, theta));
  let low = 0;
  let high = near ?? 1e-6;
  if (near !== undefined) {
    if (!does(high)) return null;
    // Down in steps, so that the boundary that is met first from below is not leapt over far.
    for (low = high * 0.9; low > 1e-9 * near && does(low); low *= 0.9) high = low;
  } else {
    while (!does(high)) {
      low = high;
      high *= high < 1e-2 ? 4 : 1.4;
      if (high > search.largest) return null;
    }
  }
  while (high - low > precision * high) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (does(middle)) high = middle;
    else low = middle;
  }
  return high;
};

/**
 * The gradient, in theta, of which side of the boundary a run ends on: two runs from both sides of it are followed until
 * they part, and their difference is pulled back along the boundary, where the direction that decides outgrows all others.
 * Null where they do not part.
 */
const boundaryNormal = (
  { network, intervention, limit, bound }: SwitchSearch,
  shape: Float64Array,
  size: number,
  precision: number,
): Float64Array | null => {
  const n = network.units;
  const theta = new Float64Array(shape.length);
  const inside = new Float64Array(n);
  const outside = new Float64Array(n);
  const next = new Float64Array(n);
  intervention.apply(along(shape, size * (1 - 2 * precision), bound, theta), outside);
  intervention.apply(along(shape, size, bound, theta), inside);
  const slopes: Float64Array[] = [];
  const p = new Float64Array(n);
  for (let t = 0; t < limit; t++) {
    let gap = 0;
    for (let i = 0; i < n; i++) {
      p[i] = inside[i]! - outside[i]!;
      gap = Math.max(gap, Math.abs(p[i]!));
    }
    if (gap > PARTED) break;
    const slope = new Float64Array(n);
    network.step(inside, null, next, slope);
    inside.set(next);
    network.step(outside, null, next, null);
    outside.set(next);
    slopes.push(slope);
    if (t === limit - 1) return null;
  }
  for (let t = slopes.length - 1; t >= 0; t--) {
    network.pullBack(slopes[t]!, p, next);
    const length = norm(next);
    if (!(length > 0)) return null;
    for (let i = 0; i < n; i++) p[i] = next[i]! / length;
  }
  const gradient = new Float64Array(intervention.size);
  intervention.pullBack(p, gradient);
  const length = norm(gradient);
  return length > 0 && Number.isFinite(length) ? gradient.map((value) => value / length) : null;
};

/**
 * The least |theta| that leads to the target, from the best of some shapes. On the boundary between basins theta is least
 * where it is parallel to the normal (with bounds, to the normal with its largest entries cut): the shape is turned towards
 * the normal as far as that makes theta smaller, and taken to the boundary again by bisection. A local minimum. Null where
 * no shape leads there.
 */
export const leastSwitch = (search: SwitchSearch, shapes: readonly Float64Array[]): LeastSwitch | null => {
  const { bound } = search;
  const theta = new Float64Array(search.intervention.size);
  let shortest = search.largest;
  const tried = shapes.map((start) => {
    const length = norm(start);
    if (!(length > 0)) return null;
    const shape = start.map((value) => value / length);
    // With bounds a larger factor need not be a longer theta.
    const largest = Number.isFinite(bound) ? search.largest : shortest;
    const size = switchingSize({ ...search, largest }, shape, { precision: COARSE });
    if (size === null) return null;
    const reached = norm(along(shape, size, bound, theta));
    shortest = Math.min(shortest, 1.4 * reached);
    return { shape, size, length: reached };
  });
  const found = tried.filter((each) => each !== null).toSorted((p, q) => p.length - q.length);
  const [first] = found;
  if (first === undefined) return null;
  // Long stimuli have several minima: the first shape often leads to another one than the best.
  const begun = found.length > 1 && tried[0] !== null && tried[0] !== first ? [first, tried[0] ?? first] : [first];
  const ends = begun.map((start) => descend(search, start));
  const least = ends.reduce((best, each) => (each.size < best.size ? each : best));
  return { ...least, given: tried.map((each) => each?.length ?? null) };
};

/** Turns a shape that switches towards the normal until theta is least. */
const descend = (
  search: SwitchSearch,
  start: { readonly shape: Float64Array; readonly size: number; readonly length: number },
): Omit<LeastSwitch, 'given'> => {
  const { bound } = search;
  const theta = new Float64Array(search.intervention.size);
  let best = start;
  let angle = Number.NaN;
  let turn = 1;
  let rounds = 0;
  let precision = COARSE;
  let idle = 0;
  for (; rounds < MOST_ROUNDS; rounds++) {
    const normal = boundaryNormal(search, best.shape, best.size, precision);
    if (normal === null) break;
    // Entries at their bounds have nothing to turn to.
    along(best.shape, best.size, bound, theta);
    const free = theta.map((value, i) => (Math.abs(value) < bound || value * normal[i]! < 0 ? 1 : 0));
    const cosine =
      dot(
        theta,
        normal.map((value, i) => value * free[i]!),
      ) / (norm(theta.map((value, i) => value * free[i]!)) || 1);
    angle = Math.acos(Math.min(1, cosine / (norm(normal.map((value, i) => value * free[i]!)) || 1)));
    if (!(angle > 1e-7)) break;
    let gain = 0;
    while (turn > 1e-4) {
      const mixed: Float64Array = best.shape.map((value, i) => (1 - turn) * value + turn * normal[i]!);
      const length = norm(mixed);
      const shape = mixed.map((value) => value / length);
      // A shape that does not switch at the size of the best is no better, without bounds.
      const near: number | undefined = Number.isFinite(bound) ? undefined : best.size;
      const size: number | null = length > 0 ? switchingSize(search, shape, { near, precision }) : null;
      const reached: number = size === null ? Infinity : norm(along(shape, size, bound, theta));
      if (size !== null && reached < best.length) {
        gain = 1 - reached / best.length;
        best = { shape, size, length: reached };
        break;
      }
      turn /= 3;
    }
    turn = Math.min(1, Math.max(2 * turn, 1e-3));
    // The boundary is found as well as the gain asks for, and better where there is none.
    idle = gain > 1e-9 ? 0 : idle + 1;
    if (gain === 0 && precision === PRECISION) break;
    if (idle > 3) break;
    precision =
      gain === 0 ? Math.max(PRECISION, 1e-4 * precision) : Math.max(PRECISION, Math.min(precision, 1e-2 * gain));
  }
  const last = switchingSize(search, best.shape, { near: best.size });
  if (last !== null) best = { ...best, size: last, length: norm(along(best.shape, last, bound, theta)) };
  return {
    theta: along(best.shape, best.size, bound, new Float64Array(theta.length)),
    size: best.length,
    angle,
    rounds,
  };
};
