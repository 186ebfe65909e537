import { fillGaussian, randomStream } from '@drnn/simulator';
import { failure, firstNonFinite, type Matrix, matrix, refuse } from '@drnn/tensor';
import { attractorAt } from './attraction.js';
import { expectState } from './controllability.js';
import { type AttractorNetwork, holdInput } from './network.js';
import { channelMatrix, type Channels, unitIssues } from './stimulation-channels.js';
import { type StimulatedNetwork, stimulatedNetwork } from './stimulated-network.js';

/**
 * What is done to a unit: `pulse` adds `size` to its current, `kick` adds it to its state once, before the first step,
 * `clamp` holds its rate at `size` (inside (-1, 1) in the current form).
 */
export type PerturbationKind = 'pulse' | 'kick' | 'clamp';

export interface ResponseOptions {
  /** u `[input]`, held. Default 0. */
  readonly input?: ArrayLike<number>;
  readonly kind?: PerturbationKind;
  /** Of a pulse (default 1) or a kick (default 0.1); of a clamp the rate, default 0. */
  readonly size?: number;
  /** Steps of a pulse or a clamp. Default 1. */
  readonly duration?: number;
  /** Steps that are followed. Default 100. */
  readonly steps?: number;
  /** Groups of units that are perturbed together. Default each unit alone. */
  readonly targets?: readonly (readonly number[])[];
  /** Stable points, rates `[unit]` each, in which a run may end. */
  readonly attractors?: readonly Float64Array[];
}

/** What a network does after each perturbation, against the run without. */
export interface Responses {
  /** Differences of rates: entry ((target x (steps + 1)) + t) x unit + i is that of unit i, t steps after the start. */
  readonly differences: Float64Array;
  readonly targets: number;
  readonly steps: number;
  readonly units: number;
  /** `[target]`: the first step from which the rms difference stays below a tenth of its largest; -1 where it does not. */
  readonly returnTime: Int32Array;
  /** `[target]`: the index of the attractor whose trap the run enters within 100 times the steps, or -1. */
  readonly destination: Int32Array;
}

/** 1 GB. */
const MOST_NUMBERS = 2 ** 27;

const applied = (
  network: StimulatedNetwork,
  kind: PerturbationKind,
  target: readonly number[],
  size: number,
): ((state: Float64Array, t: number, duration: number) => void) => {
  const clamped = network.held.form === 'rate' ? size : Math.atanh(size);
  return (state, t, duration) => {
    if (kind === 'kick' && t === 0) for (const unit of target) state[unit]! += size;
    if (kind === 'clamp' && t < duration) for (const unit of target) state[unit] = clamped;
  };
};

/**
 * The response of every unit to a perturbation of each unit (or group) in turn, from a state, rates `[unit]`: what an
 * experiment with stimulation would see, and a sterner test of a fit than its R2 (`responseCorrelation`). Cost 2 N^2 a
 * step and target. Errors: those of the network; targets that are no units; more than 2^27 numbers.
 */
