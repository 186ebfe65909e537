import { type Matrix, matrix } from '@drnn/tensor';
import type { IteratedMap } from './iterated-map.js';
import { factor, solve } from './lu.js';
import { curveThrough, trigonometricCurve, type TrigonometricCurve } from './trigonometric-curve.js';

/** A closed curve that a map takes into itself, however it moves along it. */
export interface InvariantCurve {
  readonly curve: TrigonometricCurve;
  /** K at equal parameters, an odd number of them, `[node, dimension]`. */
  readonly nodes: Matrix;
  /** The parameter, in turns, to which each node is taken. */
  readonly images: Float64Array;
  /** Root mean square distance of the images of the nodes from the curve. */
  readonly residual: number;
  /** The parameter of the family; 0 of the map itself. */
  readonly lambda: number;
}

/**
 * The maps x* + (I + lambda P)(F(x) - x*), P the projector on the plane of a pair of multipliers at the fixed point x*:
 * they have that pair multiplied by 1 + lambda, and all other modes as F has them.
 */
export interface FocusFamily {
  readonly centre: Float64Array;
  /** P, `[dimension, dimension]`. */
  readonly projector: Float64Array;
  /** The left eigenvector l of the pair, l^H r = 1. */
  readonly left: { readonly real: Float64Array; readonly imaginary: Float64Array };
}

export interface CurveEquations {
  readonly map: IteratedMap;
  /** With a family lambda is an unknown, and the first harmonic of l^H (K - x*) is held at its size. */
  readonly family?: FocusFamily;
  /** Told of the products of the linear algebra; ends the method where it says so. */
  spend?(work: number): boolean;
}

/** Unknowns up to which the equations are solved. */
export const MOST_UNKNOWNS = 2000;
const LIMIT = 14;
/** Parts of the curve's size, and of the largest |x|, that are rounding. */
const CLOSED = 1e-13;
const ROUNDING = 2e-15;
/** Part of the last harmonics below which a residual is of no use. */
const CUT_OFF = 1e-3;

/** Unknowns of a curve of so many nodes. */
export const unknownsOf = (dimension: number, nodes: number): number => (dimension - 1) * nodes;

/** u of the reflection I - 2 u u' that takes a direction to the first axis, or to minus it. */
const reflectorOf = (direction: Float64Array, out: Float64Array): void => {
  const length = Math.hypot(...direction);
  const sign = direction[0]! < 0 ? -1 : 1;
  for (let i = 0; i < out.length; i++) out[i] = direction[i]! / length;
  out[0]! += sign;
  const size = Math.hypot(...out);
  for (let i = 0; i < out.length; i++) out[i]! /= size;
};

/** The cardinal function of trigonometric interpolation on an odd number of nodes. */
const cardinal = (turns: number, nodes: number): number => {
  const u = turns - Math.round(turns);
  const below = nodes * Math.sin(Math.PI * u);
  return Math.abs(u) < 1e-14 ? 1 : Math.sin(Math.PI * nodes * u) / below;
};

/**
 * Newton's method on the graph of a closed curve: nodes are moved at right angles to the curve until the images of all lie
 * on it. How the map moves along the curve is left free, so that nothing asks for a turn that is irrational: the equations
 * are regular wherever no direction beside the curve is neutral, also where orbits on it are locked (compare Haro, Canadell,
 * Figueras, Luque and Mondelo 2016, chapter 5). Null where it does not converge, or `spend` ends it. Cost of a step: an LU of
 * (dimension - 1) nodes.
 */
