import { backend } from '@drnn/backend-cpu';
import { crossEntropy } from '@drnn/objectives';
import { type Backend, DrnnError, matrix } from '@drnn/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { adam, bestSoFar, iterate, newton, problem, run } from './index.js';
import { smallSamples, someTheta } from './small-samples.js';

const on: Backend = await backend();
afterAll(() => on.close());

describe('Adam', () => {
  const task = problem(on, smallSamples({ seed: 1 }), crossEntropy({ ridge: 1e-3 }));

  it('first moves every free coordinate by the learning rate, against its gradient', async () => {
    const at = await task;
    const solver = adam({ learningRate: 0.01 });
    const first = await solver.init(at, someTheta(at.shape.predictors, at.shape.units, 2));
    const [theta, gradient] = [first.theta.data.slice(), first.gradient.data.slice()];
    const second = await solver.step(at, first);
    theta.forEach((x, i) => expect(second.theta.data[i]! - x).toBeCloseTo(-0.01 * Math.sign(gradient[i]!), 7));
  });

  it('follows the published recursion', async () => {
    const at = await task;
    const { predictors, units, transitions } = at.shape;
    const [rate, beta1, beta2, epsilon] = [0.02, 0.8, 0.95, 1e-6];
    const expected = someTheta(predictors, units, 5);
    const [m, v] = [matrix(predictors, units), matrix(predictors, units)];
    for await (const state of iterate(adam({ learningRate: rate, beta1, beta2, epsilon }), at, { start: expected })) {
      for (let i = 0; i < expected.data.length; i++) expect(state.theta.data[i]).toBeCloseTo(expected.data[i]!, 12);
      if (state.step === 5) break;
      const { gradient } = await at.evaluate(expected);
      const t = state.step + 1;
      gradient.data.forEach((sum, i) => {
        const g = sum / transitions;
        m.data[i] = beta1 * m.data[i]! + (1 - beta1) * g;
        v.data[i] = beta2 * v.data[i]! + (1 - beta2) * g ** 2;
        const [mHat, vHat] = [m.data[i]! / (1 - beta1 ** t), v.data[i]! / (1 - beta2 ** t)];
        expected.data[i] = expected.data[i]! - (rate * mHat) / (Math.sqrt(vHat) + epsilon);
      });
    }
  });

  it('rises at times, which bestSoFar hides', async () => {
    const at = await task;
    const objectives = async (solver: typeof leaping): Promise<readonly number[]> => {
      const seen: number[] = [];
      for await (const state of iterate(solver, at)) {
        seen.push(state.objective);
        if (state.step === 30) break;
      }
      return seen;
    };
    const leaping = adam({ learningRate: 0.1 });
    const rises = (seen: readonly number[]): number => seen.filter((value, k) => k > 0 && value > seen[k - 1]!).length;
    expect(rises(await objectives(leaping))).toBeGreaterThan(0);
    const best: number[] = [];
    for await (const state of iterate(bestSoFar(leaping), at)) {
      best.push(state.objective);
      if (state.step === 30) break;
    }
    expect(rises(best)).toBe(0);
    expect(best.at(-1)).toBeGreaterThanOrEqual((await run(newton, at)).objective * (1 - 1e-12));
  });

  it('refuses options that are none, all at once', () => {
    expect(() => adam({ learningRate: -1, beta1: 1, beta2: 2, epsilon: 0 })).toThrow(DrnnError);
    expect(() => adam({ learningRate: -1, beta1: 1, beta2: 2, epsilon: 0 })).toThrow(
      /learningRate[^]*beta1[^]*beta2[^]*epsilon/,
    );
  });
});
