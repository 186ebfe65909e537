import { backend as cpu } from '@drnn/backend-cpu';
import { crossEntropy } from '@drnn/objectives';
import { randomNetwork, simulate, transitions } from '@drnn/simulator';
import { isDeviceLost } from '@drnn/tensor';
import { losingDevice } from '@drnn/tensor/laws';
import { describe, expect, it } from 'vitest';
import {
  accelerate,
  firstOf,
  maxSteps,
  problem,
  run,
  sharedNewton,
  stalled,
  tolerance,
  unaccelerated,
  withStopping,
  withTrace,
} from './index.js';

const { W, initial } = randomNetwork({ units: 6, gain: 2, seed: 3 });
const { rates } = simulate({
  W,
  initial,
  alpha: 0.1,
  steps: 400,
  inputNoise: { kind: 'gaussian', size: 0.05 },
  seed: 3,
});
const samples = transitions({ rates, alpha: 0.1 });
const objective = crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-5 });
const until = (most: number) => withStopping(firstOf(tolerance(1e-10), maxSteps(most), stalled()));
const solver = until(200)(accelerate(unaccelerated)(sharedNewton));

/** What a run makes of a device that is lost after so many pieces of work. */
const after = async (work: number) => {
  const own = await cpu();
  const task = await problem(losingDevice(own, work), samples, objective);
  const residuals: number[] = [];
  const traced = withTrace(({ residual }) => residuals.push(residual))(solver);
  return { own, task, residuals, solution: await run(traced, task) };
};

describe('a device that is lost', () => {
  it('before there is a state is an error', async () => {
    for (const work of [0, 3]) {
      const error: unknown = await after(work).catch((one: unknown) => one);
      expect(isDeviceLost(error)).toBe(true);
    }
  });

  it('ends the run as device-lost, with its last state and what the backend said', async () => {
    const whole = await after(Infinity);
    expect([whole.solution.status, whole.solution.lost]).toEqual(['converged', undefined]);
    const ends = new Set<number>();
    for (const work of [9, 12, 15]) {
      const { solution, residuals, own } = await after(work);
      expect(solution.status).toBe('device-lost');
      expect(solution.lost?.message).toMatch(/lost device/);
      expect(solution.residual).toBe(residuals.at(-1));
      expect(solution.steps).toBe(residuals.length - 1);
      expect(solution.residual).toBe(whole.residuals[solution.steps]);
      ends.add(solution.steps);
      await own.close();
    }
    expect(ends.size).toBe(3);
    await whole.own.close();
  });

  it('leaves a state from which another backend goes on, in the steps that were left', async () => {
    const whole = await after(Infinity);
    const { solution, task, own } = await after(15);
    const other = await cpu();
    const moved = await task.movedTo(other);
    const rest = await run(solver, moved, { start: solution.theta });
    expect(rest.status).toBe('converged');
    expect(rest.steps).toBe(whole.solution.steps - solution.steps);
    const apart = rest.theta.data.map((x, i) => Math.abs(x - whole.solution.theta.data[i]!));
    expect(Math.max(...apart)).toBeLessThan(1e-9);
    moved.release();
    expect(other.memory().handles).toBe(0);
    for (const on of [own, other, whole.own]) await on.close();
  });

  it('takes nothing along that was to be made on it', async () => {
    const own = await cpu();
    // Lost once the rows are there: no Gram matrix, no start, no scale was made.
    const task = await problem(losingDevice(own, 3), samples, objective);
    const other = await cpu();
    const moved = await task.movedTo(other);
    await expect(task.gram()).rejects.toThrow(/lost device/);
    const plain = await problem(other, samples, objective);
    expect((await moved.gram()).data).toEqual((await plain.gram()).data);
    expect((await run(solver, moved)).theta.data).toEqual((await run(solver, plain)).theta.data);
    for (const on of [own, other]) await on.close();
  });
});
