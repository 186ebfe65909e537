import { backend } from '@drnn/backend-cpu';
import { transfers } from '@drnn/objectives';
import { fillGaussian, randomNetwork, randomStream, simulate, sourceOfTransitions, transitions } from '@drnn/simulator';
import { matrix, type Matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { crossEntropyFit, estimate, releaseTask, roundTask } from './index.js';

const [units, channels, steps, alpha] = [12, 4, 1500, 0.2];

/** Networks driven by smooth inputs, so that currents spread; `bias` keeps rectified units from silence. */
const networks = {
  tanh: { gain: 1.5, bias: 0, input: 0.1, output: 0.01 },
  logistic: { gain: 5, bias: 0, input: 0.1, output: 0.01 },
  softplus: { gain: 1, bias: 0, input: 0.05, output: 0.05 },
  relu: { gain: 0.8, bias: 0.5, input: 0.1, output: 0.02 },
  identity: { gain: 0.8, bias: 0, input: 0.1, output: 0 },
} as const;

const gaussians = (count: number, seed: number): Float64Array => {
  const values = new Float64Array(count);
  fillGaussian(randomStream(seed, 'test')(0), 1, values);
  return values;
};

const drivenNetwork = (name: keyof typeof networks, seed: number) => {
  const { gain, bias, input, output } = networks[name];
  const { W } = randomNetwork({ units, gain, seed });
  const Win = matrix(units, channels, gaussians(units * channels, seed));
  const noise = gaussians(steps * channels, seed + 1000);
  const inputs = matrix(steps, channels);
  for (let i = 0; i < noise.length; i++)
    inputs.data[i] = 0.8 * (i < channels ? 0 : inputs.data[i - channels]!) + 0.6 * noise[i]!;
  const { rates } = simulate({
    W,
    Win,
    b: new Float64Array(units).fill(bias),
    inputs,
    alpha,
    steps,
    seed,
    transfer: name,
    inputNoise: { kind: 'gaussian', size: input },
    outputNoise: { kind: 'gaussian', size: output },
  });
  return { W, source: sourceOfTransitions(transitions({ rates, inputs, alpha })) };
};

/** theta [predictor, unit] begins with W'. */
const relativeError = (W: Matrix, theta: Matrix): number => {
  let [error, total] = [0, 0];
  for (let i = 0; i < units; i++) {
    for (let j = 0; j < units; j++) {
      const w = W.data[i * units + j]!;
      error += (theta.data[j * units + i]! - w) ** 2;
      total += w ** 2;
    }
  }
  return Math.sqrt(error / total);
};

describe('the rounds of networks with another transfer function', () => {
  it.each(['tanh', 'logistic', 'softplus', 'relu', 'identity'] as const)(
    'find the noise of %s and better weights than the plain loss',
    async (name) => {
      const on = await backend();
      const assumptions = { transfer: transfers[name], constraints: { zeroDiagonal: true }, bias: true };
      const { input, output } = networks[name];
      const ours: number[] = [];
      const plain: number[] = [];
      for (const seed of [1, 2, 3]) {
        const { W, source } = drivenNetwork(name, seed);
        const { theta, rounds, converged } = await estimate(on, source, {
          ...assumptions,
          effort: 'full',
          choosing: 'none',
          pilot: { ridge: 1e-5, clip: 0.2, tolerance: 1e-4, maxSteps: 8 },
        });
        expect(converged).toBe(true);
        const levels = rounds.at(-1)?.levels ?? expect.unreachable();
        // A linear unit shows noise inside and outside alike: their sum is what there is to find.
        expect(levels.input / input).toBeGreaterThan(0.8);
        expect(levels.input / input).toBeLessThan(1.2);
        if (name !== 'identity') {
          expect(levels.output / output).toBeGreaterThan(0.8);
          expect(levels.output / output).toBeLessThan(1.2);
        }
        const task = await roundTask(on, [source], assumptions);
        const start = matrix(units + channels + 1, units);
        const rule = { perUnit: 1e-6, median: 0, products: 60, newtonSteps: 20 };
        const matching = await crossEntropyFit(task, 1e-6, start, rule);
        releaseTask(task);
        ours.push(relativeError(W, theta));
        plain.push(relativeError(W, matching.theta));
      }
      const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
      expect(mean(ours)).toBeLessThan(mean(plain));
      await on.close();
    },
  );
});