export const invariantCurve = (
  { map, family, spend }: CurveEquations,
  guess: Matrix,
  lambda = 0,
): InvariantCurve | null => {
  const { rows: m, columns: n } = guess;
  const across = n - 1;
  const unknowns = m * across + (family === undefined ? 0 : 1);
  if (m % 2 === 0 || n < 2 || unknowns > MOST_UNKNOWNS) return null;
  const y = new Float64Array(n);
  const turned = new Float64Array(n);
  const slope = new Float64Array(n);

  /** out <- x* + (I + lambda P)(y - x*); P(y - x*) into `lifted`. */
  const lifted = new Float64Array(n);
  const lift = (x: Float64Array, by: number): void => {
    if (family === undefined) return;
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += family.projector[i * n + j]! * (x[j]! - family.centre[j]!);
      lifted[i] = sum;
    }
    for (let i = 0; i < n; i++) x[i]! += by * lifted[i]!;
  };

  interface State {
    readonly nodes: Matrix;
    readonly curve: TrigonometricCurve;
    readonly lambda: number;
    readonly images: Float64Array;
    readonly gaps: Float64Array;
    readonly residual: number;
  }
  const stateAt = (nodes: Matrix, by: number, before?: Float64Array): State | null => {
    const curve = curveThrough(nodes);
    const images = new Float64Array(m);
    const gaps = new Float64Array(m * n);
    let sum = 0;
    for (let j = 0; j < m; j++) {
      map.image(nodes.data.subarray(j * n, (j + 1) * n), y, 0);
      lift(y, by);
      images[j] = curve.nearest(y, before?.[j]);
      curve.at(images[j]!, turned);
      for (let i = 0; i < n; i++) {
        gaps[j * n + i] = y[i]! - turned[i]!;
        sum += gaps[j * n + i]! ** 2;
      }
    }
    if (!Number.isFinite(sum) || map.isCut?.() === true) return null;
    return { nodes, curve, lambda: by, images, gaps, residual: Math.sqrt(sum / m) };
  };

  const jacobian = new Float64Array(unknowns * unknowns);
  const pivots = new Int32Array(unknowns);
  const reflectors = new Float64Array(m * n);
  const reflector = new Float64Array(n);
  const local = new Float64Array(n * n);
  /** The Newton step in the coordinates across the curve, and in lambda; null where the equations are singular. */
  const stepAt = ({ nodes, curve, lambda: by, images, gaps }: State): Float64Array | null => {
    if (spend?.(unknowns ** 3 / 3 + 4 * unknowns ** 2) === true) return null;
    jacobian.fill(0);
    for (let k = 0; k < m; k++) {
      curve.at(k / m, turned, slope);
      reflectorOf(slope, reflectors.subarray(k * n, (k + 1) * n));
    }
    const right = new Float64Array(unknowns);
    for (let j = 0; j < m; j++) {
      map.image(nodes.data.subarray(j * n, (j + 1) * n), y, 0);
      map.jacobian(local);
      lift(y, by);
      if (family !== undefined) liftRows(local, family.projector, by, n);
      curve.at(images[j]!, turned, slope);
      reflectorOf(slope, reflector);
      const row = j * across;
      // B (DF Q'), B and Q the last rows of the two reflections.
      const own = reflectors.subarray(j * n, (j + 1) * n);
      for (let a = 0; a < n; a++) reflectRow(local, a * n, own, n);
      for (let b = 0; b < n; b++) reflectColumn(local, b, reflector, n);
      for (let a = 0; a < across; a++) {
        for (let b = 0; b < across; b++) jacobian[(row + a) * unknowns + row + b] = local[(a + 1) * n + b + 1]!;
      }
      for (let k = 0; k < m; k++) {
        const weight = cardinal(images[j]! - k / m, m);
        const q = reflectors.subarray(k * n, (k + 1) * n);
        let dot = 0;
        for (let i = 0; i < n; i++) dot += reflector[i]! * q[i]!;
        for (let a = 0; a < across; a++) {
          const at = (row + a) * unknowns + k * across;
          const u = reflector[a + 1]!;
          const mixed = 4 * u * dot - 2 * q[a + 1]!;
          for (let b = 0; b < across; b++) {
            jacobian[at + b]! -= weight * ((a === b ? 1 : 0) - 2 * u * reflector[b + 1]! + mixed * q[b + 1]!);
          }
        }
      }
      let dot = 0;
      let alongLift = 0;
      for (let i = 0; i < n; i++) {
        dot += reflector[i]! * gaps[j * n + i]!;
        alongLift += reflector[i]! * lifted[i]!;
      }
      for (let a = 0; a < across; a++) {
        right[row + a] = gaps[j * n + a + 1]! - 2 * reflector[a + 1]! * dot;
        if (family === undefined) continue;
        jacobian[(row + a) * unknowns + unknowns - 1] = lifted[a + 1]! - 2 * reflector[a + 1]! * alongLift;
      }
    }
    if (family !== undefined) {
      // The first harmonic in the plane keeps its size: a linear condition on the nodes, which they meet already.
      const { real, imaginary } = family.left;
      const weights = new Float64Array(n);
      for (let k = 0; k < m; k++) {
        const [c, s] = [Math.cos((2 * Math.PI * k) / m), Math.sin((2 * Math.PI * k) / m)];
        for (let i = 0; i < n; i++) weights[i] = (c * real[i]! - s * imaginary[i]!) / m;
        const q = reflectors.subarray(k * n, (k + 1) * n);
        let dot = 0;
        for (let i = 0; i < n; i++) dot += q[i]! * weights[i]!;
        for (let b = 0; b < across; b++) {
          jacobian[(unknowns - 1) * unknowns + k * across + b] = weights[b + 1]! - 2 * q[b + 1]! * dot;
        }
      }
    }
    if (factor(jacobian, unknowns, pivots) === 0) return null;
    solve(jacobian, unknowns, pivots, right);
    return right.every(Number.isFinite) ? right : null;
  };
  const moved = ({ nodes }: State, step: Float64Array, part: number): Matrix => {
    const next = matrix(m, n, nodes.data.slice());
    for (let k = 0; k < m; k++) {
      const q = reflectors.subarray(k * n, (k + 1) * n);
      let dot = 0;
      for (let b = 0; b < across; b++) dot += q[b + 1]! * step[k * across + b]!;
      for (let i = 0; i < n; i++) {
        next.data[k * n + i]! -= part * ((i === 0 ? 0 : step[k * across + i - 1]!) - 2 * q[i]! * dot);
      }
    }
    return next;
  };

  /** The residual from which on a step gains nothing: rounding, and what so few harmonics cut off. */
  const closedAt = ({ nodes, curve }: State): number =>
    Math.max(CLOSED, CUT_OFF * curve.tail()) * sizeOf(nodes) + ROUNDING * Math.sqrt(n) * largestOf(nodes);

  let state = stateAt(guess, lambda);
  for (let round = 0; state !== null && round < LIMIT; round++) {
    const size = sizeOf(state.nodes);
    if (state.residual <= closedAt(state)) break;
    const step = stepAt(state);
    if (step === null) return null;
    let longest = 0;
    for (let k = 0; k < m * across; k++) longest = Math.max(longest, Math.abs(step[k]!));
    let part = Math.min(1, (0.5 * size) / longest);
    let next: State | null = null;
    for (let halving = 0; halving < 6 && next === null; halving++, part /= 2) {
      const trial = stateAt(
        moved(state, step, part),
        state.lambda - part * (family === undefined ? 0 : step[unknowns - 1]!),
      );
      if (trial !== null && trial.residual < state.residual * (1 - 0.25 * part)) next = trial;
    }
    if (next === null) {
      // As far as rounding lets it, or not at all.
      if (state.residual > 1e3 * closedAt(state)) return null;
      break;
    }
    state = next;
  }
  if (state === null || !(state.residual <= 1e3 * closedAt(state))) return null;
  const { curve, nodes, images, residual } = state;
  return { curve, nodes, images, residual, lambda: state.lambda };
};

