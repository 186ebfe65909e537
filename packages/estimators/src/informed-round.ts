import { crossEntropy } from '@drnn/objectives';
import {
  type Network,
  type Noise,
  randomNetwork,
  simulate,
  splitTransitions,
  type Transitions,
  transitions,
} from '@drnn/simulator';
import { maxSteps, newton, problem, type Problem, run, withStopping } from '@drnn/solvers';
import { type Backend, matrix, type Matrix } from '@drnn/tensor';

/** A simulated network, half of whose transitions are held out. For tests. */
export interface Simulated {
  readonly network: Network;
  /** [W | b]' [predictor, unit]. */
  readonly truth: Matrix;
  readonly train: Transitions;
  readonly heldOut: Transitions;
}

/** `transitions` of a chaotic network to fit and as many to hold out. */
export const simulated = (options: {
  readonly units: number;
  readonly transitions: number;
  readonly seed: number;
  readonly inputNoise: Noise;
  readonly outputNoise?: Noise;
}): Simulated => {
  const { units, seed } = options;
  const network = randomNetwork({ units, gain: 3, seed });
  const { rates } = simulate({ ...network, ...options, alpha: 0.1, steps: 2 * options.transitions, seed });
  const { train, heldOut } = splitTransitions(transitions({ rates, alpha: 0.1 }), 0.5);
  const truth = matrix(units + 1, units);
  for (let i = 0; i < units; i++)
    for (let j = 0; j < units; j++) truth.data[j * units + i] = network.W.data[i * units + j]!;
  return { network, truth, train, heldOut };
};

/** A fit by the noise-calibrated round that knows the true weights' residuals. */
export interface InformedFit {
  readonly theta: Matrix;
  readonly noise: { readonly input: number; readonly output: number };
  readonly task: Problem;
}

/**
 * One calibrated round as the truth would have it: weights q / V with V = s_in^2 q^2 + s_out^2, q = 1 - mu^2 at the true
 * mu, trimmed at 4 sqrt(V), a ridge of one over the variance of the true weights. Without `noise` the levels are
 * estimated robustly from the true residuals in the tenths with the smallest and the largest q.
 */
export const informedFit = async (
  on: Backend,
  { network, truth, train }: Simulated,
  noise?: InformedFit['noise'],
): Promise<InformedFit> => {
  const units = network.W.rows;
  const mu = on.host.matMul(train.predictors, matrix(units, units, truth.data.slice(0, units * units)));
  const samples = mu.data.map((z) => Math.tanh(z));
  const levels = noise ?? robustLevels(samples, train.targets.data);
  const weights = matrix(mu.rows, units);
  samples.forEach((m, i) => {
    const q = (1 - m) * (1 + m);
    const variance = (levels.input * q) ** 2 + levels.output ** 2;
    weights.data[i] = Math.abs(train.targets.data[i]! - m) < 4 * Math.sqrt(variance) ? q / variance : 0;
  });
  const prior = network.W.data.reduce((sum, w) => sum + w * w, 0) / units ** 2;
  const objective = crossEntropy({
    weights: { kind: 'explicit', values: weights },
    ridge: 1 / (prior * mu.rows),
    targetClip: null,
  });
  const task = await problem(on, train, objective);
  const { theta, lost } = await run(withStopping(maxSteps(5))(newton), task, { start: truth });
  if (lost !== undefined) throw lost;
  return { theta, noise: levels, task };
};

const robustLevels = (mu: Float64Array, targets: Float64Array): InformedFit['noise'] => {
  const order = Array.from(mu.keys()).sort((a, b) => Math.abs(mu[b]!) - Math.abs(mu[a]!));
  const tenth = Math.floor(order.length / 10);
  const level = (chosen: readonly number[], scale: (q: number) => number): number => {
    const sizes = Float64Array.from(chosen, (i) => Math.abs(targets[i]! - mu[i]!) / scale(1 - mu[i]! ** 2)).sort();
    return 1.4826 * sizes[sizes.length >> 1]!;
  };
  const input = level(order.slice(-tenth), (q) => q);
  return {
    input: Math.max(input, 1e-4),
    output: Math.max(
      level(order.slice(0, tenth), () => 1),
      1e-5,
    ),
  };
};
