import { backend } from '@drnn/backend-cpu';
import { crossEntropy, matching, transfers } from '@drnn/objectives';
import { type Backend, copyMatrix } from '@drnn/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { gradientDescent, newton, problem, run } from './index.js';
import { relativeDifference, smallSamples, someTheta } from './small-samples.js';

const on: Backend = await backend();
afterAll(() => on.close());

describe('gradient descent', () => {
  it('steps by 1 / L, L the largest eigenvalue there can be, along the gradient', async () => {
    const objective = crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-2 });
    const task = await problem(on, smallSamples({ seed: 1 }), objective);
    const { predictors, units } = task.shape;
    const solver = gradientDescent();
    const first = await solver.init(task, someTheta(predictors, units, 3));
    const second = await solver.step(task, first);
    const hessian = copyMatrix(await task.gram());
    const bound = task.curvatureBound ?? Number.NaN;
    for (let i = 0; i < hessian.data.length; i++) hessian.data[i]! *= bound;
    task.ridge.forEach((lambda, p) => (hessian.data[p * predictors + p]! += lambda));
    const exact = on.host.eigh(hessian).values.at(-1)!;
    second.theta.data.forEach((x, i) => {
      const slope = first.gradient.data[i]!;
      if (slope === 0) return;
      const lipschitz = slope / (first.theta.data[i]! - x);
      expect(lipschitz).toBeGreaterThan(0.999 * exact);
      expect(lipschitz).toBeLessThan(1.15 * exact);
    });
  });

  it('needs a bound for that, and none with Armijo’s rule', async () => {
    const task = await problem(
      on,
      smallSamples({ seed: 2, units: 3, transfer: 'exp' }),
      matching(transfers.exp, { ridge: 0.1 }),
    );
    await expect(run(gradientDescent(), task)).rejects.toThrow(/armijo/);
    const found = await run(gradientDescent({ step: 'armijo' }), task);
    expect(found.status).toBe('converged');
    expect(relativeDifference(found.theta, (await run(newton, task)).theta)).toBeLessThan(1e-6);
  });
});
