import { type Issue, type Matrix, refuse } from '@drnn/tensor';
import { randomNetwork } from './network.js';
import { type Noise, noiseIssues } from './noise.js';
import { simulate } from './simulate.js';

export interface CornnRecordingOptions {
  /** N. */
  readonly units: number;
  /** Rows of the record, the initial state included: `frames - 1` transitions. The paper's T counts transitions. */
  readonly frames: number;
  /** Gain: W_ij ~ N(0, g^2 / N). Default 3, the chaotic regime of the published experiments. */
  readonly g?: number;
  /** dt / tau. Default 0.1, as published. */
  readonly alpha?: number;
  /** xi, inside tanh; a number is the standard deviation of Gaussian noise. Default 0.01 (experiment 1a). */
  readonly inputNoise?: number | Noise;
  /** eta, outside tanh: its size is a size on the target d. A number as above. Default 0.0001 (experiment 1a). */
  readonly conversionNoise?: number | Noise;
  /** Default 1. */
  readonly seed?: number;
  /** `rate` (default), the model that is fitted, or `current`, deliberately another one (section 1.2): see `simulate`. */
  readonly form?: 'rate' | 'current';
}

/** A recording with the network that made it; spread into `transitions` or `problem` it is an `Observations`. */
export interface CornnRecording {
  /** `[unit, unit]`, row = target. */
  readonly W: Matrix;
  /** `[frame, unit]`. */
  readonly rates: Matrix;
  /** dt / tau. */
  readonly alpha: number;
}

const noiseOf = (given: number | Noise): Noise =>
  typeof given === 'number' ? { kind: 'gaussian', size: given } : given;

/**
 * The random chaotic network of the CORNN experiments and one run of it:
 *
 *     r[t+1] = (1 - a) r[t] + a tanh(W r[t] + xi[t]) + a eta[t],   W_ij ~ N(0, g^2 / N), W_ii = 0, r[0] ~ U(-1, 1)
 *
 * With the same seed, a longer record begins with the shorter one, and other noises meet the same W. Throws a
 * `DrnnError` that lists every bad option. Cost O(frames x unit^2). Source: specs cornn.md sections 1.1 to 1.3 and 6.
 */
export const cornnRecording = (options: CornnRecordingOptions): CornnRecording => {
  const { units, frames, g = 3, alpha = 0.1, seed = 1, form = 'rate' } = options;
  const inputNoise = noiseOf(options.inputNoise ?? 1e-2);
  const conversionNoise = noiseOf(options.conversionNoise ?? 1e-4);
  const issues: Issue[] = [];
  const whole = (path: string, value: number, least: number): void => {
    if (Number.isSafeInteger(value) && value >= least) return;
    issues.push({ path, seen: `${value}`, expected: `a whole number, ${least} or more` });
  };
  whole('units', units, 1);
  whole('frames', frames, 2);
  if (!(g >= 0 && g < Number.POSITIVE_INFINITY)) {
    issues.push({ path: 'g', seen: `${g}`, expected: 'a finite number, 0 or more' });
  }
  if (!(alpha > 0 && alpha <= 1)) issues.push({ path: 'alpha', seen: `${alpha}`, expected: 'dt / tau in (0, 1]' });
  issues.push(...noiseIssues('inputNoise', inputNoise), ...noiseIssues('conversionNoise', conversionNoise));
  if (!Number.isSafeInteger(seed)) issues.push({ path: 'seed', seen: `${seed}`, expected: 'a whole number' });
  refuse(issues);

  const { W, initial } = randomNetwork({ units, gain: g, seed });
  const { rates } = simulate({
    W,
    alpha,
    steps: frames - 1,
    initial: form === 'current' ? initial.map(Math.atanh) : initial,
    inputNoise,
    outputNoise: conversionNoise,
    seed,
    form,
  });
  return { W, rates, alpha };
};
