import { type Matrix, matrix } from '@drnn/tensor';
import type { Budget } from './budget.js';
import { amplitudeOf, harmonicsOf, highestRow, rolled } from './closed-curve.js';
import type { Multiplier } from './floquet.js';
import { distance } from './distance.js';
import { flowCycle, type FlowCycle } from './flow-cycle.js';
import { invariantCircle, type InvariantCircle } from './invariant-circle.js';
import type { IteratedMap } from './iterated-map.js';
import { curveDynamics } from './curve-dynamics.js';
import type { ResolvedCurve } from './invariant-curve.js';
import { lyapunovSpectrum } from './lyapunov-spectrum.js';
import type { HeldNetwork } from './network.js';
import { networkFlow, ratesOf } from './network-dynamics.js';
import { periodicOrbit } from './periodic-orbit.js';
import { tangentFlow } from './shooting.js';

/** A cycle of a network as it runs, step by step. */
export interface Cycle {
  /**
   * `circle`: a closed curve that the network takes into itself, turning by a part of a turn that is no whole number of
   * steps. `periodic`: so many states, one after the other, and the first again.
   */
  readonly class: 'circle' | 'periodic';
  /** Closed curves that the network visits one after the other: more than one only far from the flow. 1 if periodic. */
  readonly pieces: number;
  /** Steps of one turn: 1 / rho of a circle, the number of states of a periodic cycle. */
  readonly period: number;
  /**
   * Rates at equal phases of a circle, piece after piece, or the states one after the other, `[phase, unit]`. Of a circle on
   * which orbits are locked, at equal lengths.
   */
  readonly orbit: Matrix;
  /** Half of what each unit covers, `[unit]`. */
  readonly amplitude: Float64Array;
  /** The share of the power in each of the first harmonics, the fundamental first. */
  readonly harmonics: Float64Array;
  /** Lyapunov exponents, nats a step, the leading ones: one of a circle is 0, the first where it attracts. */
  readonly exponents: Float64Array;
  /** Whether it attracts what is near it; else it repels it, or is a saddle. */
  readonly isStable: boolean;
  /** |m| of the slowest direction that leads to the cycle, in one turn: below 1; above 1 of the fastest that leads away. */
  readonly transverseMultiplier: number;
  /** Of a periodic cycle, over its whole length, the largest first; a circle has no more than `exponents`. */
  readonly multipliers: readonly Multiplier[] | null;
  /** How far the map leaves the curve, or how far the last state is from the first. */
  readonly residual: number;
  /**
   * The cycle of the flow, a -> 0, that belongs to it, its states in rates and its time in steps; null where none was found
   * near it, or in the time that was left.
   */
  readonly flow: FlowCycle | null;
}

const LONGEST = 1000;
const LONGEST_TURN = 4000;
const PIECES = [1, 2, 3, 4, 5, 6, 8, 10, 12];
/** What has come so near to itself, as a part of its size, may be periodic. */
const RETURNED = 1e-6;
/** Newton's method must not leave for another cycle. */
const NEAR = 1e-3;

/** The least k <= 1000 with x[t+k] next to x[t], at several t; 0 where there is none. And how far the orbit reaches. */
const returning = (map: IteratedMap, start: Float64Array): { readonly order: number; readonly size: number } => {
  let x = start.slice();
  let next = x.slice();
  let size = 0;
  const back: number[] = [];
  for (let t = 1; t <= LONGEST; t++) {
    if (map.isCut?.() === true) return { order: 0, size: 0 };
    map.image(x, next, t);
    [x, next] = [next, x];
    const away = distance(x, start);
    size = Math.max(size, away);
    back.push(away);
  }
  return { order: back.findIndex((away) => away <= RETURNED * size) + 1, size };
};

/** The harmonic of most power in a periodic orbit: how often it goes round. */
const turnsOf = ({ rows, columns, data }: Matrix): number => {
  let best = 1;
  let most = 0;
  for (let h = 1; h <= rows >> 1; h++) {
    let power = 0;
    for (let i = 0; i < columns; i++) {
      let re = 0;
      let im = 0;
      for (let p = 0; p < rows; p++) {
        const angle = (2 * Math.PI * ((h * p) % rows)) / rows;
        re += data[p * columns + i]! * Math.cos(angle);
        im += data[p * columns + i]! * Math.sin(angle);
      }
      power += re * re + im * im;
    }
    if (power > most * (1 + 1e-9)) [best, most] = [h, power];
  }
  return best;
};

const inRates = (held: HeldNetwork, { rows, columns, data }: Matrix): Matrix => ({
  rows,
  columns,
  data: ratesOf(held, data),
});

