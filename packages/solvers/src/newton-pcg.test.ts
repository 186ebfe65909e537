import { backend } from '@drnn/backend-cpu';
import { crossEntropy, matching, type Objective, transfers } from '@drnn/objectives';
import { type Backend, DrnnError, matrix, type Matrix } from '@drnn/tensor';
import { transitions } from '@drnn/simulator';
import { afterAll, describe, expect, it } from 'vitest';
import { iterate, newton, newtonPcg, newtonPcgWith, problem, run, type Solver } from './index.js';
import { relativeDifference, smallSamples, someTheta } from './small-samples.js';

const on: Backend = await backend();
afterAll(() => on.close());

const kinds: Readonly<Record<string, Solver>> = {
  metric: newtonPcg,
  eigenbasis: newtonPcgWith({ preconditioner: 'eigenbasis' }),
  recomputed: newtonPcgWith({ curvatures: 'recompute' }),
};

describe('Newton by conjugate gradients', () => {
  it.each(Object.entries(kinds))(
    '%s: least squares take one step, since the metric is the Hessian',
    async (_, solver) => {
      const task = await problem(
        on,
        smallSamples({ seed: 1, inputs: 1 }),
        matching(transfers.identity, { ridge: 1e-3 }),
      );
      const start = someTheta(task.shape.predictors, task.shape.units, 4);
      const solution = await run(solver, task, { start });
      expect([solution.status, solution.steps]).toEqual(['converged', 1]);
    },
  );

  const losses: Readonly<Record<string, readonly [Objective, 'tanh' | 'logistic' | 'exp' | 'softplus']>> = {
    'cross-entropy': [crossEntropy({ ridge: 1e-3 }), 'tanh'],
    'variance weights': [crossEntropy({ weights: 'variance', ridge: 1e-3 }), 'tanh'],
    'strongly clipped': [crossEntropy({ weights: 'variance', clip: 0.02, ridge: 1e-4 }), 'tanh'],
    calibrated: [crossEntropy({ weights: { kind: 'calibrated', kappa: 1e-3 }, ridge: 1e-4 }), 'tanh'],
    logistic: [matching(transfers.logistic, { ridge: 1e-3 }), 'logistic'],
    'exp, of no bound': [matching(transfers.exp, { ridge: 1e-3 }), 'exp'],
    softplus: [matching(transfers.softplus, { ridge: 1e-3 }), 'softplus'],
  };
  it.each(Object.entries(losses))('%s: the optimum of newton, from near and far', async (_, [objective, transfer]) => {
    const task = await problem(on, smallSamples({ seed: 7, transfer, inputs: 1, noise: 0.3 }), objective);
    const reference = await run(newton, task);
    for (const solver of Object.values(kinds)) {
      for (const start of [undefined, someTheta(task.shape.predictors, task.shape.units, 1, 3)]) {
        const found = await run(solver, task, start === undefined ? {} : { start });
        expect(found.status).toBe('converged');
        expect(relativeDifference(found.theta, reference.theta)).toBeLessThan(1e-6);
        expect(found.steps).toBeLessThan(40);
      }
    }
    task.release();
  });

  it('converges faster than linearly', async () => {
    const task = await problem(on, smallSamples({ seed: 8 }), crossEntropy({ ridge: 1e-3 }));
    const start = matrix(task.shape.predictors, task.shape.units);
    const { trace } = await run(newtonPcg, task, { start });
    const residuals = trace.map(({ residual }) => residual);
    const rates = residuals.slice(1).map((r, k) => r / residuals[k]!);
    expect(rates.at(-1)).toBeLessThan(0.1 * rates[0]!);
  });

  it('the eigenbasis saves products where the curvature differs from unit to unit', async () => {
    // Units that saturate to different degrees, a ridge that counts.
    const { predictors } = smallSamples({ seed: 9, units: 12, steps: 600, noise: 0.3 });
    const rates = matrix(
      predictors.rows,
      12,
      predictors.data.map((r, i) => r * 0.1 ** (i % 3)),
    );
    const task = await problem(
      on,
      transitions({ rates, alpha: 0.3 }),
      crossEntropy({ weights: { kind: 'calibrated', kappa: 1e-2 }, ridge: 1e-2 }),
    );
    const products = async (solver: typeof newtonPcg): Promise<number> => {
      let total = 0;
      for await (const state of iterate(solver, task)) {
        total += state.products;
        if (state.residual < 1e-9) break;
      }
      return total;
    };
    const eigen = await products(newtonPcgWith({ preconditioner: 'eigenbasis' }));
    expect(eigen).toBeLessThan(await products(newtonPcg));
    task.release();
  });

  it('reports the decrement: half of it is what the objective falls by, near the optimum', async () => {
    const task = await problem(on, smallSamples({ seed: 10 }), crossEntropy({ ridge: 1e-3 }));
    const optimum = await run(newton, task);
    const start: Matrix = { ...optimum.theta, data: optimum.theta.data.map((x, i) => x + 1e-3 * Math.sin(i)) };
    const solver = newtonPcgWith({ forcing: 1e-6 });
    const first = await solver.init(task, start);
    const second = await solver.step(task, first);
    second.decrement.forEach((squared, j) => {
      expect((first.value[j]! - second.value[j]!) / (squared / 2)).toBeCloseTo(1, 2);
    });
  });

  it.each([0, 1e-18])('a unit recorded twice, ridge %s: finite, and no worse than newton', async (ridge) => {
    const { predictors } = smallSamples({ seed: 3, units: 5, steps: 400 });
    const rates = matrix(predictors.rows, 6);
    rates.data.forEach((_unused, i) => (rates.data[i] = predictors.data[Math.floor(i / 6) * 5 + ((i % 6) % 5)]!));
    const task = await problem(on, { rates, alpha: 0.3 }, crossEntropy({ weights: 'variance', clip: 0.2, ridge }));
    const reference = await run(newton, task);
    for (const solver of Object.values(kinds)) {
      const found = await run(solver, task);
      expect(found.status).not.toBe('non-finite');
      expect(found.theta.data.every(Number.isFinite)).toBe(true);
      expect(Math.abs(found.objective / reference.objective - 1)).toBeLessThan(1e-6);
    }
    task.release();
  });

  it('units all of whose samples are clipped, at a start far away, come back', async () => {
    const task = await problem(
      on,
      smallSamples({ seed: 4 }),
      crossEntropy({ weights: 'variance', clip: 1e-3, ridge: 1e-6 }),
    );
    const start = someTheta(task.shape.predictors, task.shape.units, 2, 30);
    const reference = await run(newton, task, { start });
    for (const solver of Object.values(kinds)) {
      const { objective, status } = await run(solver, task, { start });
      expect(status).toBe('converged');
      expect(Math.abs(objective / reference.objective - 1)).toBeLessThan(1e-6);
    }
    task.release();
  });

  it('refuses options that are none, all at once', () => {
    const build = (): unknown => newtonPcgWith({ maxProducts: 0, forcing: 2 });
    expect(build).toThrow(DrnnError);
    expect(build).toThrow(/maxProducts[^]*forcing/);
  });
});
