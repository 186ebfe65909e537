import { crossEntropy } from '@drnn/objectives';
import { type Noise, type Transitions, transitions } from '@drnn/simulator';
import { mapMatrix, matrix, type Matrix, tanh, variable } from '@drnn/tensor';
import { iterate, newton, problem } from '@drnn/solvers';
import type { StudyMethod, Truth } from '../study-method.js';
import { thetaOf } from '../weight-accuracy.js';
import { isConverged } from './follow-solver.js';

/** Standard deviations beyond which a residual counts as an outlier: once in 16,000 Gaussian samples. */
const trim = 4;
/** In place of no noise at all outside: a weight would be infinite. */
const leastNoise = 1e-4;

/** The standard deviation of what is not an impulse. Poisson noise of a low rate is nearly always 0, and otherwise far out. */
const bulk = ({ kind, size }: Noise): number =>
  kind === 'poisson' ? 0 : kind === 'laplace' ? size * Math.SQRT2 : size;

/**
 * The weights of one noise-calibrated round, from the true network: with mu = tanh(X W') and q = 1 - mu^2,
 *
 *     V = s_in^2 q^2 + s_c^2,   w = q / V where |d - mu| < 4 sqrt V, else 0
 *
 * (specs algorithms.md section 0). `host` currents are X W' [transition, unit].
 */
export const informedWeights = ({ targets }: Transitions, currents: Matrix, truth: Truth): Matrix => {
  const inner = bulk(truth.inputNoise);
  const outer = bulk(truth.outputNoise) || leastNoise;
  const means = mapMatrix(tanh(variable('z')), { z: currents });
  const weights = matrix(targets.rows, targets.columns);
  for (let i = 0; i < weights.data.length; i++) {
    const mu = means.data[i]!;
    const q = (1 - mu) * (1 + mu);
    const spread = inner * inner * q * q + outer * outer;
    if (Math.abs(targets.data[i]! - mu) < trim * Math.sqrt(spread)) weights.data[i] = q / spread;
  }
  return weights;
};

/**
 * The estimate that knows the noise levels and the prior: one convex round with the weights that the true network gives
 * and the ridge 1 / var(W), solved exactly from the truth. No fit can know this. It is no bound, since the round only
 * approximates the likelihood: a fit may come out a little below.
 */
export const informed = (): StudyMethod => ({
  name: 'informed',
  label: 'informed (knows noise and prior)',
  curve: 'informed',
  endsByItself: true,
  isReference: true,
  settings: { trim, leastNoise, zeroDiagonal: true, bias: false },
  run: ({ on, recording, probe, truth }) =>
    on.scope(async (inner) => {
      const from = transitions(recording);
      const theta = thetaOf(truth.W);
      const values = informedWeights(from, inner.host.matMul(from.predictors, theta), truth);
      const { data } = truth.W;
      const mean = data.reduce((a, b) => a + b, 0) / data.length;
      const variance = data.reduce((a, w) => a + (w - mean) ** 2, 0) / data.length;
      const objective = crossEntropy({
        weights: { kind: 'explicit', values },
        ridge: 1 / variance / from.targets.rows,
        targetClip: null,
      });
      const task = await problem(inner, from, objective, { bias: false });
      for await (const state of iterate(newton, task, { start: theta })) {
        // The truth itself is no estimate.
        if (state.step > 0 && !probe.state(state.step, state.theta)) return 'finished';
        if (state.step > 0 && (await isConverged(task, state, 1e-8))) return 'converged';
        if (state.step >= 20) return 'finished';
      }
      return 'finished';
    }),
});
