import { failure, firstNonFinite, matrix, refuse, type Issue, type Matrix } from '@drnn/tensor';
import { initialRates } from './network.js';
import { noiseIssues, noiseSampler, type Noise, type NoiseSampler } from './noise.js';
import { applyTransfer, transferNames, type TransferName } from './transfer.js';

export interface SimulationOptions {
  /** `[unit, unit]`, row = target. */
  readonly W: Matrix;
  /** `[unit, input]`. */
  readonly Win?: Matrix;
  /** `[unit]`; default 0. */
  readonly b?: Float64Array;
  /** dt / tau in (0, 1], one number or `[unit]`. */
  readonly alpha: number | Float64Array;
  readonly steps: number;
  /** `[steps, input]`: row k drives the k-th step of this run. One row more is accepted and not read. Default 0. */
  readonly inputs?: Matrix;
  /**
   * `[unit]` the state to start from: r for the rate form, x for the current form. Default: r uniform on (-1, 1) from the
   * seed, and x = atanh(r).
   */
  readonly initial?: Float64Array;
  /** xi, added to the currents. */
  readonly inputNoise?: Noise;
  /** eta, added to the rates; in the rate form its size is a size on the target d. */
  readonly outputNoise?: Noise;
  /** Added to the record only; the network never sees it. */
  readonly observationNoise?: Noise;
  /** Default 1. */
  readonly seed?: number;
  /** `rate` (default) or `current`: see `simulate`. */
  readonly form?: 'rate' | 'current';
  /** phi; default tanh. */
  readonly transfer?: TransferName;
  /**
   * The time index of the initial state (default 0). A run from the `finalState` of another one, with that one's last
   * time index here, continues it bit for bit.
   */
  readonly startTime?: number;
}

export interface Simulation {
  /** `[steps + 1, unit]` the record: r, with observation noise where asked for. Row 0 belongs to the initial state. */
  readonly rates: Matrix;
  /** `[steps + 1, unit]` r without observation noise; present when there is such noise. */
  readonly latent?: Matrix;
  /** `[unit]` the state after the last step: r for the rate form, x for the current form. */
  readonly finalState: Float64Array;
}

// 8 GB; a longer run is made in parts through `startTime`.
const MOST_NUMBERS = 2 ** 30;

const simulationIssues = (options: SimulationOptions): Issue[] => {
  const { W, Win, b, alpha, steps, inputs, initial, seed = 1, startTime = 0 } = options;
  const units = W.rows;
  const issues: Issue[] = [];
  const finite = (path: string, values: Float64Array): void => {
    const at = firstNonFinite(values);
    if (at >= 0) issues.push({ path, seen: `${values[at]} at entry ${at}`, expected: 'finite numbers' });
  };
  const shaped = (path: string, a: Matrix, expected: string, fits: boolean, fitsTransposed = false): void => {
    if (fits && a.data.length === a.rows * a.columns) return finite(path, a.data);
    const seen = `[${a.rows}, ${a.columns}] with ${a.data.length} numbers`;
    issues.push({ path, seen, expected, ...(fitsTransposed ? { hint: 'transpose it' } : {}) });
  };
  const perUnit = (path: string, values: Float64Array): void => {
    if (values.length === units) return finite(path, values);
    issues.push({ path, seen: `[unit=${values.length}]`, expected: `[unit=${units}]` });
  };

  shaped('W', W, 'a square [unit, unit] matrix', W.columns === units && units > 0);
  if (Win !== undefined) {
    shaped('Win', Win, `[unit=${units}, input]`, Win.rows === units, Win.columns === units);
  }
  if (b !== undefined) perUnit('b', b);
  if (initial !== undefined) perUnit('initial', initial);
  if (typeof alpha !== 'number') perUnit('alpha', alpha);
  const badAlpha = (typeof alpha === 'number' ? [alpha] : [...alpha]).find((a) => !(a > 0 && a <= 1));
  if (badAlpha !== undefined) issues.push({ path: 'alpha', seen: `${badAlpha}`, expected: 'dt / tau in (0, 1]' });
  if (!(Number.isSafeInteger(steps) && steps >= 1)) {
    issues.push({ path: 'steps', seen: `${steps}`, expected: 'a whole number, 1 or more' });
  } else if ((steps + 1) * units > MOST_NUMBERS) {
    issues.push({
      path: 'steps',
      seen: `${steps} steps of ${units} units`,
      expected: `at most ${MOST_NUMBERS} numbers in one record`,
      hint: 'run in parts: pass finalState as initial, and startTime',
    });
  }
  if (inputs !== undefined) {
    const columns = Win?.columns ?? 0;
    const rowsFit = inputs.rows === steps || inputs.rows === steps + 1;
    shaped('inputs', inputs, `[steps=${steps}, input=${columns}]`, rowsFit && inputs.columns === columns);
    if (Win === undefined) issues.push({ path: 'Win', seen: 'none, but inputs', expected: '[unit, input] weights' });
  }
  if (options.inputNoise !== undefined) issues.push(...noiseIssues('inputNoise', options.inputNoise));
  if (options.outputNoise !== undefined) issues.push(...noiseIssues('outputNoise', options.outputNoise));
  if (options.observationNoise !== undefined) {
    issues.push(...noiseIssues('observationNoise', options.observationNoise));
  }
  if (!Number.isSafeInteger(seed)) issues.push({ path: 'seed', seen: `${seed}`, expected: 'a whole number' });
  if (!Number.isSafeInteger(startTime)) {
    issues.push({ path: 'startTime', seen: `${startTime}`, expected: 'a whole number' });
  }
  const form: string | undefined = options.form;
  if (form !== undefined && form !== 'rate' && form !== 'current') {
    issues.push({ path: 'form', seen: form, expected: 'rate or current' });
  }
  const transfer: string | undefined = options.transfer;
  if (transfer !== undefined && !transferNames.includes(transfer)) {
    issues.push({ path: 'transfer', seen: transfer, expected: transferNames.join(', ') });
  }
  return issues;
};

