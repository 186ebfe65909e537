import { backend } from '@drnn/backend-cpu';
import { crossEntropy, matching, transfers } from '@drnn/objectives';
import { type Backend, matrix } from '@drnn/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { admm, firstOf, iterate, maxSteps, newton, problem, run, tolerance, withStopping } from './index.js';
import { relativeDifference, smallSamples } from './small-samples.js';

const on: Backend = await backend();
afterAll(() => on.close());

describe('ADMM', () => {
  const connections = matrix(6, 6);
  connections.data.forEach((_unused, i) => (connections.data[i] = i % 3 === 0 ? 0 : 1));
  const objective = crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-2, constraints: { connections } });
  const task = problem(on, smallSamples({ seed: 1 }), objective);

  it('ends at the constrained optimum, both residuals gone, its dual the gradient of what is fixed', async () => {
    const at = await task;
    const optimum = await run(newton, at);
    for await (const state of iterate(admm({ rho: 1 }), at)) {
      expect(state.step).toBeLessThan(3000);
      if (Math.max(state.residual, state.primalResidual, state.dualResidual) > 1e-10) continue;
      expect(relativeDifference(state.theta, optimum.theta)).toBeLessThan(1e-6);
      const { gradient } = await at.evaluateUnconstrained(optimum.theta);
      // grad F + rho' v = 0; on free coordinates both are 0.
      const pull = gradient.data.map((g, i) => g + state.penalty * state.dual.data[i]!);
      const scale = Math.max(...gradient.data.map(Math.abs));
      expect(scale).toBeGreaterThan(1);
      expect(Math.max(...pull.map(Math.abs)) / scale).toBeLessThan(1e-6);
      break;
    }
  });

  it('depends on rho, which exact projections do not have', async () => {
    const at = await task;
    const steps = async (rho: number): Promise<number> => {
      const stop = firstOf(tolerance(1e-4), maxSteps(500));
      return (await run(withStopping(stop)(admm({ rho })), at)).steps;
    };
    const [small, large] = [await steps(1), await steps(10_000)];
    expect(large).toBeGreaterThan(3 * small);
  });

  it('without constraints its dual stays 0', async () => {
    const at = await problem(
      on,
      smallSamples({ seed: 2 }),
      crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-2, constraints: { zeroDiagonal: false } }),
    );
    for await (const state of iterate(admm({ rho: 1 }), at)) {
      expect(Math.max(...state.dual.data.map(Math.abs))).toBeLessThan(1e-12);
      if (state.step > 0) expect(state.primalResidual).toBeLessThan(1e-12);
      if (state.step === 5) break;
    }
  });

  it('refuses a rho that is none, no ridge, and a curvature of no bound', async () => {
    expect(() => admm({ rho: 0 })).toThrow(/admm rho/);
    const bare = await problem(
      on,
      smallSamples({ seed: 3 }),
      crossEntropy({ weights: 'variance', clip: 0.2, ridge: 0 }),
    );
    await expect(run(admm(), bare)).rejects.toThrow(/without ridge/);
    const steep = await problem(on, smallSamples({ seed: 3, transfer: 'exp' }), matching(transfers.exp));
    await expect(run(admm(), steep)).rejects.toThrow(/no known bound/);
  });
});
