import { eigen } from '@drnn/linalg';
import { type Matrix, matrix } from '@drnn/tensor';
import {
  type CurveEquations,
  type FocusFamily,
  invariantCurve,
  MOST_UNKNOWNS,
  resampled,
  unknownsOf,
} from './invariant-curve.js';
import type { IteratedMap } from './iterated-map.js';
import { curveThrough } from './trigonometric-curve.js';

/** A fixed point of a map round which it turns in a plane, the multiplier of which is not far from the unit circle. */
export interface Focus extends FocusFamily {
  /** |mu|. */
  readonly modulus: number;
  /** q, the right eigenvector of mu, |q| = 1. */
  readonly right: { readonly real: Float64Array; readonly imaginary: Float64Array };
}

/** |ln |mu||: one that grows or decays faster is not taken for the centre of a circle. */
const WEAK = 0.5;
const MOST_PLANES = 2;
/** |sin arg mu| of a plane that turns. */
const TURNING = 1e-3;

/** The planes of a fixed point in which circles may be, the most nearly neutral first. Cost 30 n^3. */
export const fociAt = (map: IteratedMap, centre: Float64Array): readonly Focus[] => {
  const n = map.dimension;
  const J = matrix(n, n);
  map.image(centre, new Float64Array(n), 0);
  map.jacobian(J.data);
  const { values, right, left } = eigen(J, { order: 'modulus' });
  const columnOf = (of: Matrix, k: number): Float64Array =>
    Float64Array.from({ length: n }, (_, i) => of.data[i * n + k]!);
  return Array.from(values.real, (re, k) => ({
    k,
    modulus: Math.hypot(re, values.imaginary[k]!),
    im: values.imaginary[k]!,
  }))
    .filter(({ modulus, im }) => im > TURNING * modulus && Math.abs(Math.log(modulus)) < WEAK)
    .toSorted((a, b) => Math.abs(Math.log(a.modulus)) - Math.abs(Math.log(b.modulus)))
    .slice(0, MOST_PLANES)
    .map(({ k, modulus }) => {
      const [q, p] = [columnOf(right.real, k), columnOf(right.imaginary, k)];
      const [l, m] = [columnOf(left.real, k), columnOf(left.imaginary, k)];
      // P = 2 Re (q l^H).
      const projector = Float64Array.from({ length: n * n }, (_, e) => {
        const [i, j] = [Math.floor(e / n), e % n];
        return 2 * (q[i]! * l[j]! + p[i]! * m[j]!);
      });
      return { centre, projector, modulus, right: { real: q, imaginary: p }, left: { real: l, imaginary: m } };
    });
};

/** x* + 2 s Re(q e^{2 pi i theta}) + s^2 w0. */
interface Ellipse {
  readonly focus: Focus;
  /** w0, by which the middle is moved; zero where the second order is left out. */
  readonly bend: Float64Array;
}

const LOOKS = 16;
const LADDER = 28;

const pointOf = ({ focus, bend }: Ellipse, s: number, turns: number, out: Float64Array): void => {
  const { centre, right } = focus;
  const [c, d] = [Math.cos(2 * Math.PI * turns), Math.sin(2 * Math.PI * turns)];
  for (let i = 0; i < centre.length; i++) {
    out[i] = centre[i]! + 2 * s * (right.real[i]! * c - right.imaginary[i]! * d) + s * s * bend[i]!;
  }
};

/** The mean of ln of what a step does to the distance from x* in the plane, along an ellipse of amplitude s. */
const growthOn = (map: IteratedMap, ellipse: Ellipse, s: number): number => {
  const { centre, left } = ellipse.focus;
  const n = centre.length;
  const x = new Float64Array(n);
  const y = new Float64Array(n);
  const inPlane = (of: Float64Array): number => {
    let re = 0;
    let im = 0;
    for (let i = 0; i < n; i++) {
      const away = of[i]! - centre[i]!;
      re += left.real[i]! * away;
      im -= left.imaginary[i]! * away;
    }
    return Math.hypot(re, im);
  };
  let sum = 0;
  for (let p = 0; p < LOOKS; p++) {
    pointOf(ellipse, s, p / LOOKS, x);
    map.image(x, y, 0);
    sum += Math.log(inPlane(y) / inPlane(x));
  }
  return sum / LOOKS;
};

