import { eigen } from '@drnn/linalg';
import { type Matrix, matrix } from '@drnn/tensor';
import { amplitudeOf, harmonicsOf, highestRow, rolled } from './closed-curve.js';
import { dormandPrince } from './dormand-prince.js';
import { floquetSpectrum, type Multiplier, type RoundTrip } from './floquet.js';
import type { Flow } from './flow.js';
import { orthonormaliseRows } from './orthonormal-rows.js';
import { ALL_UP_TO, type Precision, preciseFor, shoot, tangentFlow } from './shooting.js';

/** A closed orbit of a flow. */
export interface FlowCycle {
  /** The time of one turn, the shortest. */
  readonly period: number;
  /** States at equal parts of the period, `[phase, dimension]`; the variable with the largest amplitude is highest in the first. */
  readonly orbit: Matrix;
  /** Z, `[phase, dimension]`: the phase, in units of time, that a small displacement d there gains in the end is Z d. Z f = 1. Null where it did not converge, and where neighbours leave the orbit so fast that it is lost within a turn. */
  readonly phaseResponse: Matrix | null;
  /** The largest modulus first, the one that is 1 among them: all, or the leading ones that converged. */
  readonly multipliers: readonly Multiplier[];
  /** No multiplier but the one that is 1 is on or outside the unit circle. */
  readonly isStable: boolean;
  /** Half of what each variable covers, `[dimension]`. */
  readonly amplitude: Float64Array;
  /** The share of the power in each of the first harmonics, the fundamental first. */
  readonly harmonics: Float64Array;
  /** How far the orbit is from closing, in |x|. */
  readonly residual: number;
  /** Newton's last step, in |x| and time: about how far the true orbit is. */
  readonly lastStep: number;
  /** |m - 1| of the multiplier nearest to 1, which is 1 of any orbit. */
  readonly trivialError: number;
  /** |sum ln|m| - integral of tr J| (Liouville); null where not all multipliers were taken. */
  readonly liouvilleError: number | null;
}

export interface FlowCycleOptions {
  /** Phases of `orbit`. Default 128. */
  readonly phases?: number;
  /** Directions that multipliers are sought in. Default all up to 32, else 12, of which those that converged are returned. */
  readonly multipliers?: number;
}

const LEADING = 12;
/** Of directions in more dimensions than 32: what multipliers of 1e-9 relative need. */
const LESS_PRECISE: Precision = { relative: 1e-11, absolute: 1e-13 };
/** Of a guess there. */
const ROUGH: Precision = { relative: 1e-8, absolute: 1e-10 };

const ofDirections = (dimension: number): Precision => (dimension <= ALL_UP_TO ? preciseFor(dimension) : LESS_PRECISE);
const ofGuess = (dimension: number): Precision => (dimension <= ALL_UP_TO ? preciseFor(dimension) : ROUGH);
/** Growth of neighbours, ln, within one segment of the shooting. */
const GROWTH_A_SEGMENT = 6;
/** A gap of this part of the orbit's size is closed. */
const CLOSED = 1e-9;
const MOST_WINDINGS = 8;

