import { randomStream, uniform } from '@drnn/simulator';
import { failure, firstNonFinite, type Matrix, matrix } from '@drnn/tensor';
import { budgetOf, checkTimeLimit } from './budget.js';
import { lyapunovSpectrum, type LyapunovSpectrum } from './lyapunov-spectrum.js';
import { type AttractorNetwork, holdInput } from './network.js';
import { networkMap, stateOf } from './network-dynamics.js';

/** The exponents of a network from one start, in steps and other units. */
export interface Lyapunov extends LyapunovSpectrum {
  /** Exponents in nats a time constant, 1 / a steps; null where units differ in a. */
  readonly perTimeConstant: Float64Array | null;
  /** In nats a second, when `dt` was given. */
  readonly perSecond: Float64Array | null;
  /** Bits a step. */
  readonly entropyBits: number;
  /** The spectra from every start, that of the result first. */
  readonly runs: readonly LyapunovSpectrum[];
  /** Whether the first exponents of all starts agree within three standard errors: if not, there are several attractors, or the runs are too short. */
  readonly isConsistent: boolean;
}

export interface LyapunovOptions {
  /** u `[input]`, held. Default 0. */
  readonly input?: ArrayLike<number>;
  /** u `[time, input]` in its place, over and over: exponents of the driven network, conditional on the input. */
  readonly inputs?: Matrix;
  /** Exponents. Default all up to 100, else 20. */
  readonly count?: number;
  /** Most steps. Default 10 000 and 500 time constants, whichever is more. */
  readonly steps?: number;
  /** Steps before, and as many again for the directions alone. Default 1000 and ten time constants, whichever is more. */
  readonly transient?: number;
  /** The error of the first exponent, nats a time constant, at which a run ends early. Default 0.001; 0 for never. */
  readonly tolerance?: number;
  /** Random starts, uniform in the cube. Default 2. */
  readonly seeds?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Rates in their place, `[start, unit]`. */
  readonly starts?: Matrix;
  /** Seconds a step. */
  readonly dt?: number;
  /** Seconds of all runs together; each has its share. A run that is cut short has larger errors. Default none. */
  readonly timeLimit?: number;
}

/** c_t = Win u + b, each lag from its own frame, of an input that begins anew at its end. */
const drivesOf = (network: AttractorNetwork, inputs: Matrix): Matrix => {
  const { W, b, inputLags = [0] } = network;
  const n = W.rows;
  const Win = network.Win ?? matrix(n, 0);
  const channels = inputs.columns;
  const drives = matrix(inputs.rows, n);
  for (let t = 0; t < inputs.rows; t++) {
    for (let i = 0; i < n; i++) {
      let c = b?.[i] ?? 0;
      for (let l = 0; l < inputLags.length; l++) {
        const frame = (((t - inputLags[l]!) % inputs.rows) + inputs.rows) % inputs.rows;
        for (let k = 0; k < channels; k++) {
          c += Win.data[i * Win.columns + l * channels + k]! * inputs.data[frame * channels + k]!;
        }
      }
      drives.data[t * n + i] = c;
    }
  }
  return drives;
};

/**
 * Lyapunov exponents of a network as it runs, step by step, by `lyapunovSpectrum`, from two starts: they differ where it
 * has several attractors. The exponents of the rate and the current form are the same. With `inputs` those of the driven
 * network: negative when what it does is decided by its input.
 *
 * Cost: 2 N^2 (count + 1) a step and start. Errors: those of the network; starts or inputs of another width or not finite.
 */
export const lyapunov = (network: AttractorNetwork, options: LyapunovOptions = {}): Lyapunov => {
  const held = holdInput(network, options.input);
  const n = held.units;
  const { inputs, starts } = options;
  checkTimeLimit(options.timeLimit);
  if (
    inputs !== undefined &&
    (inputs.columns !== held.Win.columns || inputs.rows < 1 || firstNonFinite(inputs.data) >= 0)
  ) {
    throw failure({
      path: 'inputs',
      seen: `[${inputs.rows}, ${inputs.columns}]`,
      expected: `[time, input=${held.Win.columns}], finite numbers`,
    });
  }
  if (starts !== undefined && (starts.columns !== n || starts.rows < 1 || firstNonFinite(starts.data) >= 0)) {
    throw failure({
      path: 'starts',
      seen: `[${starts.rows}, ${starts.columns}]`,
      expected: `[start, unit=${n}], finite numbers`,
    });
  }
  const slowest = 1 / held.alpha.reduce((least, a) => Math.min(least, a), 1);
  const tau = held.isUniform ? 1 / held.alpha[0]! : null;
  const drives = inputs === undefined ? undefined : drivesOf(network, inputs);
  const count = starts?.rows ?? options.seeds ?? 2;
  const { timeLimit = Infinity } = options;
  const began = performance.now();
  const stream = randomStream(options.seed ?? 1, 'exponents');
  const runs = Array.from({ length: count }, (_, k) => {
    const left = timeLimit - (performance.now() - began) / 1000;
    const map = networkMap(held, { drives, budget: budgetOf({ seconds: left / (count - k) }) });
    const generator = stream(k);
    const rates =
      starts?.data.slice(k * n, (k + 1) * n) ?? Float64Array.from({ length: n }, () => 2 * uniform(generator) - 1);
    return lyapunovSpectrum(map, stateOf(held, rates), {
      ...(options.count === undefined ? {} : { count: options.count }),
      length: options.steps ?? Math.max(10_000, Math.ceil(500 * slowest)),
      transient: options.transient ?? Math.max(1000, Math.ceil(10 * slowest)),
      tolerance: (options.tolerance ?? 1e-3) / slowest,
      seed: (options.seed ?? 1) + k,
    });
  });
  const [first] = runs;
  if (first === undefined) throw failure({ path: 'seeds', seen: '0', expected: 'at least one start' });
  const scaled = (factor: number | null | undefined): Float64Array | null =>
    factor === null || factor === undefined ? null : first.exponents.map((exponent) => exponent * factor);
  return {
    ...first,
    perTimeConstant: scaled(tau),
    perSecond: scaled(options.dt === undefined ? null : 1 / options.dt),
    entropyBits: first.entropyRate / Math.LN2,
    runs,
    isConsistent: runs.every((run) => agree(first, run)),
  };
};

/** Whether the largest exponents are the same within three standard errors of both, and what a plain average is off by. */
const agree = (a: LyapunovSpectrum, b: LyapunovSpectrum): boolean => {
  const [p, q] = [a.exponents[0]!, b.exponents[0]!];
  return p === q || Math.abs(p - q) <= 3 * Math.hypot(a.errors[0]!, b.errors[0]!) + 3 / Math.min(a.length, b.length);
};