/** Where circles may be round a focus. */
export interface CircleGuess {
  readonly focus: Focus;
  /** The size s of the first harmonic in the plane at which the mean growth changes its sign. */
  readonly amplitude: number;
  /** Whether what is beside it in the plane is driven away. */
  readonly repels: boolean;
}

const changesOf = (map: IteratedMap, ellipse: Ellipse, most: number): readonly CircleGuess[] => {
  const { focus } = ellipse;
  const guesses: CircleGuess[] = [];
  let before = Math.log(focus.modulus);
  let last = 0;
  for (let k = 0; k < LADDER; k++) {
    const s = most * 10 ** ((-2.5 * (LADDER - 1 - k)) / (LADDER - 1));
    const growth = growthOn(map, ellipse, s);
    if (!Number.isFinite(growth)) break;
    if (growth * before < 0) {
      const part = before / (before - growth);
      guesses.push({ focus, amplitude: last + part * (s - last), repels: growth > 0 });
    }
    [before, last] = [growth, s];
  }
  return guesses;
};

/**
 * Amplitudes at which the mean growth on ellipses round a focus is 0. Where the map bends what is beside the plane, ellipses
 * of the plane alone know it too late: those that follow it in the second order are asked too, and the one of both that has
 * more such amplitudes counts. `most` bounds s. Cost: about 900 steps of the map.
 */
export const circleGuesses = (map: IteratedMap, focus: Focus, most: number): readonly CircleGuess[] => {
  const plain = changesOf(map, { focus, bend: new Float64Array(map.dimension) }, most);
  const bent = bentEllipse(map, focus, most);
  const more = bent === null ? [] : changesOf(map, bent, most);
  return more.length > plain.length ? more : plain;
};

/** With w0 = (I - J)^-1 B(q, q*), B by second differences; null where F is not curved. */
const bentEllipse = (map: IteratedMap, focus: Focus, most: number): Ellipse | null => {
  const n = map.dimension;
  const { centre, right } = focus;
  const h = 1e-3 * most;
  const at = new Float64Array(n);
  const ahead = new Float64Array(n);
  const behind = new Float64Array(n);
  const here = new Float64Array(n);
  map.image(centre, here, 0);
  /** F'' along a direction, twice. */
  const twice = (direction: Float64Array): Float64Array => {
    for (let i = 0; i < n; i++) at[i] = centre[i]! + h * direction[i]!;
    map.image(at, ahead, 0);
    for (let i = 0; i < n; i++) at[i] = centre[i]! - h * direction[i]!;
    map.image(at, behind, 0);
    return Float64Array.from({ length: n }, (_, i) => (ahead[i]! - 2 * here[i]! + behind[i]!) / (h * h));
  };
  const re = twice(right.real);
  const im = twice(right.imaginary);
  // B(q, q*) = F''(re) + F''(im), over the two of its quadratic form: w0 relaxes to it by the map's own modes.
  const forced = Float64Array.from({ length: n }, (_, i) => re[i]! + im[i]!);
  if (!(Math.hypot(...forced) * most > 1e-6)) return null;
  let mean = forced.slice();
  const total = forced.slice();
  const next = new Float64Array(n);
  for (let k = 0; k < RELAXED; k++) {
    map.image(centre, next, 0);
    map.tangent(mean, 1, next);
    mean = next.slice();
    for (let i = 0; i < n; i++) total[i]! += mean[i]!;
  }
  if (!(Math.hypot(...total) * most < 1)) return null;
  return { focus, bend: total };
};

/** Terms of the series of (I - J)^-1. */
const RELAXED = 60;

const NODES = 17;
const FIRST = 0.02;
const RATIO = 1.35;
const LEAST_RATIO = 1.04;
const COARSE = 1e-3;
/** On the way; what is found is resolved afterwards. */
const MOST_NODES = 70;
/** lambda beyond which the family has little to do with F. */
const FAR = 4;

