import { singularValues } from '@drnn/linalg';
import { fillGaussian, randomStream } from '@drnn/simulator';
import { firstNonFinite, type Matrix, matrix, refuse } from '@drnn/tensor';
import { type Asymptotics, asymptotics } from './asymptotics.js';
import { expectState } from './controllability.js';
import { currentsOf } from './currents.js';
import { slopesAt } from './linearisation.js';
import { type AttractorNetwork, type HeldNetwork, holdInput } from './network.js';
import { mechanismRule, type MemoryRule, outputRule, rangeRule } from './published-memory-rules.js';
import { stimulatedNetwork } from './stimulated-network.js';

/** A trial of a task that asks for memory. */
export interface MemoryTrial {
  /** u `[step, input]`: cue, delay and response; its rows are the length of the trial. */
  readonly inputs: Matrix;
  /** Rates `[unit]` at its start; in the current form inside (-1, 1). */
  readonly initial: Float64Array;
}

/** o = phi(C r + c), `[output, unit]`; phi is logistic, or nothing. */
export interface MemoryReadout {
  readonly weights: Matrix;
  readonly bias?: Float64Array;
  readonly transfer?: 'logistic' | 'identity';
}

export interface MemoryOptions {
  /** u `[input]` after the trial. Default 0. */
  readonly input?: ArrayLike<number>;
  readonly readout?: MemoryReadout;
  /** Trials from perturbed starts, for the votes. Default 16. */
  readonly replays?: number;
  /** Standard deviation of the perturbation of each unit's rate. Default 0.05. */
  readonly deviation?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Most steps after the 50 trials, see `asymptotics`. */
  readonly limit?: number;
  /** What becomes of a state in the end. Default `asymptotics` with the input held. */
  readonly end?: (state: Float64Array) => Asymptotics;
}

/**
 * `slow-point`: after the trial the network comes to rest, or creeps; what carried the memory was a slow passage.
 * `limit-cycle`: it goes round for ever, and the answer was an arc of that; by the closed curve that was found, or, where
 * `end` is unresolved, by its exponents, one of them 0 and the others below it. `torus` and `chaos` are neither; `unresolved`
 * is an answer as well.
 */
export type MemoryKind = 'slow-point' | 'limit-cycle' | 'torus' | 'chaos' | 'unresolved';

export interface MemoryClass {
  readonly class: MemoryKind;
  readonly end: Asymptotics;
  /** Of a cycle: its period over the length of the trial. */
  readonly periodOverTrial: number | null;
  /**
   * Of the trial itself, without input, the slowest passage, or where there is none the slowest state: its step, its speed |G| / sqrt N, and the smallest singular value
   * of I - D W there. A ghost, where a fixed point is about to appear, has one near 0.
   */
  readonly slowest: { readonly step: number; readonly speed: number; readonly smallestSingularValue: number } | null;
  /**
   * How often the readout that peaks highest in the trial rises above the middle of its range there in the eight trials' time
   * that follow; null without readout.
   */
  readonly reactivations: number | null;
  /** The class of each replay, and the entropy of their distribution, bits: 0 where all agree. */
  readonly votes: Readonly<Record<MemoryKind, number>>;
  readonly entropy: number;
  /** The published rules on the same run of nine trials, A with a readout only, and the direct rule. */
  readonly rules: { readonly a: MemoryRule | null; readonly b: MemoryRule | null; readonly range: MemoryRule };
}

const kindOf = (end: Asymptotics): MemoryKind => {
  if (end.kind === 'fixed-point' || end.kind === 'slow-region') return 'slow-point';
  if (end.kind === 'cycle') return 'limit-cycle';
  // One exponent of 0 and all others below it, of what does not come to rest: a closed curve, too wild to be found.
  if (end.kind === 'unresolved' && end.spectrum?.positive === 0 && end.spectrum.zero === 1) return 'limit-cycle';
  return end.kind;
};

