import { fillGaussian, randomStream } from '@drnn/simulator';
import { type Matrix, matrix } from '@drnn/tensor';
import { amplitudeOf, harmonicsOf, highestRow, rolled } from './closed-curve.js';
import type { IteratedMap } from './iterated-map.js';
import { scatteredFourier } from './scattered-fourier.js';
import { bumpWeights, sharpWeights } from './weighted-average.js';

/** A closed curve that a map takes into itself and turns: F(K(theta)) = K(theta + 2 pi rho). */
export interface InvariantCircle {
  /** rho, turns a step, in (0, 1/2]. */
  readonly rotationNumber: number;
  /** 1 / rho, steps. */
  readonly period: number;
  /** K at equal phases, `[phase, dimension]`. */
  readonly orbit: Matrix;
  /** Half of what each variable covers, `[dimension]`. */
  readonly amplitude: Float64Array;
  /** The share of the power in each of the first harmonics, the fundamental first. */
  readonly harmonics: Float64Array;
  /** max |F(K(theta)) - K(theta + 2 pi rho)|, in |x|. */
  readonly residual: number;
}

export interface InvariantCircleOptions {
  /** Steps that are averaged over. Default 30 periods, and 4096 at least. */
  readonly length?: number;
  /** Steps within which an orbit on the curve must have come back: its longest period. Default 4000. */
  readonly longest?: number;
  /** Phases of `orbit`. Default 128. */
  readonly phases?: number;
  /** The invariance that is asked for, as a part of the size of the curve. Default 1e-7. */
  readonly tolerance?: number;
}

const SIGNALS = 4;
/** Turns of a phase by products before it is computed anew. */
const RESYNC = 32;
const ROUGH = 2048;
const LEAST_LENGTH = 4096;
/** An invariance, as a part of the size, that more steps are not made for; and how often they are doubled. */
const SHARP = 1e-11;
const ROUNDS = 3;
/** Half of them turn often enough for `sharpWeights`. */
const PERIODS = 30;
/** Turns in which an orbit on a curve comes within a thirteenth of a step. */
const TURNS = 12;
const MOST_PERIOD = 4000;
/** Above this period the first return tells which harmonic the strongest line is. */
const SLOW = 24;
const MOST_HARMONICS = 256;
/** Most turns of the dominant line in one of the whole. */
const MOST_SUBHARMONIC = 6;

/** Random projections of an orbit, `[time, signal]`, about their means, and its end. */
const signalsOf = (
  map: IteratedMap,
  start: Float64Array,
  length: number,
): { readonly signals: Float64Array; readonly end: Float64Array } => {
  const n = map.dimension;
  const directions = new Float64Array(SIGNALS * n);
  fillGaussian(randomStream(1, 'signals')(0), 1 / Math.sqrt(n), directions);
  const signals = new Float64Array(length * SIGNALS);
  let x = start.slice();
  let next = new Float64Array(n);
  const means = new Float64Array(SIGNALS);
  for (let t = 0; t < length && map.isCut?.() !== true; t++) {
    for (let q = 0; q < SIGNALS; q++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += directions[q * n + i]! * x[i]!;
      signals[t * SIGNALS + q] = sum;
      means[q]! += sum / length;
    }
    map.image(x, next, t);
    [x, next] = [next, x];
  }
  for (let k = 0; k < signals.length; k++) signals[k]! -= means[k % SIGNALS]!;
  return { signals, end: x };
};

/** sum_s w_s x_{from + s} e^{-2 pi i nu s} of each signal, [re, im] by turns. */
const lineOf = (signals: Float64Array, from: number, weights: Float64Array, nu: number, out: Float64Array): void => {
  out.fill(0);
  const stepRe = Math.cos(2 * Math.PI * nu);
  const stepIm = -Math.sin(2 * Math.PI * nu);
  let re = 1;
  let im = 0;
  for (let s = 0; s < weights.length; s++) {
    if (s % RESYNC === 0) {
      // Reduced before it is scaled, so that late angles are as exact as early ones.
      const angle = -2 * Math.PI * ((nu * s) % 1);
      re = Math.cos(angle);
      im = Math.sin(angle);
    }
    const c = weights[s]! * re;
    const d = weights[s]! * im;
    const at = (from + s) * SIGNALS;
    for (let q = 0; q < SIGNALS; q++) {
      const value = signals[at + q]!;
      out[2 * q]! += c * value;
      out[2 * q + 1]! += d * value;
    }
    const next = re * stepRe - im * stepIm;
    im = re * stepIm + im * stepRe;
    re = next;
  }
};

