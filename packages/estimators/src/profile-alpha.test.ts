import { backend } from '@drnn/backend-cpu';
import { transfers } from '@drnn/objectives';
import { randomNetwork, selectTransitions, simulate, transitions } from '@drnn/simulator';
import { matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { profileAlpha } from './index.js';

const assumptions = { transfer: transfers.tanh, constraints: { zeroDiagonal: true }, bias: true } as const;
const gaussian = (size: number) => ({ kind: 'gaussian', size }) as const;

const recorded = (alpha: number | Float64Array, seed: number, steps = 1500) => {
  const { W, initial } = randomNetwork({ units: 20, gain: 3, seed });
  const { rates } = simulate({
    W,
    initial,
    alpha,
    steps,
    seed,
    inputNoise: gaussian(1e-2),
    outputNoise: gaussian(1e-3),
  });
  return rates;
};

describe('profileAlpha', () => {
  it.each([
    [0.1, 2],
    [0.3, 6],
  ])('finds a shared alpha of %f, whatever alpha the transitions were made with', async (alpha, seed) => {
    const on = await backend();
    const rates = recorded(alpha, seed);
    const found = await profileAlpha(on, transitions({ rates, alpha: 1 }), { ...assumptions, mode: 'shared' });
    const again = await profileAlpha(on, transitions({ rates, alpha: 0.5 }), { ...assumptions, mode: 'shared' });
    expect(Math.abs(found.values[0]! / alpha - 1)).toBeLessThan(0.1);
    expect(again.values[0]! / found.values[0]!).toBeCloseTo(1, 3);
    expect([found.flat, found.atEnd]).toEqual([[], []]);
    const best = Math.min(...found.path.map(({ score }) => score));
    expect(best).toBeLessThan(0.1);
    expect(found.path.map((each) => each.alpha)).toEqual(
      found.path.map((each) => each.alpha).toSorted((a, b) => a - b),
    );
    expect(on.memory()).toEqual({ handles: 0, bytes: 0 });
    await on.close();
  });

  it('finds the alpha of each unit', async () => {
    const alphas = Float64Array.from({ length: 20 }, (_, j) => 0.05 * 8 ** (j / 19));
    const on = await backend();
    const samples = transitions({ rates: recorded(alphas, 3), alpha: 1 });
    const { values, flat } = await profileAlpha(on, samples, { ...assumptions, mode: 'unit' });
    const wrong = Array.from(values, (a, j) => Math.abs(a / alphas[j]! - 1)).toSorted((a, b) => a - b);
    expect(wrong[10]).toBeLessThan(0.2);
    expect(flat.length).toBeLessThan(5);
    await on.close();
  });

  it('leaves missing samples out', async () => {
    const rates = recorded(0.2, 4);
    const observed = matrix(rates.rows, 20, new Float64Array(rates.data.length).fill(1));
    // Targets alone are missing: whole frames of a unit now and then, in two units.
    for (let t = 7; t < rates.rows; t += 40) for (const j of [2, 5]) observed.data[t * 20 + j] = 0;
    const on = await backend();
    const { values } = await profileAlpha(on, transitions({ rates, observed, alpha: 1 }), {
      ...assumptions,
      mode: 'shared',
    });
    expect(Math.abs(values[0]! / 0.2 - 1)).toBeLessThan(0.1);
    await on.close();
  });

  it('says when the alpha is not determined, and asks for enough rows', async () => {
    // This network comes to rest: what is left is noise, which a network that stays put predicts nearly as well.
    const on = await backend();
    const samples = transitions({ rates: recorded(0.1, 1), alpha: 1 });
    const { flat, path } = await profileAlpha(on, samples, { ...assumptions, mode: 'shared' });
    expect(Math.min(...path.map(({ score }) => score))).toBeGreaterThan(0.8);
    expect(flat.length).toBe(20);
    const few = selectTransitions(
      samples,
      Array.from({ length: 30 }, (_, t) => t),
    );
    await expect(profileAlpha(on, few, { ...assumptions, mode: 'shared' })).rejects.toThrow(/at least 40/);
    await on.close();
  });
});