const distanceTo = (a: Float64Array, at: number, b: Float64Array, n: number): number => {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += (a[at + i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
};

/** Takes directions round the orbit through the nodes, each piece a step of the integrator. */
const roundTrip =
  (flow: Flow, nodes: Matrix, period: number, precision: Precision): RoundTrip =>
  (directions, count, onPiece) => {
    const n = flow.dimension;
    const y = new Float64Array(n * (1 + count));
    const views = new Map<Float64Array, readonly [Float64Array, Float64Array]>();
    const integrator = dormandPrince(
      (from, to) => {
        let [x, v] = views.get(from) ?? [];
        if (x === undefined || v === undefined) views.set(from, [(x = from.subarray(0, n)), (v = from.subarray(n))]);
        let [dx, dv] = views.get(to) ?? [];
        if (dx === undefined || dv === undefined) views.set(to, [(dx = to.subarray(0, n)), (dv = to.subarray(n))]);
        flow.velocity(x, dx);
        flow.tangent(v, count, dv);
      },
      y.length,
      { state: n, ...precision },
    );
    const growth = new Float64Array(count);
    const lower = new Float64Array(count * count);
    const rows = y.subarray(n);
    rows.set(directions);
    const part = period / nodes.rows;
    for (let k = 0; k < nodes.rows; k++) {
      y.set(nodes.data.subarray(k * n, (k + 1) * n));
      let rest = part;
      while (rest > 0 && flow.isCut?.() !== true) {
        const taken = integrator.step(y, rest);
        if (taken === 0) break;
        rest = taken === rest ? 0 : rest - taken;
        orthonormaliseRows(rows, count, n, growth, lower);
        onPiece(lower, growth);
      }
    }
    directions.set(rows);
  };

/** States at `phases` equal parts of the period, from each node anew. */
const sampled = (
  flow: Flow,
  nodes: Matrix,
  period: number,
  phases: number,
  precision = preciseFor(flow.dimension),
): Matrix => {
  const n = flow.dimension;
  const each = Math.ceil(phases / nodes.rows);
  const orbit = matrix(each * nodes.rows, n);
  const run = tangentFlow(flow, 0, precision);
  for (let k = 0; k < nodes.rows; k++) {
    run.y.set(nodes.data.subarray(k * n, (k + 1) * n));
    for (let p = 0; p < each; p++) {
      orbit.data.set(run.y, (k * each + p) * n);
      run.run(period / orbit.rows);
    }
  }
  return orbit;
};

/** How the response is known to be that: it is the same, as a part of its size, after one of so many turns. */
interface Closing {
  readonly turns: number;
  readonly within: number;
}
/** Backward everything else dies out of the adjoint, whatever it began from. */
const CONVERGES: Closing = { turns: 60, within: 1e-9 };
/** Where neighbours leave the orbit the rest grows: one turn, from the left eigenvector. */
const ONCE: Closing = { turns: 1, within: 1e-6 };

/**
 * Z of the orbit `[phase, dimension]` by the adjoint equation z' = -J'z, backward from z at the end. Each piece starts anew from the state that is known, since the
 * orbit itself is unstable backward.
 */
const phaseResponseOf = (
  flow: Flow,
  orbit: Matrix,
  period: number,
  start: Float64Array,
  { turns, within }: Closing,
): Matrix | null => {
  const { rows: phases, columns: n } = orbit;
  const views = new Map<Float64Array, readonly [Float64Array, Float64Array]>();
  const halves = (array: Float64Array): readonly [Float64Array, Float64Array] => {
    const known = views.get(array);
    if (known !== undefined) return known;
    const made = [array.subarray(0, n), array.subarray(n)] as const;
    views.set(array, made);
    return made;
  };
  const y = new Float64Array(2 * n);
  const integrator = dormandPrince(
    (from, to) => {
      const [x, z] = halves(from);
      const [dx, dz] = halves(to);
      flow.velocity(x, dx);
      flow.adjoint(z, dz);
      for (let i = 0; i < n; i++) dz[i] = -dz[i]!;
    },
    2 * n,
    { state: n, ...ofDirections(n) },
  );
  const speed = new Float64Array(n);
  const response = matrix(phases, n);
  const z = y.subarray(n);
  /** z over z f at the state of the phase. */
  const normalise = (phase: number): boolean => {
    flow.velocity(orbit.data.subarray(phase * n, (phase + 1) * n), speed);
    let dot = 0;
    for (let i = 0; i < n; i++) dot += z[i]! * speed[i]!;
    if (!(Math.abs(dot) > 0)) return false;
    for (let i = 0; i < n; i++) z[i]! /= dot;
    return true;
  };
  z.set(start);
  if (!normalise(0)) return null;
  for (let turn = 0; turn < turns; turn++) {
    const before = z.slice();
    for (let p = phases - 1; p >= 0; p--) {
      y.set(orbit.data.subarray(((p + 1) % phases) * n, ((p + 1) % phases) * n + n));
      let rest = -period / phases;
      while (rest < 0) {
        const taken = flow.isCut?.() === true ? 0 : integrator.step(y, rest);
        if (taken === 0) return null;
        rest = taken === rest ? 0 : rest - taken;
      }
      if (!normalise(p)) return null;
      response.data.set(z, p * n);
    }
    let change = 0;
    let size = 0;
    for (let i = 0; i < n; i++) {
      change += (z[i]! - before[i]!) ** 2;
      size += z[i]! * z[i]!;
    }
    if (change <= within ** 2 * size) return response;
  }
  return null;
};

/** Integral of tr J once round. */
const divergenceRound = (flow: Flow, nodes: Matrix, period: number): number => {
  const n = flow.dimension;
  const withVolume: Flow = {
    ...flow,
    dimension: n + 1,
    velocity: (x, out) => {
      flow.velocity(x.subarray(0, n), out.subarray(0, n));
      out[n] = flow.divergence();
    },
  };
  const run = tangentFlow(withVolume, 0);
  let sum = 0;
  for (let k = 0; k < nodes.rows; k++) {
    run.y.set(nodes.data.subarray(k * n, (k + 1) * n));
    run.y[n] = 0;
    run.run(period / nodes.rows);
    sum += run.y[n]!;
  }
  return sum;
};

/** How often the orbit goes round in the period, 1 or up to 8: where it is after each part of the first segment that may be a turn. */
const windings = (flow: Flow, nodes: Matrix, period: number, size: number): number => {
  const n = flow.dimension;
  const start = nodes.data.subarray(0, n);
  const run = tangentFlow(flow, 0);
  let node = -1;
  let time = 0;
  for (let turns = MOST_WINDINGS; turns > 1; turns--) {
    // From the node before it, since errors may grow from the first on.
    const target = period / turns;
    const from = Math.min(nodes.rows - 1, Math.floor(nodes.rows / turns));
    if (from !== node) {
      run.y.set(nodes.data.subarray(from * n, (from + 1) * n));
      node = from;
      time = (from * period) / nodes.rows;
    }
    if (target > time && !run.run(target - time)) return 1;
    time = target;
    if (distanceTo(run.y, 0, start, n) < 1e-6 * size) return turns;
  }
  return 1;
};

/**
 * The closed orbit of a flow near a guess, with its Floquet multipliers and phase response, or null where Newton's method
 * finds none: nothing that does not close to 1e-9 of its size is returned, and no fixed point. `guess` is a state near
 * the orbit, or states `[node, dimension]` at equal parts of the period, which a strongly unstable orbit needs; `period`
 * is about its time.
 *
 * Multipliers by orthogonal iteration round the orbit (`floquetSpectrum`); the phase response by the adjoint equation. An
 * orbit is not proven in the way a fixed point is: `residual`, `lastStep`, `trivialError` and `liouvilleError` say how
 * well it is known. Cost: some three turns of the variational equation, 2 n^3 a stage of the integrator.
 */
export const flowCycle = (
  flow: Flow,
  guess: Matrix,
  period: number,
  options: FlowCycleOptions = {},
): FlowCycle | null => {
  const n = flow.dimension;
  if (!(period > 0) || guess.columns !== n || guess.rows < 1) return null;
  const isState = guess.rows === 1;
  const extent = Math.max(...amplitudeOf(isState ? sampled(flow, guess, period, 64, ofGuess(n)) : guess));
  if (!(extent > 0)) return null;
  const time = isState ? returnTime(flow, guess.data, period) : period;
  const closed = shoot(flow, isState ? nodesOf(flow, guess, time) : guess, time, { tolerance: CLOSED * extent });
  if (closed === null) return null;
  const unrolled = sampled(flow, closed.nodes, closed.period, options.phases ?? 128);
  const amplitude = amplitudeOf(unrolled);
  const size = Math.max(...amplitude);
  if (!(size > 1e-3 * extent)) return null;
  const turns = windings(flow, closed.nodes, closed.period, size);
  if (turns > 1) {
    const first = sampled(flow, closed.nodes, closed.period, turns * closed.nodes.rows);
    const once = { rows: closed.nodes.rows, columns: n, data: first.data.slice(0, closed.nodes.rows * n) };
    return flowCycle(flow, once, closed.period / turns, options);
  }
  const { nodes, residual, lastStep } = closed;
  const orbit = rolled(unrolled, highestRow(unrolled, amplitude));

  const count = Math.min(n, options.multipliers ?? (n <= ALL_UP_TO ? n : LEADING));
  const isSingle = nodes.rows === 1;
  const turn = roundTrip(flow, isSingle ? matrix(1, n, orbit.data.slice(0, n)) : nodes, closed.period, ofDirections(n));
  const monodromy = count === n && isSingle ? monodromyOf(flow, orbit, closed.period) : undefined;
  const { multipliers, logVolume, left } = floquetSpectrum(n, count, turn, monodromy);
  const away = multipliers.map(({ value: [re, im] }) => Math.hypot(re - 1, im));
  const trivialError = Math.min(...away);
  const trivial = away.indexOf(trivialError);
  if (flow.isCut?.() === true) return null;
  const speed = new Float64Array(n);
  flow.velocity(orbit.data.subarray(0, n), speed);
  const isStable = multipliers.length > 1 && multipliers.every(({ logModulus }, k) => k === trivial || logModulus < 0);
  const closing = isStable ? CONVERGES : ONCE;
  const whole = monodromy ?? (isStable || count < n ? undefined : monodromyOf(flow, orbit, closed.period));
  const leftVector = whole !== undefined ? leftOf(whole) : isSingle ? (left ?? speed) : speed;
  return {
    period: closed.period,
    orbit,
    phaseResponse: phaseResponseOf(flow, orbit, closed.period, leftVector, closing),
    multipliers,
    isStable,
    amplitude,
    harmonics: harmonicsOf(orbit),
    residual,
    lastStep,
    trivialError,
    liouvilleError: count === n ? Math.abs(logVolume - divergenceRound(flow, nodes, closed.period)) : null,
  };
};

/**
 * When the orbit of x comes back nearest to it, between 0.7 and 1.4 of the period, and there across the plane through x
 * at right angles to its velocity: what a linear step cannot know where the speed changes quickly.
 */
const returnTime = (flow: Flow, x: Float64Array, period: number): number => {
  const n = flow.dimension;
  const run = tangentFlow(flow, 0, ofGuess(n));
  run.y.set(x);
  if (!run.run(0.7 * period)) return period;
  const steps = 256;
  const piece = (0.7 * period) / steps;
  let nearest = Infinity;
  let best = 0.7 * period;
  const state = new Float64Array(n);
  for (let k = 0; k <= steps; k++) {
    const distance = distanceTo(run.y, 0, x, n);
    if (distance < nearest) {
      nearest = distance;
      best = 0.7 * period + k * piece;
      state.set(run.y);
    }
    if (k < steps && !run.run(piece)) break;
  }
  const direction = new Float64Array(n);
  const speed = new Float64Array(n);
  flow.velocity(x, direction);
  run.y.set(state);
  let moved = 0;
  for (let round = 0; round < 8; round++) {
    flow.velocity(run.y, speed);
    let height = 0;
    let rate = 0;
    for (let i = 0; i < n; i++) {
      height += direction[i]! * (run.y[i]! - x[i]!);
      rate += direction[i]! * speed[i]!;
    }
    const wait = -height / rate;
    if (!(rate > 0) || Math.abs(moved + wait) > 2 * piece) break;
    if (Math.abs(wait) < 1e-12 * period || !run.run(wait)) break;
    moved += wait;
  }
  return best + moved;
};

/** A guess at equal parts of the period, as many as neighbours part by e^6. */
const nodesOf = (flow: Flow, guess: Matrix, period: number): Matrix => {
  const n = flow.dimension;
  let sum = 0;
  let lowest = 0;
  let largest = 0;
  const direction = new Float64Array(n).fill(1 / Math.sqrt(n));
  roundTrip(
    flow,
    guess,
    period,
    ofGuess(n),
  )(direction, 1, (_, growth) => {
    sum += growth[0]!;
    lowest = Math.min(lowest, sum);
    largest = Math.max(largest, sum - lowest);
  });
  return sampled(flow, guess, period, Math.max(1, Math.ceil(largest / GROWTH_A_SEGMENT)));
};

/** dPhi_T at the first phase. */
const monodromyOf = (flow: Flow, orbit: Matrix, period: number): Matrix => {
  const n = flow.dimension;
  const run = tangentFlow(flow, n);
  run.y.set(orbit.data.subarray(0, n));
  for (let d = 0; d < n; d++) run.y[n + d * n + d] = 1;
  run.run(period);
  const M = matrix(n, n);
  for (let d = 0; d < n; d++) for (let i = 0; i < n; i++) M.data[i * n + d] = run.y[n + d * n + i]!;
  return M;
};

/** The left eigenvector of the eigenvalue nearest to 1. */
const leftOf = (monodromy: Matrix): Float64Array => {
  const n = monodromy.rows;
  const { values, left } = eigen(monodromy);
  let best = 0;
  const away = (k: number): number => Math.hypot(values.real[k]! - 1, values.imaginary[k]!);
  for (let k = 1; k < n; k++) if (away(k) < away(best)) best = k;
  return Float64Array.from({ length: n }, (_, i) => left.real.data[i * n + best]!);
};