/** z += A x for `[row, column]` A, four rows at a time. */
const addProduct = (a: Matrix, x: Float64Array, z: Float64Array): void => {
  const { rows, columns, data } = a;
  let i = 0;
  for (; i + 3 < rows; i += 4) {
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    const r0 = i * columns;
    const r1 = r0 + columns;
    const r2 = r1 + columns;
    const r3 = r2 + columns;
    for (let j = 0; j < columns; j++) {
      const v = x[j]!;
      s0 += data[r0 + j]! * v;
      s1 += data[r1 + j]! * v;
      s2 += data[r2 + j]! * v;
      s3 += data[r3 + j]! * v;
    }
    z[i]! += s0;
    z[i + 1]! += s1;
    z[i + 2]! += s2;
    z[i + 3]! += s3;
  }
  for (; i < rows; i++) {
    let s = 0;
    for (let j = 0; j < columns; j++) s += data[i * columns + j]! * x[j]!;
    z[i]! += s;
  }
};

const sampler = (noise: Noise | undefined, units: number, seed: number, name: string): NoiseSampler | null =>
  noise === undefined || noise.size === 0 ? null : noiseSampler(noise, units, seed, name);

/**
 * Runs a network for `steps` steps. With a = alpha, in the rate form (the model that is fitted):
 *
 *     r[t+1] = (1 - a) r[t] + a phi(W r[t] + Win u[t] + b + xi[t]) + a eta[t]
 *
 * in which eta multiplied by a enters r, so that the inverted target is d[t] = phi(...) + eta[t]. In the current form:
 *
 *     x[t+1] = (1 - a) x[t] + a (W r[t] + Win u[t] + b + xi[t]),   r[t] = phi(x[t]) + eta[t]
 *
 * in which eta is on the rates that are recorded and sent. Observation noise is on the record only. The noise of time t
 * comes from (seed, its stream, t) alone. States are not clipped. Without noise the seed is used for the default initial
 * state only, so a closed-loop prediction is `simulate({ W, Win, b, alpha, steps, inputs, initial })`.
 *
 * Throws a `DrnnError` that lists every bad option, or names the step and unit at which the state stopped being finite.
 * Cost O(steps x unit x (unit + input)), nothing allocated a step but the generators of the noises. Source: specs
 * cornn.md sections 1.1 to 1.3.
 */
export const simulate = (options: SimulationOptions): Simulation => {
  refuse(simulationIssues(options));
  const { W, Win, b, steps, inputs, seed = 1, form = 'rate', transfer = 'tanh', startTime = 0 } = options;
  const units = W.rows;
  const alpha = typeof options.alpha === 'number' ? new Float64Array(units).fill(options.alpha) : options.alpha;
  const xi = sampler(options.inputNoise, units, seed, 'input-noise');
  const eta = sampler(options.outputNoise, units, seed, 'output-noise');
  const observation = sampler(options.observationNoise, units, seed, 'observation-noise');

  const isRate = form === 'rate';
  const state = options.initial?.slice() ?? initialRates(units, seed);
  if (!isRate && options.initial === undefined) for (let j = 0; j < units; j++) state[j] = Math.atanh(state[j]!);

  const latent = matrix(steps + 1, units);
  const z = new Float64Array(units);
  const noise = new Float64Array(units);
  const inputCount = inputs?.columns ?? 0;

  const emit = (step: number): Float64Array => {
    const row = latent.data.subarray(step * units, (step + 1) * units);
    row.set(state);
    if (isRate) return row;
    applyTransfer(transfer, row);
    if (eta !== null) {
      eta(startTime + step, noise);
      for (let j = 0; j < units; j++) row[j]! += noise[j]!;
    }
    return row;
  };

  let rates = emit(0);
  for (let step = 0; step < steps; step++) {
    if (b === undefined) z.fill(0);
    else z.set(b);
    addProduct(W, rates, z);
    if (Win !== undefined && inputs !== undefined) {
      addProduct(Win, inputs.data.subarray(step * inputCount, (step + 1) * inputCount), z);
    }
    if (xi !== null) {
      xi(startTime + step, noise);
      for (let j = 0; j < units; j++) z[j]! += noise[j]!;
    }
    if (isRate) {
      applyTransfer(transfer, z);
      if (eta !== null) {
        eta(startTime + step, noise);
        for (let j = 0; j < units; j++) z[j]! += noise[j]!;
      }
    }
    for (let j = 0; j < units; j++) state[j] = (1 - alpha[j]!) * state[j]! + alpha[j]! * z[j]!;
    rates = emit(step + 1);
    let unit = firstNonFinite(state);
    if (unit < 0) unit = firstNonFinite(rates);
    if (unit >= 0) {
      throw failure({
        path: 'simulate',
        seen: `a state that is not finite at step ${step + 1}, unit ${unit}`,
        expected: 'a bounded run',
        hint: `${transfer} does not bound the rates: lower the weights or the inputs, or use tanh or logistic`,
      });
    }
  }
  if (observation === null) return { rates: latent, finalState: state };

  const record = matrix(steps + 1, units, latent.data.slice());
  for (let step = 0; step <= steps; step++) {
    observation(startTime + step, noise);
    for (let j = 0; j < units; j++) record.data[step * units + j]! += noise[j]!;
  }
  return { rates: record, latent, finalState: state };
};
