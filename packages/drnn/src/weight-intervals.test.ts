import { cornnRecording, type Noise, randomNetwork, simulate } from '@drnn/simulator';
import { matrix, type Matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { type FitContext, fit } from './index.js';

const units = 20;
const gaussian = (size: number): Noise => ({ kind: 'gaussian', size });
const recorded = (seed: number, inputNoise: Noise, outputNoise: Noise, steps = 1500) => {
  const { W, initial } = randomNetwork({ units, gain: 3, seed });
  return { W, ...simulate({ W, initial, alpha: 0.1, steps, seed, inputNoise, outputNoise }) };
};
const options = {
  alpha: 0.1,
  scale: 'none',
  backend: 'cpu',
  choosing: 'none',
  intervals: 'exact',
} as const satisfies FitContext;

/** The fraction of off-diagonal weights within 1.96 standard errors of the truth. */
const coverage = (truth: Matrix, found: Matrix, errors: Matrix | undefined): number => {
  let inside = 0;
  found.data.forEach((w, i) => {
    if (i % (units + 1) !== 0 && Math.abs(w - truth.data[i]!) <= 1.96 * (errors?.data[i] ?? 0)) inside++;
  });
  return inside / (units * (units - 1));
};

describe('intervals', () => {
  it('hold the truth about as often as they say, exact and shared, and the check trusts Gaussian noise', async () => {
    const covered = { exact: 0, shared: 0 };
    for (const seed of [2, 5]) {
      const { W, rates } = recorded(seed, gaussian(0.05), gaussian(0.01));
      for (const method of ['exact', 'shared'] as const) {
        const { model, intervals } = await fit({ rates }, { ...options, intervals: method });
        covered[method] += coverage(W, model.W, model.standardErrors?.W) / 2;
        expect(intervals?.calibration).toMatchObject({ trustworthy: true, reasons: [] });
        expect(intervals?.medianStandardError).toBeGreaterThan(0);
        expect(intervals?.check === null).toBe(method === 'exact');
        for (let j = 0; j < units; j++) expect(model.standardErrors?.W.data[j * (units + 1)]).toBe(0);
      }
    }
    // 760 weights: two standard errors of a fraction of .95 are .016, and weights of a unit err together.
    for (const fraction of [covered.exact, covered.shared]) {
      expect(fraction).toBeGreaterThan(0.91);
      expect(fraction).toBeLessThan(0.985);
    }
  });

  it('are flagged under Laplace noise, and where predictors are interpolated or nothing is held out', async () => {
    const { rates } = recorded(2, { kind: 'laplace', size: 0.05 }, { kind: 'laplace', size: 0.01 });
    const laplace = await fit({ rates }, options);
    expect(laplace.intervals?.calibration.trustworthy).toBe(false);
    expect(laplace.warnings.join()).toContain('Do not trust the intervals');
    const observed = matrix(rates.rows, units, new Float64Array(rates.data.length).fill(1));
    for (let t = 10; t < rates.rows; t += 100) observed.data[t * units + 3] = 0;
    const bridged = await fit({ rates }, { ...options, effort: 'quick', observed, missing: 'interpolate' });
    expect(bridged.intervals?.calibration.reasons.join()).toMatch(/not calibrated: \d+ predictors were interpolated/);
    const whole = await fit({ rates }, { ...options, effort: 'quick', holdout: 0 });
    expect(whole.intervals?.calibration.reasons.join()).toContain('nothing was held out');
  });

  it('shrink with the root of time', async () => {
    const sizes: number[] = [];
    for (const steps of [1000, 4000]) {
      const { rates } = recorded(5, gaussian(0.05), gaussian(0.01), steps);
      const { intervals } = await fit({ rates }, { ...options, effort: 'quick', holdout: 0 });
      sizes.push(intervals?.medianStandardError ?? 0);
    }
    expect(sizes[0]! / sizes[1]!).toBeGreaterThan(1.6);
    expect(sizes[0]! / sizes[1]!).toBeLessThan(2.6);
  });

  it('are refused of a convex fit, and where a ridge won', async () => {
    const { rates } = recorded(5, gaussian(0.05), gaussian(0.01), 800);
    await expect(fit({ rates }, { alpha: 0.1, intervals: 'exact', estimator: 'convex' })).rejects.toThrow(
      /intervals: .*convex estimator/s,
    );
    // A sixth of the units seen, and little of them: the rounds lose to ridge.
    const { rates: all } = cornnRecording({ units: 60, frames: 400, seed: 6 });
    const few = matrix(all.rows, 10);
    for (let t = 0; t < all.rows; t++) few.data.set(all.data.subarray(t * 60, t * 60 + 10), t * 10);
    const given = { alpha: 0.1, scale: 'none', backend: 'cpu' } as const;
    expect((await fit({ rates: few }, given)).calibration?.winner).not.toBe('rounds');
    await expect(fit({ rates: few }, { ...given, intervals: 'exact' })).rejects.toThrow(/fit by ridge.*choosing none/s);
    const onTrust = await fit({ rates: few }, { ...given, intervals: 'exact', choosing: 'none' });
    expect(onTrust.model.standardErrors?.W.rows).toBe(10);
  });
});
