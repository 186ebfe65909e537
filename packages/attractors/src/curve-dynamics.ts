import { type Matrix, matrix } from '@drnn/tensor';
import { amplitudeOf, harmonicsOf, highestRow, rolled } from './closed-curve.js';
import type { InvariantCircle } from './invariant-circle.js';
import { resampled, type ResolvedCurve } from './invariant-curve.js';
import type { IteratedMap } from './iterated-map.js';
import { lyapunovSpectrum } from './lyapunov-spectrum.js';
import { scatteredFourier } from './scattered-fourier.js';
import { curveThrough, trigonometricCurve, type TrigonometricCurve } from './trigonometric-curve.js';
import { sharpWeights } from './weighted-average.js';

/** What a map does on a curve that it takes into itself, and beside it. */
export interface CurveDynamics {
  readonly circle: InvariantCircle;
  /** Nats a step, of the direction along the curve: 0, or below where an orbit on it attracts the others. */
  readonly along: number;
  /** Nats a step of the leading directions beside it, the largest first. */
  readonly across: Float64Array;
  /** Steps by which `across` is known. */
  readonly length: number;
}

const PHASES = 128;
const LEAST_LENGTH = 4096;
const PERIODS = 40;
const MOST_LENGTH = 40_000;
/** Turns a step below which a curve has a point at rest on it, as good as. */
const AT_REST = 1e-5;

/**
 * The rotation number of a map on an invariant curve, by a weighted average of how far it moves along, and Lyapunov
 * exponents along and across. The orbit is put back on the curve after every step, so that it stays where it repels. The
 * phase at which the map turns evenly comes from Fourier sums along that orbit; where there is none that is smooth, an
 * orbit on the curve being locked, the phases of the circle are at equal lengths, and its residual the distance from the
 * curve. Null for a curve with a fixed point on it, and where the time is up.
 */
export const curveDynamics = (
  map: IteratedMap,
  { curve, images, nodes, invariance }: ResolvedCurve,
  count: number,
): CurveDynamics | null => {
  const n = curve.dimension;
  const m = nodes.rows;
  const point = new Float64Array(n);
  const image = new Float64Array(n);
  const slope = new Float64Array(n);
  /** The lift: how far each node is moved, without jumps. */
  const moves = matrix(m, 1);
  for (let p = 0, before = 0; p < m; p++) {
    const move = images[p]! - p / m;
    moves.data[p] = p === 0 ? move - Math.round(move) : move - Math.round(move - before);
    before = moves.data[p]!;
  }
  const mean = moves.data.reduce((sum, value) => sum + value, 0) / m;
  const lift = curveThrough(moves);
  const move = new Float64Array(1);
  const guessAt = (turns: number): number => {
    lift.at(turns, move);
    return turns + move[0]!;
  };
  if (!(Math.abs(mean) > AT_REST)) return null;
  const length = Math.max(LEAST_LENGTH, Math.min(MOST_LENGTH, Math.ceil(PERIODS / Math.abs(mean))));
  const lifts = new Float64Array(length + 1);
  const growth = new Float64Array(length);
  const direction = matrix(1, n);
  const carried = new Float64Array(n);
  for (let t = 0; t < length; t++) {
    if (map.isCut?.() === true) return null;
    curve.at(lifts[t]!, point, slope);
    map.image(point, image, 0);
    lifts[t + 1] = curve.nearest(image, guessAt(lifts[t]!));
    const before = Math.hypot(...slope);
    for (let i = 0; i < n; i++) direction.data[i] = slope[i]! / before;
    map.tangent(direction.data, 1, carried);
    curve.at(lifts[t + 1]!, point, slope);
    const size = Math.hypot(...slope);
    let dot = 0;
    for (let i = 0; i < n; i++) dot += (carried[i]! * slope[i]!) / size;
    growth[t] = Math.log(Math.abs(dot));
  }
  const weights = sharpWeights(length);
  let turns = 0;
  let along = 0;
  for (let t = 0; t < length; t++) {
    turns += weights[t]! * (lifts[t + 1]! - lifts[t]!);
    along += weights[t]! * growth[t]!;
  }
  const rho = Math.abs(turns - Math.round(turns));
  if (!(rho > AT_REST)) return null;

  const even = evenPhases(map, curve, lifts, turns, weights, 2 * m);
  const phases = even === null ? resampled(curve, PHASES) : even.orbit;
  const amplitude = amplitudeOf(phases);

  // Along the orbit that is known by now, so that nothing is sought again.
  const transient = Math.min(500, length >> 3);
  const start = new Float64Array(n);
  curve.at(lifts[0]!, start);
  const pinned: IteratedMap = {
    ...map,
    image: (_, out, time) => {
      curve.at(lifts[time % length]!, point);
      map.image(point, out, 0);
      curve.at(lifts[(time % length) + 1]!, out, slope);
    },
    tangent: (directions, rows, out) => {
      map.tangent(directions, rows, out);
      const square = slope.reduce((sum, value) => sum + value * value, 0);
      for (let d = 0; d < rows; d++) {
        let dot = 0;
        for (let i = 0; i < n; i++) dot += out[d * n + i]! * slope[i]!;
        for (let i = 0; i < n; i++) out[d * n + i]! -= (dot / square) * slope[i]!;
      }
    },
  };
  const spectrum = lyapunovSpectrum(pinned, start, { count, length: length - 2 * transient, transient });
  if (map.isCut?.() === true) return null;
  return {
    circle: {
      rotationNumber: rho,
      period: 1 / rho,
      orbit: rolled(phases, highestRow(phases, amplitude)),
      amplitude,
      harmonics: harmonicsOf(phases),
      residual: even === null ? invariance : even.residual,
    },
    along,
    across: spectrum.exponents,
    length,
  };
};