/** Rates `[step + 1, unit]` of a trial and `after` steps more. */
const runTrial = (
  network: AttractorNetwork,
  held: HeldNetwork,
  { inputs }: MemoryTrial,
  initial: Float64Array,
  after: number,
): Matrix => {
  const n = held.units;
  // Inputs come as a stimulus; what is held belongs to the time after the trial.
  const during = stimulatedNetwork(holdInput(network), held.Win);
  const later = stimulatedNetwork(held, matrix(n, 0));
  const steps = inputs.rows + after;
  const rates = matrix(steps + 1, n);
  let x: Float64Array = during.toState('initial', initial);
  let next: Float64Array = new Float64Array(n);
  rates.data.set(initial);
  for (let t = 0; t < steps; t++) {
    if (t < inputs.rows) {
      during.step(x, inputs.data.subarray(t * inputs.columns, (t + 1) * inputs.columns), next, null);
    } else later.step(x, null, next, null);
    [x, next] = [next, x];
    rates.data.set(during.toRates(x), (t + 1) * n);
  }
  return rates;
};

const outputsOf = ({ weights, bias, transfer = 'identity' }: MemoryReadout, rates: Matrix): Matrix => {
  const outputs = matrix(rates.rows, weights.rows);
  for (let t = 0; t < rates.rows; t++) {
    const row = outputs.data.subarray(t * weights.rows, (t + 1) * weights.rows);
    const r = rates.data.subarray(t * rates.columns, (t + 1) * rates.columns);
    currentsOf(weights.data, weights.rows, weights.columns, r, bias ?? null, row);
    if (transfer === 'logistic') for (let k = 0; k < row.length; k++) row[k] = 1 / (1 + Math.exp(-row[k]!));
  }
  return outputs;
};

/** Rises of the output that peaks highest in the trial, above the middle of its range there, after the trial. */
const reactivationsOf = (outputs: Matrix, length: number): number => {
  const at = (t: number, k: number): number => outputs.data[t * outputs.columns + k]!;
  let best = 0;
  let peak = -Infinity;
  for (let k = 0; k < outputs.columns; k++) {
    for (let t = 0; t <= length; t++) if (at(t, k) > peak) [peak, best] = [at(t, k), k];
  }
  let lowest = peak;
  for (let t = 0; t <= length; t++) lowest = Math.min(lowest, at(t, best));
  const middle = (peak + lowest) / 2;
  let count = 0;
  for (let t = length + 1; t < outputs.rows; t++) if (at(t, best) > middle && at(t - 1, best) <= middle) count += 1;
  return count;
};

const slowestOf = (held: HeldNetwork, rates: Matrix, inputs: Matrix): MemoryClass['slowest'] => {
  const n = held.units;
  const z = new Float64Array(n);
  const squares = new Float64Array(inputs.rows).fill(Number.NaN);
  for (let t = 1; t < inputs.rows; t++) {
    if (inputs.data.subarray(t * inputs.columns, (t + 1) * inputs.columns).some((u) => u !== 0)) continue;
    const r = rates.data.subarray(t * n, (t + 1) * n);
    currentsOf(held.W.data, n, n, r, held.drive, z);
    let sum = 0;
    for (let i = 0; i < n; i++) sum += (r[i]! - Math.tanh(z[i]!)) ** 2;
    squares[t] = sum;
  }
  const least = (isWanted: (t: number) => boolean): number => {
    let best = -1;
    for (let t = 1; t < inputs.rows; t++) {
      if (Number.isFinite(squares[t]) && isWanted(t) && (best < 0 || squares[t]! < squares[best]!)) best = t;
    }
    return best;
  };
  // A passage slows down and speeds up again; coming to rest only slows down.
  const passage = least((t) => squares[t - 1]! > squares[t]! && squares[t + 1]! > squares[t]!);
  const best = passage >= 0 ? passage : least(() => true);
  if (best < 0) return null;
  const slope = slopesAt(held, rates.data.slice(best * n, (best + 1) * n));
  const J = matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) J.data[i * n + j] = (i === j ? 1 : 0) - slope[i]! * held.W.data[i * n + j]!;
  }
  return { step: best, speed: Math.sqrt(squares[best]! / n), smallestSingularValue: singularValues(J).at(-1) ?? 0 };
};