const powerOf = (line: Float64Array): number => line.reduce((sum, value) => sum + value * value, 0);

/** The frequency of most power, in (0, 1/2], to a small part of 1 / 2048. */
const roughFrequency = (signals: Float64Array): number => {
  const weights = bumpWeights(ROUGH);
  const line = new Float64Array(2 * SIGNALS);
  const powers = new Float64Array(ROUGH + 2);
  // Half bins, so that no line falls between two.
  for (let k = 2; k <= ROUGH; k++) {
    lineOf(signals, 0, weights, k / (2 * ROUGH), line);
    powers[k] = powerOf(line);
  }
  let best = 2;
  for (let k = 3; k <= ROUGH; k++) if (powers[k]! > powers[best]!) best = k;
  const [low, middle, high] = [powers[best - 1]!, powers[best]!, powers[best + 1]!].map((p) => Math.log(p + 1e-300));
  const bend = low! - 2 * middle! + high!;
  const shift = bend < 0 && best > 2 && best < ROUGH ? Math.max(-0.5, Math.min(0.5, (0.5 * (low! - high!)) / bend)) : 0;
  return (best + shift) / (2 * ROUGH);
};

const wrapped = (turns: number): number => turns - Math.round(turns);

/**
 * The frequency by how far the phase of its line moves between two windows, ever farther apart: right to rounding once
 * other lines are many windows' resolutions away.
 */
const refined = (signals: Float64Array, length: number, rough: number): number => {
  const first = new Float64Array(2 * SIGNALS);
  const second = new Float64Array(2 * SIGNALS);
  let nu = rough;
  const refine = (weights: Float64Array): void => {
    const window = weights.length;
    for (let round = 0; round < 2; round++) {
      lineOf(signals, 0, weights, nu, first);
      lineOf(signals, window, weights, nu, second);
      let re = 0;
      let im = 0;
      for (let q = 0; q < SIGNALS; q++) {
        const [a, b, c, d] = [first[2 * q]!, first[2 * q + 1]!, second[2 * q]!, second[2 * q + 1]!];
        re += a * c + b * d;
        im += a * d - b * c;
      }
      const turns = Math.atan2(im, re) / (2 * Math.PI);
      nu += wrapped(turns - ((nu * window) % 1)) / window;
    }
  };
  for (let window = ROUGH >> 1; window < length >> 1; window *= 2) refine(bumpWeights(window));
  refine(bumpWeights(length >> 1));
  refine(sharpWeights(length >> 1));
  return nu;
};

/** What is left of the signals when a function of one phase that turns by rho is taken off, over their size. */
const leftOver = (signals: Float64Array, length: number, rho: number, harmonics: number): number => {
  const weights = sharpWeights(length);
  const looks = 64;
  const model = new Float64Array(looks * SIGNALS);
  const line = new Float64Array(2 * SIGNALS);
  const at = (look: number): number => (length >> 2) + Math.floor((look * length) / (2 * looks));
  for (let h = 1; h <= harmonics; h++) {
    const nu = (h * rho) % 1;
    lineOf(signals, 0, weights, nu, line);
    for (let look = 0; look < looks; look++) {
      const angle = 2 * Math.PI * ((nu * at(look)) % 1);
      const [c, s] = [2 * Math.cos(angle), 2 * Math.sin(angle)];
      for (let q = 0; q < SIGNALS; q++) model[look * SIGNALS + q]! += c * line[2 * q]! - s * line[2 * q + 1]!;
    }
  }
  let left = 0;
  let size = 0;
  for (let q = 0; q < SIGNALS; q++) {
    // The mean of the orbit and that of the curve differ.
    let mean = 0;
    for (let look = 0; look < looks; look++) {
      mean += (signals[at(look) * SIGNALS + q]! - model[look * SIGNALS + q]!) / looks;
    }
    for (let look = 0; look < looks; look++) {
      const value = signals[at(look) * SIGNALS + q]!;
      left = Math.max(left, Math.abs(value - model[look * SIGNALS + q]! - mean));
      size = Math.max(size, Math.abs(value));
    }
  }
  return size > 0 ? left / size : Infinity;
};