/** rows <- (I + by P) rows, `[n, n]`. */
const liftRows = (rows: Float64Array, projector: Float64Array, by: number, n: number): void => {
  const before = rows.slice();
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const p = by * projector[i * n + j]!;
      for (let k = 0; k < n; k++) rows[i * n + k]! += p * before[j * n + k]!;
    }
  }
};

/** A row times I - 2 u u'. */
const reflectRow = (a: Float64Array, at: number, u: Float64Array, n: number): void => {
  let dot = 0;
  for (let i = 0; i < n; i++) dot += a[at + i]! * u[i]!;
  for (let i = 0; i < n; i++) a[at + i]! -= 2 * dot * u[i]!;
};

/** I - 2 u u' times a column. */
const reflectColumn = (a: Float64Array, column: number, u: Float64Array, n: number): void => {
  let dot = 0;
  for (let i = 0; i < n; i++) dot += a[i * n + column]! * u[i]!;
  for (let i = 0; i < n; i++) a[i * n + column]! -= 2 * dot * u[i]!;
};

/** Root mean square distance of the nodes from their mean. */
export const sizeOf = ({ rows, columns: n, data }: Matrix): number => {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    let mean = 0;
    for (let p = 0; p < rows; p++) mean += data[p * n + i]! / rows;
    for (let p = 0; p < rows; p++) sum += (data[p * n + i]! - mean) ** 2;
  }
  return Math.sqrt(sum / rows);
};