/**
 * How a network that was trained to remember does so: by a slow passage or by a cycle. Inside the trial the two look alike;
 * the trial is run, then 50 trials' time without input, and what the network does in the end (`asymptotics`, with its
 * certificates) decides. Beside it the published rules, and votes of trials from perturbed starts. Cost: 51 trials and what
 * `asymptotics` takes, for each replay. Errors: those of the network; shapes. Source: the mechanisms are of Kurtkaya et al.
 * 2025 (arXiv 2502.17433); the decision is by what is proven of the end instead of by thresholds on the output.
 */
export const classifyMemory = (
  network: AttractorNetwork,
  trial: MemoryTrial,
  options: MemoryOptions = {},
): MemoryClass => {
  const held = holdInput(network, options.input);
  const n = held.units;
  const { inputs, initial } = trial;
  const { readout, replays = 16, deviation = 0.05, limit } = options;
  expectState('initial', initial, n);
  refuse([
    ...(inputs.columns === held.Win.columns && inputs.rows >= 2 && firstNonFinite(inputs.data) < 0
      ? []
      : [
          {
            path: 'inputs',
            seen: `[${inputs.rows}, ${inputs.columns}]`,
            expected: `[step, input=${held.Win.columns}], 2 steps or more, finite`,
          },
        ]),
    ...(readout === undefined ||
    (readout.weights.columns === n &&
      readout.weights.rows >= 1 &&
      (readout.bias === undefined || readout.bias.length === readout.weights.rows))
      ? []
      : [
          {
            path: 'readout',
            seen: `[${readout.weights.rows}, ${readout.weights.columns}]`,
            expected: `weights [output, unit=${n}] and a bias [output]`,
          },
        ]),
    ...(Number.isSafeInteger(replays) && replays >= 0
      ? []
      : [{ path: 'replays', seen: `${replays}`, expected: 'a whole number, 0 or more' }]),
    ...(deviation >= 0 && deviation < Infinity
      ? []
      : [{ path: 'deviation', seen: `${deviation}`, expected: 'a finite number, 0 or more' }]),
  ]);
  const length = inputs.rows;
  const endOf =
    options.end ??
    ((state) =>
      asymptotics(network, state, {
        ...(options.input === undefined ? {} : { input: options.input }),
        ...(limit === undefined ? {} : { limit }),
      }));
  const inside = held.form === 'rate' ? Infinity : 1 - 1e-9;
  const lastOf = (rates: Matrix): Float64Array =>
    rates.data.slice((rates.rows - 1) * n).map((r) => Math.min(inside, Math.max(-inside, r)));
  const whole = runTrial(network, held, trial, initial, 50 * length);
  const nine = matrix(9 * length + 1, n, whole.data.slice(0, (9 * length + 1) * n));
  const end = endOf(lastOf(whole));
  const votes: Record<MemoryKind, number> = { 'slow-point': 0, 'limit-cycle': 0, torus: 0, chaos: 0, unresolved: 0 };
  const stream = randomStream(options.seed ?? 1, 'memory');
  const noise = new Float64Array(n);
  for (let replay = 0; replay < replays; replay++) {
    fillGaussian(stream(replay), deviation, noise);
    const start = initial.map((r, i) => Math.min(inside, Math.max(-inside, r + noise[i]!)));
    votes[kindOf(endOf(lastOf(runTrial(network, held, trial, start, 50 * length))))] += 1;
  }
  const parts = Object.values(votes).filter((count) => count > 0);
  const outputs = readout === undefined ? null : outputsOf(readout, nine);
  return {
    class: kindOf(end),
    end,
    periodOverTrial: end.kind === 'cycle' ? end.cycle.period / length : null,
    slowest: slowestOf(held, whole, inputs),
    reactivations: outputs === null ? null : reactivationsOf(outputs, length),
    votes,
    entropy: parts.reduce((sum, count) => sum - (count / replays) * Math.log2(count / replays), 0),
    rules: {
      a: outputs === null ? null : outputRule(outputs, length),
      b: n < 2 ? null : mechanismRule(nine),
      range: rangeRule(nine, length),
    },
  };
};
