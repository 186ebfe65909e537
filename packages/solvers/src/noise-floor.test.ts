import { backend as cpu } from '@drnn/backend-cpu';
import { backend as wasm } from '@drnn/backend-wasm';
import { crossEntropy } from '@drnn/objectives';
import { randomNetwork, simulate, transitions } from '@drnn/simulator';
import { type Backend, matrix } from '@drnn/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { newton, type Problem, problem, run } from './index.js';

const units = 20;
const { W, initial } = randomNetwork({ units, gain: 2, seed: 3 });
const { rates } = simulate({
  W,
  initial,
  alpha: 0.1,
  steps: 800,
  inputNoise: { kind: 'gaussian', size: 0.05 },
  seed: 3,
});
const from = transitions({ rates, alpha: 0.1 });
const objective = crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-5 });

const opened: Backend[] = [];
const on = async (made: Promise<Backend>): Promise<Problem> => {
  opened.push(await made);
  return problem(await made, from, objective);
};
const exact = on(cpu());
const optimum = exact.then((task) => run(newton, task));
afterAll(() => Promise.all(opened.map((each) => each.close())));

/** The largest over all units of the difference of two gradients, as residuals measure it. */
const distance = async (a: Problem, b: Problem, theta = b.start()): Promise<number> => {
  const [one, other] = [(await a.evaluate(await theta)).gradient, (await b.evaluate(await theta)).gradient];
  const difference = matrix(
    one.rows,
    one.columns,
    one.data.map((g, i) => g - other.data[i]!),
  );
  const scale = await b.gradientScale();
  return Math.max(...(await b.metric()).dualNorm(difference).map((size, j) => size / scale[j]!));
};

describe('the noise floor', () => {
  it('is 0 in float64', async () => {
    expect(await (await exact).noiseFloor()).toBe(0);
    expect(await (await on(wasm({ precision: 'float64', threads: 1 }))).noiseFloor()).toBe(0);
  });

  it.each([
    ['cpu', () => cpu({ precision: 'mixed' })],
    ['wasm', () => wasm({ precision: 'mixed', threads: 1 })],
  ] as const)('on %s is the distance to the exact gradient, of all units, also at the optimum', async (_name, make) => {
    const mixed = await on(make());
    const floor = await mixed.noiseFloor();
    const start = await distance(mixed, await exact);
    expect(floor).toBeGreaterThan(start);
    expect(floor).toBeLessThan(10 * start);
    const { theta } = await optimum;
    expect(await distance(mixed, await exact, Promise.resolve(theta))).toBeLessThan(2 * floor);
  });

  it('sees a backend that is less exact than it says', async () => {
    const honest = await cpu({ precision: 'mixed' });
    opened.push(honest);
    // Every back-projection is off by 1e-4 of itself, as with sums in half precision.
    const noisy = (inner: Backend): Backend => ({
      ...inner,
      pass: async (design, request) => {
        const result = await inner.pass(design, request);
        return {
          ...result,
          backProject: result.backProject.map((g) => ({
            ...g,
            data: g.data.map((x, i) => x * (1 + 1e-4 * Math.sin(i))),
          })),
        };
      },
      scope: (body) => inner.scope((child) => body(noisy(child))),
    });
    const task = await problem(noisy(honest), from, objective);
    const floor = await task.noiseFloor();
    const off = await distance(task, await exact);
    expect(off).toBeGreaterThan(1e-7);
    expect(floor).toBeGreaterThan(off / 2);
    expect(floor).toBeLessThan(10 * off);
  });

  it('leaves no rows behind, and is measured once', async () => {
    const mixed = await on(cpu({ precision: 'mixed' }));
    const { handles } = mixed.on.memory();
    const first = mixed.noiseFloor();
    expect(mixed.noiseFloor()).toBe(first);
    await first;
    expect(mixed.on.memory().handles).toBe(handles);
  });
});