/** Fourier coefficients of K, `[harmonic, re and im, dimension]`, by weighted averages along the orbit. */
const coefficientsOf = (
  map: IteratedMap,
  start: Float64Array,
  length: number,
  rho: number,
  harmonics: number,
): Float64Array => {
  const weights = sharpWeights(length);
  const fourier = scatteredFourier(map.dimension, harmonics);
  let x = start.slice();
  let next = x.slice();
  for (let t = 0; t < length && map.isCut?.() !== true; t++) {
    fourier.add(rho * t, weights[t]!, x);
    map.image(x, next, t);
    [x, next] = [next, x];
  }
  return fourier.sums();
};

/** out = K(theta), theta in turns. */
const evaluate = (coefficients: Float64Array, n: number, harmonics: number, turns: number, out: Float64Array): void => {
  for (let i = 0; i < n; i++) out[i] = coefficients[i]!;
  for (let h = 1; h <= harmonics; h++) {
    const angle = 2 * Math.PI * ((h * turns) % 1);
    const [c, s] = [2 * Math.cos(angle), 2 * Math.sin(angle)];
    const at = h * 2 * n;
    for (let i = 0; i < n; i++) out[i]! += c * coefficients[at + i]! - s * coefficients[at + n + i]!;
  }
};

/** Whether K goes round a curve more than once: at a subharmonic of its frequency any curve is invariant so. */
const coversItself = (coefficients: Float64Array, n: number, harmonics: number, size: number): boolean => {
  const here = new Float64Array(n);
  const there = new Float64Array(n);
  for (let turns = 2; turns <= 2 * MOST_SUBHARMONIC; turns++) {
    let farthest = 0;
    for (let p = 0; p < 5; p++) {
      evaluate(coefficients, n, harmonics, p / 5, here);
      evaluate(coefficients, n, harmonics, p / 5 + 1 / turns, there);
      let sum = 0;
      for (let i = 0; i < n; i++) sum += (here[i]! - there[i]!) ** 2;
      farthest = Math.max(farthest, Math.sqrt(sum));
    }
    if (farthest < 1e-2 * size) return true;
  }
  return false;
};

/**
 * The invariant circle that an orbit is on, or null where it is on none: from a state that has come to rest on it. The
 * rotation number is that of a line of the spectrum, and K the Fourier series that weighted averages along the orbit give
 * (Das, Saiki, Sander and Yorke 2017): no equations are solved, so that it costs the same in a thousand dimensions as the
 * orbit does. What decides is whether the map takes the curve into itself, to `tolerance`.
 *
 * A torus has lines that are no harmonics of one, and chaos has no lines: neither passes. An orbit of few points does not
 * determine a curve; `periodicOrbit` is to be asked before. Cost: 2 n^2 a step, 4096 steps or 30 periods, twice over.
 */
export const invariantCircle = (
  map: IteratedMap,
  start: Float64Array,
  options: InvariantCircleOptions = {},
): InvariantCircle | null => {
  let best = circleAlong(map, start, options);
  let state = start;
  for (let round = 1; round < ROUNDS && options.length === undefined; round++) {
    if (best === null || best.circle.residual <= SHARP * best.size) break;
    // The orbit was still on its way, or a line so near to another that it takes longer to tell them apart.
    state = best.end;
    const next = circleAlong(map, state, { ...options, length: 2 * best.length });
    if (next === null || next.circle.residual > best.circle.residual / 2) break;
    best = next;
  }
  return best?.circle ?? null;
};

/** A circle, how large it is, how long an orbit it is from, and where that ended. */
interface Averaged {
  readonly circle: InvariantCircle;
  readonly size: number;
  readonly length: number;
  readonly end: Float64Array;
}

const circleAlong = (
  map: IteratedMap,
  start: Float64Array,
  { phases = 128, tolerance = 1e-7, ...options }: InvariantCircleOptions,
): Averaged | null => {
  const first = firstReturn(map, start, options.longest ?? MOST_PERIOD);
  if (first === 0) return null;
  const isSlow = first > SLOW;
  const length = options.length ?? Math.max(LEAST_LENGTH, PERIODS * first * (isSlow ? 1 : MOST_SUBHARMONIC));
  const { signals, end } = signalsOf(map, start, length);
  if (map.isCut?.() === true) return null;
  const nu = refined(signals, length, roughFrequency(signals));
  const candidates = isSlow ? [nu / Math.max(1, Math.round(nu * first))] : [nu, ...subharmonicsOf(nu)];
  const circle = circleOf(map, start, signals, length, candidates, phases, tolerance);
  return circle === null ? null : { circle, size: Math.hypot(...circle.amplitude), length, end };
};

