import { crossEntropy, type Objective } from '@drnn/objectives';
import { randomNetwork, simulate, type Transitions, transitions } from '@drnn/simulator';
import { type Backend, matrix, type Matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { projectOut } from '../free.js';
import { type Problem, problem } from '../problem.js';

/** A small fit: a noisy network of tanh units, an objective whose curvature is bounded, zeros of some kind. */
export interface DrawnFit {
  readonly seed: number;
  readonly units: number;
  readonly inputs: number;
  readonly steps: number;
  readonly bias: boolean;
  readonly loss: keyof typeof losses;
  readonly zeros: 'none' | 'diagonal' | 'mask';
}

const losses = {
  plain: { weights: 'none' },
  clipped: { weights: 'variance', clip: 0.2 },
  capped: { weights: { kind: 'capped', cap: 4 } },
  calibrated: { weights: { kind: 'calibrated', kappa: 0.02 } },
} as const;

/** Strong enough that methods which are blind to the metric arrive, too. */
const ridge = 0.05;

/** Fits of 1 to 5 units; `zeros` narrows the kinds of constraint. */
export const drawnFit = (zeros: readonly DrawnFit['zeros'][] = ['none', 'diagonal', 'mask']): fc.Arbitrary<DrawnFit> =>
  fc.record({
    seed: fc.nat(1e6),
    units: fc.integer({ min: 1, max: 5 }),
    inputs: fc.integer({ min: 0, max: 2 }),
    steps: fc.integer({ min: 60, max: 120 }),
    bias: fc.boolean(),
    loss: fc.constantFrom('plain', 'clipped', 'capped', 'calibrated'),
    zeros: fc.constantFrom(...zeros),
  });

export const samplesOfFit = ({ seed, units, inputs, steps }: DrawnFit): Transitions => {
  const { W, Win, initial } = randomNetwork({ units, inputs, gain: 1.5, seed });
  const drive = matrix(steps, inputs);
  drive.data.forEach((_unused, i) => (drive.data[i] = Math.sin(0.37 * i + seed)));
  const { rates } = simulate({
    W,
    ...(Win === undefined ? {} : { Win, inputs: drive }),
    initial,
    alpha: 0.3,
    steps,
    seed,
    inputNoise: { kind: 'gaussian', size: 0.4 },
  });
  return transitions({ rates, alpha: 0.3, ...(inputs > 0 ? { inputs: drive } : {}) });
};

export const objectiveOfFit = ({ seed, units, inputs, loss, zeros }: DrawnFit): Objective => {
  const connections = matrix(units, units + inputs);
  connections.data.forEach((_unused, i) => (connections.data[i] = (seed + 7 * i) % 3 === 0 ? 0 : 1));
  return crossEntropy({
    ...losses[loss],
    ridge,
    constraints: { zeroDiagonal: zeros === 'diagonal', ...(zeros === 'mask' ? { connections } : {}) },
  });
};

/** The fit on a backend, for the time of `body`. */
export const withFit = async (
  on: Backend,
  fit: DrawnFit,
  body: (task: Problem) => Promise<void>,
  samples: Transitions = samplesOfFit(fit),
): Promise<void> => {
  const task = await problem(on, samples, objectiveOfFit(fit), { bias: fit.bias });
  try {
    await body(task);
  } finally {
    task.release();
  }
};

/** A start [predictor, unit] of entries up to `size`, fixed coordinates included. */
export const drawnStart = ({ shape }: Problem, seed: number, size = 1): Matrix => {
  const result = matrix(shape.predictors, shape.units);
  result.data.forEach((_unused, i) => (result.data[i] = size * Math.sin(12.9898 * (i + 1) + 78.233 * seed)));
  return result;
};

/** Its fixed coordinates set to 0, in a copy. */
export const inside = ({ free }: Problem, theta: Matrix): Matrix => {
  const result = { ...theta, data: theta.data.slice() };
  projectOut(free, result);
  return result;
};

/** The largest difference, relative to the largest entry of `b`. */
export const relativeDistance = (a: Matrix, b: Matrix): number => {
  let [most, scale] = [0, 0];
  b.data.forEach((x, i) => {
    scale = Math.max(scale, Math.abs(x));
    const difference = Math.abs(a.data[i]! - x);
    if (!(difference <= most)) most = difference;
  });
  return most / (scale > 0 ? scale : 1);
};
