import { cheaperStep } from '@drnn/estimators';
import { crossEntropy } from '@drnn/objectives';
import { type Noise, type Transitions, transitions } from '@drnn/simulator';
import { mapMatrix, matrix, type Matrix, tanh, variable } from '@drnn/tensor';
import { type Iterate, iterate, newton, newtonPcgWith, problem, type Solver } from '@drnn/solvers';
import type { OwnEnding, StudyMethod, Truth } from '../study-method.js';
import { thetaOf } from '../../weight-accuracy.js';

/** Standard deviations beyond which a residual counts as an outlier: once in 16,000 Gaussian samples. */
const trim = 4;
/**
 * In place of no noise at all outside, where a weight would be infinite. A larger one throws away what saturated samples
 * know: in `cornn-7` the error rises by .4% from 1e-8 to 1e-7, and by 20% to 1e-4.
 */
const leastNoise = 1e-7;
/**
 * It starts at the truth, a standard error away in every direction: a third exact step changes the error by less than
 * .01%.
 */
const steps = 2;
/** Conjugate gradients: .01 of the decrement is a tenth of a standard error. At 100 products the error is exact to .2%. */
const [forcing, maxProducts] = [0.01, 100];

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
 * and the ridge 1 / var(W), solved from the truth by two steps of Newton's method, exact ones or by conjugate gradients,
 * whichever costs less. No fit can know this. It is no bound, since the round only
 * approximates the likelihood: a fit may come out a little below.
 */
export const informed = (): StudyMethod => ({
  name: 'informed',
  label: 'informed (knows noise and prior)',
  curve: 'informed',
  endsByItself: true,
  isReference: true,
  settings: { trim, leastNoise, steps, forcing, maxProducts, zeroDiagonal: true, bias: false },
  run: ({ on, recording, probe, truth }) =>
    on.scope(async (inner): Promise<OwnEnding> => {
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
      const follow = async <State extends Iterate>(solver: Solver<State>): Promise<void> => {
        for await (const state of iterate(solver, task, { start: theta })) {
          // The truth itself is no estimate.
          if ((state.step > 0 && !probe.state(state.step, state.theta)) || state.step === steps) return;
        }
      };
      const exact = cheaperStep(task.shape.predictors) === 'exact';
      await (exact ? follow(newton) : follow(newtonPcgWith({ forcing, maxProducts })));
      return 'finished';
    }),
});