/**
 * The first step after which the orbit is back: nearer to where it began than three quarters of a step, as it must be
 * once in a turn of a closed curve, if in twelve turns it is once nearer than a fifth, as it then must be too (Dirichlet);
 * else 0. Chaos and tori come back so near much later.
 */
const firstReturn = (map: IteratedMap, start: Float64Array, longest: number): number => {
  const n = map.dimension;
  let x = start.slice();
  let next = x.slice();
  let before = x.slice();
  const away = (a: Float64Array, b: Float64Array): number => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += (a[i]! - b[i]!) ** 2;
    return Math.sqrt(sum);
  };
  map.image(x, next, 0);
  // From the second state on, so that there is a step on either side.
  [before, x, next] = [x, next, before];
  const origin = x.slice();
  let pace = away(origin, before);
  let isAway = false;
  let first = 0;
  let end = longest;
  for (let t = 1; t <= end && map.isCut?.() !== true; t++) {
    map.image(x, next, t);
    [x, next] = [next, x];
    const distance = away(x, origin);
    if (t === 1) pace = Math.max(pace, distance);
    if (!(pace > 0)) return 0;
    if (distance > pace * 0.9) isAway = true;
    else if (isAway && first === 0 && distance <= 0.75 * pace) {
      first = t;
      end = TURNS * t;
    }
    if (first > 0 && distance <= 0.2 * pace) return first;
  }
  return 0;
};

/** Frequencies of which nu, in a sampled signal, may be the harmonic m = 2, 3, ... */
const subharmonicsOf = (nu: number): readonly number[] => {
  const candidates: number[] = [];
  for (let m = 2; m <= MOST_SUBHARMONIC; m++) {
    for (let i = 0; i < m; i++) {
      const rho = Math.abs(wrapped((nu + i) / m));
      if (rho > 1e-6 && !candidates.some((other) => Math.abs(other - rho) < 1e-9)) candidates.push(rho);
    }
  }
  return candidates;
};

const circleOf = (
  map: IteratedMap,
  start: Float64Array,
  signals: Float64Array,
  length: number,
  candidates: readonly number[],
  phases: number,
  tolerance: number,
): InvariantCircle | null => {
  const n = map.dimension;
  for (const rho of candidates) {
    // Few harmonics tell already whether it is worth more.
    if (leftOver(signals, length, rho, 8) > 0.3) continue;
    let harmonics = 16;
    let left = leftOver(signals, length, rho, harmonics);
    while (left > 1e-11 && harmonics < MOST_HARMONICS) {
      const more = leftOver(signals, length, rho, 2 * harmonics);
      if (more > 0.5 * left) break;
      harmonics *= 2;
      left = more;
    }
    if (left > 10 * tolerance) continue;
    const coefficients = coefficientsOf(map, start, length, rho, harmonics);
    if (map.isCut?.() === true) return null;
    const orbit = matrix(phases, n);
    const image = new Float64Array(n);
    const turned = new Float64Array(n);
    let residual = 0;
    for (let p = 0; p < phases; p++) {
      const point = orbit.data.subarray(p * n, (p + 1) * n);
      evaluate(coefficients, n, harmonics, p / phases, point);
      map.image(point, image, 0);
      evaluate(coefficients, n, harmonics, p / phases + rho, turned);
      let distance = 0;
      for (let i = 0; i < n; i++) distance += (image[i]! - turned[i]!) ** 2;
      residual = Math.max(residual, Math.sqrt(distance));
    }
    const amplitude = amplitudeOf(orbit);
    if (!(residual <= tolerance * Math.max(...amplitude) * Math.sqrt(n))) continue;
    if (coversItself(coefficients, n, harmonics, Math.hypot(...amplitude))) continue;
    const aligned = rolled(orbit, highestRow(orbit, amplitude));
    return { rotationNumber: rho, period: 1 / rho, orbit: aligned, amplitude, harmonics: harmonicsOf(orbit), residual };
  }
  return null;
};
