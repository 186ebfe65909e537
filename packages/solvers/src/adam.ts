import { copyMatrix, type Issue, type Matrix, matrix, refuse } from '@drnn/tensor';
import { type Measured, measured, startOf } from './measured.js';
import type { Solver } from './solver.js';
import { firstOf, maxSteps, stalled, tolerance } from './stopping.js';

export interface AdamOptions {
  /** The size of a step in each coordinate; a function of the step (from 1) for a schedule. Default 1e-3. */
  readonly learningRate?: number | ((step: number) => number);
  /** How much the means of gradient and squared gradient remember. Defaults 0.9 and 0.999. */
  readonly beta1?: number;
  readonly beta2?: number;
  /** Added to the root of the mean square of the gradient of the mean loss. Default 1e-8. */
  readonly epsilon?: number;
}

export interface AdamState extends Measured {
  /** m and v [predictor, unit], updated in place. */
  readonly mean: Matrix;
  readonly square: Matrix;
}

/**
 * Adam (Kingma & Ba 2015, algorithm 1) on all of the data at once, on the mean loss F_j / T:
 *
 *     m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2,
 *     theta = theta - rate (m / (1 - beta1^k)) / (sqrt(v / (1 - beta2^k)) + epsilon).
 *
 * Not monotone (use `bestSoFar`), and with a constant rate it ends as near to the optimum as the rate is small; for
 * comparison. Cost 4 T P N flop a step and one solve with the metric, for the residual alone.
 */
export const adam = (options: AdamOptions = {}): Solver<AdamState> => {
  const { learningRate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  refuse(adamIssues({ learningRate, beta1, beta2, epsilon }));
  return {
    name: 'adam',
    stop: firstOf(tolerance(), maxSteps(10_000), stalled(1000)),
    init: async (problem, start) => {
      const theta = await startOf(problem, start);
      return {
        ...(await measured(problem, 0, { theta, ...(await problem.evaluate(theta)) })),
        mean: matrix(theta.rows, theta.columns),
        square: matrix(theta.rows, theta.columns),
      };
    },
    step: async (problem, state) => {
      const step = state.step + 1;
      const rate = typeof learningRate === 'number' ? learningRate : learningRate(step);
      const perSample = 1 / problem.shape.transitions;
      const [unbiased1, unbiased2] = [1 - beta1 ** step, 1 - beta2 ** step];
      const theta = copyMatrix(state.theta);
      const [m, v, g] = [state.mean.data, state.square.data, state.gradient.data];
      for (let i = 0; i < theta.data.length; i++) {
        const slope = g[i]! * perSample;
        m[i] = beta1 * m[i]! + (1 - beta1) * slope;
        v[i] = beta2 * v[i]! + (1 - beta2) * slope * slope;
        theta.data[i]! -= (rate * (m[i]! / unbiased1)) / (Math.sqrt(v[i]! / unbiased2) + epsilon);
      }
      return {
        ...(await measured(problem, step, { theta, ...(await problem.evaluate(theta)) })),
        mean: state.mean,
        square: state.square,
      };
    },
  };
};

const adamIssues = (given: Required<AdamOptions>): readonly Issue[] => {
  const issues: Issue[] = [];
  if (typeof given.learningRate === 'number' && !(given.learningRate > 0 && Number.isFinite(given.learningRate))) {
    issues.push({ path: 'adam learningRate', seen: `${given.learningRate}`, expected: 'a number above 0' });
  }
  for (const name of ['beta1', 'beta2'] as const) {
    if (!(given[name] >= 0 && given[name] < 1)) {
      issues.push({ path: `adam ${name}`, seen: `${given[name]}`, expected: 'a number from 0 to below 1' });
    }
  }
  if (!(given.epsilon > 0))
    issues.push({ path: 'adam epsilon', seen: `${given.epsilon}`, expected: 'a number above 0' });
  return issues;
};
