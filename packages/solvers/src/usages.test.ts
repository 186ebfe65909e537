/** The three usages of the design, as they are meant to read. */
import { backend } from '@drnn/backend-cpu';
import { certify, crossEntropy, logistic, objective } from '@drnn/objectives';
import { randomNetwork, simulate } from '@drnn/simulator';
import { mul, softplus, sub } from '@drnn/tensor';
import { pipe } from 'fp-ts/lib/function.js';
import { describe, expect, it } from 'vitest';
import {
  accelerate,
  anderson,
  firstOf,
  iterate,
  maxSteps,
  newton,
  problem,
  run,
  sharedNewton,
  tolerance,
  withStopping,
  withTrace,
} from './index.js';

const { W, initial } = randomNetwork({ units: 12, gain: 3, seed: 4 });
const { rates } = simulate({
  W,
  initial,
  alpha: 0.2,
  steps: 600,
  seed: 4,
  inputNoise: { kind: 'gaussian', size: 0.05 },
});
const recording = { rates, alpha: 0.2 };

describe('usage', () => {
  it('an engineer: own stopping, own trace', async () => {
    const on = await backend();
    const seen: number[] = [];
    const task = await problem(on, recording, crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-5 }));
    const solver = pipe(
      sharedNewton,
      accelerate(anderson(5)),
      withStopping(firstOf(tolerance(1e-8), maxSteps(200))),
      withTrace((state) => seen.push(state.residual)),
    );
    const solution = await run(solver, task);
    expect(solution.status).toBe('converged');
    expect(solution.residual).toBeLessThanOrEqual(1e-8);
    expect(solution.thetaErrorBound).toBeLessThanOrEqual(1e-8);
    expect(seen).toEqual(solution.trace.map((entry) => entry.residual));
    await on.close();
  });

  it('a researcher: a new objective, and whether it is convex', async () => {
    const on = await backend();
    const mine = objective({
      loss: ({ z, d, w }) => mul(w, sub(softplus(z), mul(d, z))),
      transfer: logistic,
      ridge: 1e-5,
    });
    expect(certify(mine).verdict).toBe('convex');
    const lifted = { ...rates, data: rates.data.map((r) => (r + 1) / 2) };
    const solution = await run(newton, await problem(on, { rates: lifted, alpha: 0.2 }, mine));
    expect(solution.status).toBe('converged');
    await on.close();
  });

  it('a loop of one’s own', async () => {
    const on = await backend();
    const task = await problem(on, recording, crossEntropy({ clip: 0.2, weights: 'variance' }));
    let last = Infinity;
    for await (const state of iterate(accelerate(anderson())(sharedNewton), task)) {
      last = state.residual;
      if (state.residual < 1e-4) break;
    }
    expect(last).toBeLessThan(1e-4);
    await on.close();
  });
});