export const responses = (network: AttractorNetwork, state: Float64Array, options: ResponseOptions = {}): Responses => {
  const held = holdInput(network, options.input);
  const n = held.units;
  expectState('state', state, n);
  const { kind = 'pulse', duration = 1, steps = 100, attractors = [] } = options;
  const targets = options.targets ?? Array.from({ length: n }, (_, i) => [i]);
  const size = options.size ?? (kind === 'pulse' ? 1 : kind === 'kick' ? 0.1 : 0);
  const whole = (path: string, value: number) =>
    Number.isSafeInteger(value) && value >= 1
      ? []
      : [{ path, seen: `${value}`, expected: 'a whole number of steps, 1 or more' }];
  refuse([
    ...whole('steps', steps),
    ...whole('duration', duration),
    ...targets.flatMap((units, k) => unitIssues(`targets[${k}]`, units, n)),
    ...(Number.isFinite(size) && (kind !== 'clamp' || held.form === 'rate' || Math.abs(size) < 1)
      ? []
      : [{ path: 'size', seen: `${size}`, expected: kind === 'clamp' ? 'a rate inside (-1, 1)' : 'a finite number' }]),
    ...(targets.length * (steps + 1) * n <= MOST_NUMBERS
      ? []
      : [
          {
            path: 'steps',
            seen: `${targets.length} targets, ${steps} steps, ${n} units`,
            expected: `at most ${MOST_NUMBERS} numbers`,
            hint: 'perturb fewer units at a time (targets), or follow fewer steps',
          },
        ]),
  ]);
  const differences = new Float64Array(targets.length * (steps + 1) * n);
  const returnTime = new Int32Array(targets.length).fill(-1);
  const destination = new Int32Array(targets.length).fill(-1);
  const plain = stimulatedNetwork(held, matrix(n, 0));
  const traps = attractors.map((rates, k) => attractorAt(plain, `attractors[${k}]`, rates));
  const start = plain.toState('state', state);
  const reference = matrix(steps + 1, n);
  let x = start.slice();
  let next = new Float64Array(n);
  for (let t = 0; t <= steps; t++) {
    reference.data.set(plain.toRates(x), t * n);
    plain.step(x, null, next, null);
    [x, next] = [next, x];
  }
  const one = Float64Array.of(size);
  const rms = new Float64Array(steps + 1);
  targets.forEach((target, k) => {
    const E = matrix(n, 1);
    for (const unit of target) E.data[unit] = 1;
    const perturbed = stimulatedNetwork(held, E);
    const disturb = applied(perturbed, kind, target, size);
    x.set(start);
    for (let t = 0; t <= steps; t++) {
      disturb(x, t, duration);
      const rates = perturbed.toRates(x);
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const difference = rates[i]! - reference.data[t * n + i]!;
        differences[(k * (steps + 1) + t) * n + i] = difference;
        sum += difference * difference;
      }
      rms[t] = Math.sqrt(sum);
      perturbed.step(x, kind === 'pulse' && t < duration ? one : null, next, null);
      [x, next] = [next, x];
    }
    const largest = rms.reduce((top, value) => Math.max(top, value), 0);
    let last = steps;
    while (last >= 0 && rms[last]! <= 0.1 * largest) last -= 1;
    returnTime[k] = last < steps ? last + 1 : -1;
    for (let t = steps; t < 100 * steps && destination[k] === -1 && traps.length > 0; t++) {
      destination[k] = traps.findIndex((trap) => trap.holds(x));
      perturbed.step(x, null, next, null);
      [x, next] = [next, x];
    }
  });
  return { differences, targets: targets.length, steps, units: n, returnTime, destination };
};

/** How alike the responses of two networks are: of a generator and its fit, say. */
export interface ResponseCorrelation {
  /** Correlation of all differences, without those of the perturbed units themselves at the start. */
  readonly all: number;
  /** `[target]`: of each perturbation; NaN where one network does not respond at all. */
  readonly byTarget: Float64Array;
  /** Part of the perturbations after which both end at the attractor of the same index; NaN where none were given. */
  readonly sameDestination: number;
}

/** Pearson's correlation of two sets of responses to the same perturbations. Errors: shapes that differ. */
export const responseCorrelation = (a: Responses, b: Responses): ResponseCorrelation => {
  refuse(
    a.targets === b.targets && a.steps === b.steps && a.units === b.units
      ? []
      : [
          {
            path: 'responses',
            seen: `[${b.targets}, ${b.steps + 1}, ${b.units}]`,
            expected: `[target=${a.targets}, step=${a.steps + 1}, unit=${a.units}]`,
          },
        ],
  );
  // At step 0 nothing but the perturbation itself is seen.
  const block = (a.steps + 1) * a.units;
  const from = a.units;
  const byTarget = Float64Array.from({ length: a.targets }, (_, k) =>
    pearson(
      a.differences.subarray(k * block + from, (k + 1) * block),
      b.differences.subarray(k * block + from, (k + 1) * block),
    ),
  );
  const later = (differences: Float64Array): Float64Array => differences.filter((_, i) => i % block >= from);
  const known = Array.from(a.destination.keys()).filter((k) => a.destination[k]! >= 0 || b.destination[k]! >= 0);
  return {
    all: pearson(later(a.differences), later(b.differences)),
    byTarget,
    sameDestination:
      known.length === 0
        ? Number.NaN
        : known.filter((k) => a.destination[k] === b.destination[k]).length / known.length,
  };
};

const pearson = (x: Float64Array, y: Float64Array): number => {
  const n = x.length;
  const meanX = x.reduce((sum, value) => sum + value, 0) / n;
  const meanY = y.reduce((sum, value) => sum + value, 0) / n;
  let [xx, yy, xy] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [p, q] = [x[i]! - meanX, y[i]! - meanY];
    xx += p * p;
    yy += q * q;
    xy += p * q;
  }
  return xy / Math.sqrt(xx * yy);
};

/** A network without some of its units, and which units of the whole are left. */
export interface Silenced {
  readonly network: AttractorNetwork;
  readonly kept: readonly number[];
}

/**
 * A network in which some units are silent: their rows and columns are gone, as if their rate were 0. Its fixed points are
 * others: search them anew. Errors: those of the network; units that are not there; no unit left.
 */