/** The flow's own cycle near a state of the map's: after some turns of the flow, since the two differ by the size of a step. */
const flowCycleNear = (
  held: HeldNetwork,
  state: Float64Array,
  period: number,
  budget: Budget | undefined,
): FlowCycle | null => {
  if (period < 4) return null;
  const flow = networkFlow(held, budget);
  const run = tangentFlow(flow, 0, { relative: 1e-6, absolute: 1e-8 });
  run.y.set(state);
  if (!run.run(5 * period)) return null;
  const found = flowCycle(flow, matrix(1, held.units, run.y.slice()), period);
  if (found === null || found.period > 1.5 * period || found.period < period / 1.5) return null;
  const orbit = inRates(held, found.orbit);
  return { ...found, orbit, amplitude: amplitudeOf(orbit), harmonics: harmonicsOf(orbit) };
};

/**
 * The attracting cycle that a state of the map is on, to rounding; null where it is on none, or still on its way. Periodic
 * orbits by Newton's method, else an invariant circle. Null where `budget`, which the map spends from, is over before.
 */
export const cycleAt = (held: HeldNetwork, map: IteratedMap, state: Float64Array, budget?: Budget): Cycle | null => {
  const n = held.units;
  const { order, size } = returning(map, state);
  if (!(size > 0)) return null;
  if (order > 1) {
    const found = periodicOrbit(map, state, order, 1e-11 * Math.max(1, size));
    if (found === null || found.order === 1 || !found.isStable) return null;
    if (distance(found.orbit.data.subarray(0, n), state) > NEAR * size) return null;
    const { multipliers, residual } = found;
    const rates = inRates(held, found.orbit);
    const amplitude = amplitudeOf(rates);
    const turns = turnsOf(rates);
    return {
      class: 'periodic',
      pieces: 1,
      period: found.order,
      orbit: rolled(rates, highestRow(rates, amplitude)),
      amplitude,
      harmonics: harmonicsOf(rates),
      exponents: Float64Array.from(multipliers, ({ logModulus }) => logModulus / found.order),
      isStable: true,
      transverseMultiplier: Math.exp(multipliers[0]?.logModulus ?? 0),
      multipliers,
      residual,
      flow: flowCycleNear(held, state, found.order / turns, budget),
    };
  }
  if (order === 1) return null;
  const isFarFromFlow = held.alpha.some((a) => a > 0.3);
  for (const pieces of isFarFromFlow ? PIECES : [1]) {
    const circle = invariantCircle(power(map, pieces), state, { longest: Math.ceil(LONGEST_TURN / pieces) });
    if (circle !== null)
      return ofCircle(held, map, pieces > 1 ? joined(map, circle, pieces) : { circle, pieces }, budget);
  }
  return null;
};

/** F^k, whose derivative is not asked for. */
const power = (map: IteratedMap, k: number): IteratedMap => {
  if (k === 1) return map;
  const between = new Float64Array(map.dimension);
  return {
    ...map,
    image: (x, out) => {
      map.image(x, out, 0);
      for (let j = 1; j < k; j++) {
        between.set(out);
        map.image(between, out, 0);
      }
    },
  };
};

interface Pieces {
  readonly circle: InvariantCircle;
  readonly pieces: number;
}

/**
 * A circle of F^q may be one of F itself, where F turns by nearly a whole part of a turn and F^q hardly: then F takes K
 * to K, by the one of (j + rho) / q that the first point says and others confirm.
 */
const joined = (map: IteratedMap, circle: InvariantCircle, pieces: number): Pieces => {
  const { orbit, amplitude, rotationNumber } = circle;
  const { rows, columns: n, data } = orbit;
  const image = new Float64Array(n);
  /** The row nearest to F of a row, and how near. */
  const nearestTo = (p: number): readonly [number, number] => {
    map.image(data.subarray(p * n, (p + 1) * n), image, 0);
    let best = 0;
    let least = Infinity;
    for (let q = 0; q < rows; q++) {
      const away = distance(data.subarray(q * n, (q + 1) * n), image);
      if (away < least) [best, least] = [q, away];
    }
    return [best, least];
  };
  const size = Math.hypot(...amplitude);
  const spacing = (4 * Math.PI * size) / rows;
  const [first] = nearestTo(0);
  const omega = (Math.round((pieces * first) / rows - rotationNumber) + rotationNumber) / pieces;
  for (let p = 0; p < rows; p += 8) {
    const [row, away] = nearestTo(p);
    const turned = (row - p) / rows - omega;
    if (away > spacing || Math.abs(turned - Math.round(turned)) > 3 / rows) return { circle, pieces };
  }
  const rho = Math.abs(omega - Math.round(omega));
  return { circle: { ...circle, rotationNumber: rho, period: 1 / rho }, pieces: 1 };
};