/** What the map may leave the turned curve by, as a part of its size, and what more harmonics are not tried for. */
const EVEN = 1e-7;
const SHARP = 1e-12;
const MOST_HARMONICS = 256;

/**
 * K at equal phases of the turn, theta = h(phi) with h(phi + rho) = g(h(phi)): h - phi is periodic, and its harmonics are
 * averages along the orbit. As many are taken as serve: high ones may be too near to a multiple of a turn to be told from
 * low ones. Null where the map does not take K o h into itself, since orbits on the curve are locked.
 */
const evenPhases = (
  map: IteratedMap,
  curve: TrigonometricCurve,
  lifts: Float64Array,
  turns: number,
  weights: Float64Array,
  nodes: number,
): { readonly orbit: Matrix; readonly residual: number } | null => {
  const n = curve.dimension;
  const most = Math.min(MOST_HARMONICS, nodes);
  const fourier = scatteredFourier(1, most);
  const sample = new Float64Array(1);
  for (let t = 0; t < weights.length; t++) {
    sample[0] = lifts[t]! - turns * t;
    fourier.add(turns * t, weights[t]!, sample);
  }
  const coefficients = fourier.sums();
  const image = new Float64Array(n);
  const point = new Float64Array(n);
  let best: { readonly orbit: Matrix; readonly residual: number } | null = null;
  for (let harmonics = 8; harmonics <= most; harmonics *= 2) {
    const conjugacy = trigonometricCurve(1, harmonics, coefficients.subarray(0, 2 * (harmonics + 1)));
    const evenAt = (phase: number): number => {
      conjugacy.at(phase, sample);
      return phase + sample[0]!;
    };
    const orbit = matrix(PHASES, n);
    let residual = 0;
    for (let p = 0; p < PHASES; p++) {
      const row = orbit.data.subarray(p * n, (p + 1) * n);
      curve.at(evenAt(p / PHASES), row);
      map.image(row, image, 0);
      curve.at(evenAt(p / PHASES + turns), point);
      let sum = 0;
      for (let i = 0; i < n; i++) sum += (image[i]! - point[i]!) ** 2;
      residual = Math.max(residual, Math.sqrt(sum));
    }
    const size = Math.hypot(...amplitudeOf(orbit));
    if (residual <= EVEN * size && (best === null || residual < best.residual)) best = { orbit, residual };
    if (residual <= SHARP * size) break;
  }
  return best;
};