/** An ellipse in the plane, `[node, dimension]`. */
export const ellipseAt = (focus: Focus, amplitude: number, nodes = NODES): Matrix => {
  const n = focus.centre.length;
  const flat: Ellipse = { focus, bend: new Float64Array(n) };
  const out = matrix(nodes, n);
  for (let k = 0; k < nodes; k++) pointOf(flat, amplitude, k / nodes, out.data.subarray(k * n, (k + 1) * n));
  return out;
};

interface OnBranch {
  readonly nodes: Matrix;
  readonly lambda: number;
  readonly amplitude: number;
}

/** a + (b - a) t, node by node. */
const between = (a: Matrix, b: Matrix, t: number): Matrix => ({
  ...a,
  data: a.data.map((value, k) => value + t * (b.data[k]! - value)),
});

/**
 * Circles round a focus by following the family of which it is the first: x* + (I + lambda P)(F(x) - x*) has a circle of
 * every amplitude s for some lambda(s), born where |1 + lambda| |mu| = 1 (Neimark and Sacker). Where lambda(s) passes 0 it is
 * one of F itself, whether it attracts or repels. Steps of s are 35%, and less where Newton's method needs it. It ends after
 * `wanted` of them, at `most`, or where the branch turns back in s. Returns nodes near each of these circles.
 */
export const circlesRound = (
  equations: CurveEquations,
  focus: Focus,
  { first, most, wanted }: { readonly first: number; readonly most: number; readonly wanted: number },
): readonly Matrix[] => {
  const { map, spend } = equations;
  const n = map.dimension;
  const found: Matrix[] = [];
  const solveAt = (nodes: Matrix, lambda: number): { readonly nodes: Matrix; readonly lambda: number } | null => {
    const curve = invariantCurve({ ...equations, family: focus }, nodes, lambda);
    if (curve === null) return null;
    const twice = 2 * nodes.rows;
    if (curve.curve.tail() < COARSE || twice > MOST_NODES || unknownsOf(n, twice) > MOST_UNKNOWNS) return curve;
    const finer = invariantCurve(
      { ...equations, family: focus },
      resampled(curve.curve, 2 * nodes.rows - 1),
      curve.lambda,
    );
    return finer ?? curve;
  };
  const s0 = Math.min(FIRST * most, 0.3 * first);
  const born = solveAt(ellipseAt(focus, s0), 1 / focus.modulus - 1);
  if (born === null) return found;
  let before: OnBranch | null = null;
  let here: OnBranch = { ...born, amplitude: s0 };
  let ratio = RATIO;
  while (here.amplitude < most && found.length < wanted && ratio > LEAST_RATIO) {
    if (map.isCut?.() === true || spend?.(0) === true) break;
    const amplitude = here.amplitude * ratio;
    const ahead = nextOnBranch(focus, before, here, amplitude);
    const next = solveAt(ahead.nodes, ahead.lambda);
    if (next === null || Math.abs(next.lambda) > FAR) {
      ratio = Math.sqrt(ratio);
      continue;
    }
    before = { ...here, nodes: sameNodes(here.nodes, next.nodes.rows) };
    here = { ...next, amplitude };
    ratio = Math.min(RATIO, ratio * ratio);
    if (before.lambda * here.lambda <= 0) {
      found.push(between(before.nodes, here.nodes, before.lambda / (before.lambda - here.lambda)));
    }
  }
  return found;
};

const sameNodes = (nodes: Matrix, count: number): Matrix =>
  nodes.rows === count ? nodes : resampled(curveThrough(nodes), count);

/** By the secant of the last two; from the first one by its shape. */
const nextOnBranch = (
  { centre }: Focus,
  before: OnBranch | null,
  here: OnBranch,
  amplitude: number,
): { readonly nodes: Matrix; readonly lambda: number } => {
  if (before === null) {
    const ratio = amplitude / here.amplitude;
    const n = centre.length;
    const nodes = { ...here.nodes, data: here.nodes.data.map((x, k) => centre[k % n]! + ratio * (x - centre[k % n]!)) };
    return { nodes, lambda: here.lambda };
  }
  const part = (amplitude - before.amplitude) / (here.amplitude - before.amplitude);
  return {
    nodes: between(before.nodes, here.nodes, part),
    lambda: before.lambda + part * (here.lambda - before.lambda),
  };
};
