import { randomNetwork, simulate } from '@drnn/simulator';
import { matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { fit } from './index.js';

const units = 12;
const { W, initial } = randomNetwork({ units, gain: 3, seed: 2 });
const { rates } = simulate({
  W,
  initial,
  alpha: 0.2,
  steps: 900,
  seed: 2,
  inputNoise: { kind: 'gaussian', size: 0.02 },
});

describe('alpha auto', () => {
  it('is found from the training frames alone, and kept with the model', async () => {
    const found = await fit({ rates }, { alpha: 'auto', effort: 'quick', backend: 'cpu' });
    const alpha = found.model.alpha[0]!;
    expect(Math.abs(alpha / 0.2 - 1)).toBeLessThan(0.1);
    expect(found.model.alpha.every((a) => a === alpha)).toBe(true);
    expect(found.alphaProfile?.path.length).toBeGreaterThan(9);
    expect(found.settings.alpha).toBe(alpha);
    // What comes after the training frames has no say.
    const changed = matrix(rates.rows, units, rates.data.slice());
    for (let i = 730 * units; i < changed.data.length; i++) changed.data[i] = 0.3 * Math.sin(i);
    const again = await fit({ rates: changed }, { alpha: 'auto', effort: 'quick', backend: 'cpu' });
    expect(again.model.alpha[0]).toBeCloseTo(alpha, 6);
  });

  it('of each unit', async () => {
    const alphas = Float64Array.from({ length: units }, (_, j) => 0.08 * 4 ** (j / (units - 1)));
    const mixed = simulate({
      W,
      initial,
      alpha: alphas,
      steps: 900,
      seed: 2,
      inputNoise: { kind: 'gaussian', size: 0.02 },
    });
    const { model } = await fit({ rates: mixed.rates }, { alpha: 'auto-unit', estimator: 'convex', backend: 'cpu' });
    const wrong = Array.from(model.alpha, (a, j) => Math.abs(a / alphas[j]! - 1)).toSorted((a, b) => a - b);
    expect(wrong[units >> 1]).toBeLessThan(0.2);
  });

  it('is refused together with dt and tau, and under another name', async () => {
    await expect(fit({ rates }, { alpha: 'auto', tau: 1 })).rejects.toThrow(/either alpha, or dt and tau/);
  });
});