/** How much of the phase may be lost a step on a circle that is not locked. */
const LOCKED = 1e-7;
/** |ln m| of a turn below which it is not known whether the circle attracts. */
const NEUTRAL = 1e-7;
/** A cycle of the flow is another one where it is so many times as wide. */
const OTHER = 1.5;

/**
 * The cycle of an invariant curve; null where it is not known whether it attracts, where there is a fixed point on it, and
 * where it attracts and orbits on it are locked: then they come to a periodic cycle.
 */
export const cycleOnCurve = (
  held: HeldNetwork,
  map: IteratedMap,
  curve: ResolvedCurve,
  budget: Budget | undefined,
): Cycle | null => {
  const n = held.units;
  const dynamics = curveDynamics(map, curve, Math.min(n - 1, n <= 50 ? 6 : 3));
  if (dynamics === null) return null;
  const { circle, along, across } = dynamics;
  const { period } = circle;
  const first = across[0] ?? 0;
  if (!(Math.abs(first) * period > NEUTRAL)) return null;
  const isStable = first < 0;
  if (isStable && along < -LOCKED) return null;
  const rates = inRates(held, circle.orbit);
  const amplitude = amplitudeOf(rates);
  const onCurve = circle.orbit.data.slice(0, n);
  return {
    class: 'circle',
    pieces: 1,
    period,
    orbit: rolled(rates, highestRow(rates, amplitude)),
    amplitude,
    harmonics: harmonicsOf(rates),
    exponents: Float64Array.of(along, ...across).toSorted((a, b) => b - a),
    isStable,
    transverseMultiplier: Math.exp(first * period),
    multipliers: null,
    residual: circle.residual,
    flow: isStable
      ? flowCycleNear(held, onCurve, period, budget)
      : flowCycleBeside(held, onCurve, period, amplitude, budget),
  };
};

/** The flow's own cycle near one of the map's that runs leave. */
const flowCycleBeside = (
  held: HeldNetwork,
  state: Float64Array,
  period: number,
  amplitude: Float64Array,
  budget: Budget | undefined,
): FlowCycle | null => {
  if (period < 4) return null;
  const found = flowCycle(networkFlow(held, budget), matrix(1, held.units, state.slice()), period);
  if (found === null || found.isStable || found.period > OTHER * period || found.period < period / OTHER) return null;
  const orbit = inRates(held, found.orbit);
  const width = Math.hypot(...amplitudeOf(orbit)) / Math.hypot(...amplitude);
  if (width > OTHER || width < 1 / OTHER) return null;
  return { ...found, orbit, amplitude: amplitudeOf(orbit), harmonics: harmonicsOf(orbit) };
};

const ofCircle = (
  held: HeldNetwork,
  map: IteratedMap,
  { circle, pieces }: Pieces,
  budget: Budget | undefined,
): Cycle | null => {
  const n = held.units;
  const period = pieces * circle.period;
  // On the curve, where the state that it was found from may still be on its way.
  const onCurve = circle.orbit.data.slice(0, n);
  const { exponents } = lyapunovSpectrum(map, onCurve, {
    count: Math.min(n, n <= 50 ? 6 : 3),
    length: Math.max(4000, Math.min(20_000, Math.ceil(40 * period))),
    transient: Math.min(1000, Math.ceil(10 * period)),
  });
  if (map.isCut?.() === true) return null;
  const { rows } = circle.orbit;
  const all = matrix(rows * pieces, n);
  all.data.set(circle.orbit.data);
  for (let p = rows; p < all.rows; p++) {
    map.image(all.data.subarray((p - rows) * n, (p - rows + 1) * n), all.data.subarray(p * n, (p + 1) * n), 0);
  }
  const first = inRates(held, circle.orbit);
  const rates = inRates(held, all);
  return {
    class: 'circle',
    pieces,
    period,
    orbit: pieces > 1 ? rates : rolled(rates, highestRow(rates, amplitudeOf(rates))),
    amplitude: amplitudeOf(rates),
    harmonics: harmonicsOf(first),
    exponents,
    isStable: true,
    transverseMultiplier: Math.exp((exponents[1] ?? 0) * period),
    multipliers: null,
    residual: circle.residual,
    flow: pieces > 1 ? null : flowCycleNear(held, onCurve, period, budget),
  };
};