const largestOf = ({ data }: Matrix): number => data.reduce((top, value) => Math.max(top, Math.abs(value)), 0);

/** Nodes at equal lengths of a curve: what speed Newton's method has left along it is taken off. */
export const evenly = (curve: TrigonometricCurve, nodes: number): Matrix => {
  const n = curve.dimension;
  const looks = 4 * Math.max(nodes, 2 * curve.harmonics) + 1;
  const point = new Float64Array(n);
  const slope = new Float64Array(n);
  const speeds = matrix(looks, 1);
  for (let p = 0; p < looks; p++) {
    curve.at(p / looks, point, slope);
    speeds.data[p] = Math.hypot(...slope);
  }
  // The speed is as smooth as the curve, so that its integral is known as well from its Fourier series.
  const { coefficients, harmonics } = curveThrough(speeds);
  const mean = coefficients[0]!;
  const kept = Math.min(harmonics, 2 * Math.max(nodes, 2 * curve.harmonics));
  const integral = coefficients.slice(0, 2 * (kept + 1));
  integral.fill(0, 0, 2);
  for (let h = 1; h <= kept; h++) {
    const w = 2 * Math.PI * h * mean;
    integral[2 * h] = coefficients[2 * h + 1]! / w;
    integral[2 * h + 1] = -coefficients[2 * h]! / w;
  }
  const length = trigonometricCurve(1, kept, integral);
  const [value, rate] = [new Float64Array(1), new Float64Array(1)];
  length.at(0, value);
  const origin = value[0]!;
  const out = matrix(nodes, n);
  let turns = 0;
  for (let k = 0; k < nodes; k++) {
    for (let step = 0; step < 30; step++) {
      length.at(turns, value, rate);
      const move = (k / nodes - turns - value[0]! + origin) / Math.max(0.1, 1 + rate[0]!);
      turns += move;
      if (Math.abs(move) < 1e-15) break;
    }
    curve.at(turns, out.data.subarray(k * n, (k + 1) * n));
    turns += 1 / nodes;
  }
  return out;
};

/** The same curve at more nodes, its parameter kept. */
export const resampled = (curve: TrigonometricCurve, nodes: number): Matrix => {
  const n = curve.dimension;
  const out = matrix(nodes, n);
  for (let k = 0; k < nodes; k++) curve.at(k / nodes, out.data.subarray(k * n, (k + 1) * n));
  return out;
};

/** The largest distance from the curve of what it is taken to, between the nodes. */
export const invariance = (map: IteratedMap, { curve, nodes, images }: InvariantCurve): number => {
  const n = curve.dimension;
  const m = nodes.rows;
  const point = new Float64Array(n);
  const image = new Float64Array(n);
  let largest = 0;
  for (let p = 0; p < 4 * m; p++) {
    curve.at(p / (4 * m), point);
    map.image(point, image, 0);
    curve.at(curve.nearest(image, p % 4 === 0 ? images[p >> 2]! : undefined), point);
    let sum = 0;
    for (let i = 0; i < n; i++) sum += (image[i]! - point[i]!) ** 2;
    largest = Math.max(largest, Math.sqrt(sum));
  }
  return largest;
};

