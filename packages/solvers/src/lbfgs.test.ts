import { backend } from '@drnn/backend-cpu';
import { crossEntropy, matching, transfers } from '@drnn/objectives';
import type { Backend } from '@drnn/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { lbfgs, newton, problem, run, sharedNewton } from './index.js';
import { relativeDifference, smallSamples, someTheta } from './small-samples.js';

const on: Backend = await backend();
afterAll(() => on.close());

describe('L-BFGS in the metric', () => {
  it('takes one step where the metric is the Hessian', async () => {
    const task = await problem(on, smallSamples({ seed: 1 }), matching(transfers.identity, { ridge: 1e-3 }));
    const start = someTheta(task.shape.predictors, task.shape.units, 4);
    const { status, steps } = await run(lbfgs(5), task, { start });
    expect([status, steps]).toEqual(['converged', 1]);
  });

  it('learns what the metric lacks: fewer steps than the metric alone, and with more memory no more', async () => {
    const objective = crossEntropy({ weights: { kind: 'calibrated', kappa: 1e-3 }, ridge: 1e-3 });
    const task = await problem(on, smallSamples({ seed: 2, units: 10, steps: 400, noise: 0.3 }), objective);
    const [plain, short, long] = [await run(sharedNewton, task), await run(lbfgs(1), task), await run(lbfgs(8), task)];
    expect([short.status, long.status]).toEqual(['converged', 'converged']);
    expect(short.steps).toBeLessThan(plain.steps);
    expect(long.steps).toBeLessThanOrEqual(short.steps);
    task.release();
  });

  it('needs no bound on the curvature', async () => {
    const task = await problem(
      on,
      smallSamples({ seed: 3, transfer: 'exp' }),
      matching(transfers.exp, { ridge: 1e-3 }),
    );
    expect(task.curvatureBound).toBe(null);
    for (const start of [undefined, someTheta(task.shape.predictors, task.shape.units, 2, 3)]) {
      const found = await run(lbfgs(5), task, start === undefined ? {} : { start });
      expect(found.status).toBe('converged');
      expect(relativeDifference(found.theta, (await run(newton, task)).theta)).toBeLessThan(1e-6);
    }
  });

  it('refuses a memory that is none', () => {
    expect(() => lbfgs(0)).toThrow(/lbfgs memory: saw 0/);
    expect(() => lbfgs(2.5)).toThrow(/whole number/);
  });
});