export const silence = (network: AttractorNetwork, units: readonly number[]): Silenced => {
  const { units: n } = holdInput(network);
  refuse(unitIssues('units', units, n));
  const kept = Array.from({ length: n }, (_, i) => i).filter((i) => !units.includes(i));
  if (kept.length === 0) throw failure({ path: 'units', seen: 'all units', expected: 'at least one that is left' });
  const { W, Win, b, alpha } = network;
  const pick = (values: Float64Array): Float64Array => Float64Array.from(kept, (i) => values[i]!);
  const part = (A: Matrix, columns: readonly number[]): Matrix =>
    matrix(
      kept.length,
      columns.length,
      Float64Array.from(kept.flatMap((i) => columns.map((j) => A.data[i * A.columns + j]!))),
    );
  return {
    network: {
      ...network,
      W: part(W, kept),
      alpha: typeof alpha === 'number' ? alpha : pick(alpha),
      ...(Win === undefined
        ? {}
        : {
            Win: part(
              Win,
              Array.from({ length: Win.columns }, (_, k) => k),
            ),
          }),
      ...(b === undefined ? {} : { b: pick(b) }),
    },
    kept,
  };
};

export interface SwitchProbabilityOptions {
  /** u `[input]`, held beside the stimulus. Default 0. */
  readonly input?: ArrayLike<number>;
  readonly channels?: Channels;
  /** Standard deviation of white noise in every current, at every step of the stimulus and after it. Default 0.1. */
  readonly noise?: number;
  /** Default 100. */
  readonly replays?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Free steps with noise after the stimulus. Default 0; then the network runs on without noise. */
  readonly after?: number;
  /** Most free steps without noise. Default 20 000. */
  readonly limit?: number;
}

/**
 * The part of noisy replays of a stimulus `[step, channel]` from a state that end at the stable fixed point `to`, rates
 * `[unit]` both: how sure a stimulus of least energy, which lies on the edge, still is. Errors: as `optimalSwitch`.
 */
export const switchProbability = (
  network: AttractorNetwork,
  { from, to, stimulus }: { readonly from: Float64Array; readonly to: Float64Array; readonly stimulus: Matrix },
  { input, channels, noise = 0.1, replays = 100, seed = 1, after = 0, limit = 20_000 }: SwitchProbabilityOptions = {},
): number => {
  const held = holdInput(network, input);
  const n = held.units;
  expectState('from', from, n);
  const E = channelMatrix(held, channels);
  refuse([
    ...(stimulus.columns === E.columns && firstNonFinite(stimulus.data) < 0
      ? []
      : [
          {
            path: 'stimulus',
            seen: `[${stimulus.rows}, ${stimulus.columns}]`,
            expected: `[step, channel=${E.columns}]`,
          },
        ]),
    ...(Number.isSafeInteger(replays) && replays >= 1
      ? []
      : [{ path: 'replays', seen: `${replays}`, expected: 'a whole number, 1 or more' }]),
    ...(noise >= 0 && noise < Infinity
      ? []
      : [{ path: 'noise', seen: `${noise}`, expected: 'a finite number, 0 or more' }]),
  ]);
  // The currents themselves are the channels, so that noise enters as the stimulus does.
  const identityMixing = matrix(n, n);
  for (let i = 0; i < n; i++) identityMixing.data[i * n + i] = 1;
  const stimulated = stimulatedNetwork(held, identityMixing);
  const target = attractorAt(stimulated, 'to', to);
  const stream = randomStream(seed, 'replays');
  const currents = new Float64Array(n);
  let x = new Float64Array(n);
  let next = new Float64Array(n);
  let arrived = 0;
  for (let replay = 0; replay < replays; replay++) {
    const generator = stream(replay);
    x.set(stimulated.toState('from', from));
    for (let t = 0; t < stimulus.rows + after; t++) {
      if (noise > 0) fillGaussian(generator, noise, currents);
      else currents.fill(0);
      for (let k = 0; k < E.columns && t < stimulus.rows; k++) {
        const u = stimulus.data[t * E.columns + k]!;
        for (let i = 0; i < n; i++) currents[i]! += E.data[i * E.columns + k]! * u;
      }
      stimulated.step(x, currents, next, null);
      [x, next] = [next, x];
    }
    for (let t = 0; t < limit; t++) {
      if (target.holds(x)) {
        arrived += 1;
        break;
      }
      stimulated.step(x, null, next, null);
      [x, next] = [next, x];
    }
  }
  return arrived / replays;
};