/** A part of the curve's size that the last harmonics may still hold. */
const TAIL = 1e-10;
/** What the first that is left out may hold of it. */
const NEGLIGIBLE = 1e-11;
const SPARE = 6;
const LEAST_NODES = 17;
const ROUNDS = 9;
/** Nodes from which on a curve that is smooth loses harmonics fast. */
const SMOOTH = 120;

/** The last harmonic that is not negligible. */
const needed = ({ coefficients, dimension: n, harmonics }: TrigonometricCurve): number => {
  const sizes = (h: number): number => Math.hypot(...coefficients.subarray(h * 2 * n, (h + 1) * 2 * n));
  const least = NEGLIGIBLE * sizes(1);
  let last = harmonics;
  while (last > 1 && sizes(last) < least) last -= 1;
  return Math.ceil(last / 0.75);
};

export interface ResolvedCurve extends InvariantCurve {
  /** max distance of F(K) from the curve, between the nodes too. */
  readonly invariance: number;
}

/**
 * The invariant curve near a guess with as many harmonics as it needs: nodes are doubled until the last quarter of the
 * harmonics holds less than 1e-10, or there are more than 2000 unknowns, or `spend` ends it. Null where Newton's method
 * does not converge, or the map leaves the best curve by more than `tolerance` of its size, 1e-7 by default.
 */
export const resolvedCurve = (equations: CurveEquations, guess: Matrix, tolerance = 1e-7): ResolvedCurve | null => {
  const { map } = equations;
  const n = guess.columns;
  let best: InvariantCurve | null = null;
  let nodes = evenly(curveThrough(guess), guess.rows);
  for (let round = 0; round < ROUNDS && unknownsOf(n, nodes.rows) <= MOST_UNKNOWNS; round++) {
    if (map.isCut?.() === true || equations.spend?.(0) === true) break;
    const found = invariantCurve(equations, nodes);
    if (found === null) {
      // A curve that is not smooth, or too coarse a one, may yet close on more nodes.
      if (best !== null || nodes.rows > 2 * guess.rows) break;
      nodes = evenly(curveThrough(nodes), 2 * nodes.rows - 1);
      continue;
    }
    const tail = found.curve.tail();
    const isStuck =
      best !== null && nodes.rows > best.nodes.rows && nodes.rows > SMOOTH && tail > best.curve.tail() / 4;
    best = found;
    // A curve of few derivatives has no end of harmonics.
    if (tail <= TAIL || isStuck) break;
    const finer = evenly(found.curve, 2 * nodes.rows - 1);
    const wanted = 2 * (needed(curveThrough(finer)) + SPARE) + 1;
    nodes = wanted >= finer.rows ? finer : evenly(found.curve, Math.max(LEAST_NODES, wanted));
  }
  if (best === null || !isSimple(best.curve)) return null;
  const off = invariance(map, best);
  return off <= tolerance * sizeOf(best.nodes) ? { ...best, invariance: off } : null;
};

const LOOKS = 48;

/** Whether a curve is far from meeting itself, and no point: what it must be to be a circle. */
const isSimple = (curve: TrigonometricCurve): boolean => {
  const points = resampled(curve, LOOKS);
  const n = curve.dimension;
  const size = sizeOf(points);
  if (!(size > 1e-4 * Math.max(1, largestOf(points)))) return false;
  for (let p = 0; p < LOOKS; p++) {
    for (let q = p + LOOKS / 8; q < Math.min(LOOKS, p + LOOKS - LOOKS / 8 + 1); q++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += (points.data[p * n + i]! - points.data[q * n + i]!) ** 2;
      if (Math.sqrt(sum) < 1e-3 * size) return false;
    }
  }
  return true;
};
