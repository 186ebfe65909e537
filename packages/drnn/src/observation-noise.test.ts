import { fillGaussian, randomNetwork, randomStream, simulate } from '@drnn/simulator';
import { matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { fit } from './index.js';

const units = 15;
const { W, initial } = randomNetwork({ units, gain: 2, seed: 1 });
const inputNoise = { kind: 'gaussian', size: 0.3 } as const;
const { rates } = simulate({ W, initial, alpha: 0.3, steps: 6000, inputNoise, seed: 1 });
const noise = new Float64Array(rates.data.length);
fillGaussian(randomStream(1, 'observation')(0), 1, noise);

const fitted = (size: number) => {
  const y = matrix(
    rates.rows,
    units,
    rates.data.map((r, i) => r + size * noise[i]!),
  );
  return fit({ rates: y }, { alpha: 0.3, scale: 'none', backend: 'cpu', estimator: 'convex', refit: false });
};

const slopeOf = (ours: Float64Array): number => {
  let [wt, ww] = [0, 0];
  W.data.forEach((w, i) => {
    wt += w * ours[i]!;
    ww += w * w;
  });
  return wt / ww;
};

describe('observationNoiseOf', () => {
  it('finds none in a network with noise of its own, and says nothing', async () => {
    const { observationNoise, warnings } = await fitted(0);
    expect(observationNoise?.slope).toBeGreaterThan(0.98);
    expect(observationNoise?.share).toBeLessThan(0.005);
    expect(warnings.join()).not.toContain('record itself');
  });

  it.each([0.07, 0.15])(
    'finds the size %s of noise on the record, and by what it shrinks the weights',
    async (size) => {
      const { observationNoise, warnings, model } = await fitted(size);
      // The expected slope is that of a linear network: about a tenth of it is left to tanh and the weights of samples.
      const found = observationNoise?.size.reduce((total, each) => total + each ** 2 / units, 0) ?? Number.NaN;
      expect(Math.abs(Math.sqrt(found) / size - 1)).toBeLessThan(0.15);
      expect(Math.abs((observationNoise?.slope ?? 0) - slopeOf(model.W.data))).toBeLessThan(0.1);
      expect(warnings.join()).toContain('record itself');
    },
  );

  it('is not estimated at alpha 1 or without holdout', async () => {
    expect((await fit({ rates }, { alpha: 1, backend: 'cpu', estimator: 'convex' })).observationNoise).toBeNull();
    const options = { alpha: 0.3, holdout: 0, backend: 'cpu', estimator: 'convex' } as const;
    expect((await fit({ rates }, options)).observationNoise).toBeNull();
  });
});
