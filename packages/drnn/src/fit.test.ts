import { crossEntropy, matching, objective, transfers } from '@drnn/objectives';
import { randomNetwork, simulate } from '@drnn/simulator';
import { matrix, square, sub } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { fit } from './index.js';

const units = 5;
const { W, initial } = randomNetwork({ units, gain: 2, seed: 3 });
const { rates } = simulate({
  W,
  initial,
  alpha: 0.3,
  steps: 299,
  seed: 3,
  inputNoise: { kind: 'gaussian', size: 0.1 },
});

describe('fit', () => {
  it('explicit weights mean the same by transition and by frame, also after the holdout', async () => {
    const trials = Int32Array.from({ length: 300 }, (_, t) => (t < 200 ? 0 : t < 250 ? 1 : 2));
    const weight = (frame: number, j: number): number => 1 + Math.abs(Math.sin(frame + 3 * j));
    const starts = [
      0,
      ...Array.from({ length: 299 }, (_, t) => t)
        .filter((t) => trials[t] === trials[t + 1])
        .slice(1),
    ];
    const byFrame = matrix(300, units);
    byFrame.data.forEach((_, i) => (byFrame.data[i] = weight(Math.floor(i / units), i % units)));
    const byTransition = matrix(starts.length, units);
    byTransition.data.forEach((_, i) => (byTransition.data[i] = weight(starts[Math.floor(i / units)]!, i % units)));
    const [a, b] = await Promise.all(
      [byFrame, byTransition].map((values) =>
        fit(
          { rates },
          {
            alpha: 0.3,
            trials,
            refit: false,
            objective: crossEntropy({ weights: { kind: 'explicit', values }, clip: 0.5 }),
          },
        ),
      ),
    );
    expect(a?.model.W).toEqual(b?.model.W);
  });

  it('refuses a unit of which no two successive frames are observed', async () => {
    const observed = matrix(300, units, new Float64Array(300 * units).fill(1));
    for (let t = 0; t < 300; t += 2) observed.data[t * units + 2] = 0;
    await expect(fit({ rates }, { alpha: 0.3, observed, missing: 'interpolate' })).rejects.toThrow(
      /unit 2: saw no two successive/,
    );
  });

  it('does not score rows whose predictors were made of the frames to be predicted', async () => {
    // Independent of the past, shared between units: nothing can be predicted but through the interpolation.
    const shared = matrix(400, 2);
    for (let t = 0; t < 400; t++) {
      const common = Math.sin(12.9898 * t * t);
      shared.data[2 * t] = 0.5 * common;
      shared.data[2 * t + 1] = 0.5 * common + 0.05 * Math.sin(78.233 * t * t);
    }
    const observed = matrix(400, 2, new Float64Array(800).fill(1));
    for (let t = 1; t < 400; t += 4) observed.data[2 * t] = 0;
    const { scores } = await fit(
      { rates: shared },
      { alpha: 1, observed, missing: 'interpolate', zeroDiagonal: false },
    );
    expect(scores?.drive.pooled).toBeLessThan(0.05);
  });

  it('finds the same network with the arrays of its rounds made again, and knows no such arrays without rounds', async () => {
    const [kept, made] = await Promise.all(
      (['keep', 'recompute'] as const).map((memory) => fit({ rates }, { alpha: 0.3, memory, backend: 'cpu' })),
    );
    expect(made?.calibration?.winner).toBe('rounds');
    made?.model.W.data.forEach((w, i) => expect(w).toBeCloseTo(kept?.model.W.data[i] ?? Number.NaN, 9));
    await expect(fit({ rates }, { alpha: 0.3, memory: 'recompute', estimator: 'convex' })).rejects.toThrow(
      /memory: saw recompute together with the convex estimator/,
    );
  });

  it('takes rounds for a rectified network, and refuses them for counts', async () => {
    const connected = randomNetwork({ units: 6, gain: 0.8, seed: 4 });
    const inputs = matrix(1200, 3);
    inputs.data.forEach((_, i) => (inputs.data[i] = 1.4 * Math.sin(12.9898 * i * i)));
    const Win = matrix(
      6,
      3,
      Float64Array.from({ length: 18 }, (_, i) => Math.cos(5 * i + 1)),
    );
    const rectified = simulate({
      W: connected.W,
      Win,
      b: new Float64Array(6).fill(-0.1),
      inputs,
      alpha: 0.3,
      steps: 1200,
      transfer: 'relu',
      inputNoise: { kind: 'gaussian', size: 0.1 },
      outputNoise: { kind: 'gaussian', size: 0.01 },
    });
    const options = { alpha: 0.3, inputs, estimator: 'calibrated', backend: 'cpu' } as const;
    const { calibration, solution, warnings } = await fit(
      { rates: rectified.rates },
      { ...options, loss: 'relu', intervals: 'exact' },
    );
    expect([calibration?.winner, solution.status]).toEqual(['rounds', 'converged']);
    expect(calibration?.rounds.at(-1)?.levels.output).toBeCloseTo(0.01, 2);
    expect(warnings.join()).toContain('the check of residuals knows tanh, not relu');
    await expect(fit({ rates: rectified.rates }, { ...options, loss: 'poisson' })).rejects.toThrow(
      /loss: saw poisson together with the calibrated estimator.*--weights none/s,
    );
    const counts = matching(transfers.exp);
    await expect(fit({ rates: rectified.rates }, { ...options, objective: counts })).rejects.toThrow(
      /objective: .*expected the estimator convex/s,
    );
  });

  it('refuses an objective whose network it could not run, and says when weights are not determined', async () => {
    const own = objective({ loss: ({ z, d }) => square(sub(z, d)) });
    await expect(fit({ rates }, { alpha: 0.3, objective: own })).rejects.toThrow(/without a transfer function/);
    const twins = matrix(300, units + 1);
    for (let t = 0; t < 300; t++) {
      twins.data.set(rates.data.subarray(t * units, (t + 1) * units), t * (units + 1));
      twins.data[t * (units + 1) + units] = rates.data[t * units]!;
    }
    const twice = await fit({ rates: twins }, { alpha: 0.3, ridge: 0, maxSteps: 50 });
    expect(twice.warnings.join()).toContain('not determined by the data');
    const small = await fit({ rates: { ...rates, data: rates.data.map((r) => 1e-4 * r) } }, { alpha: 0.3 });
    expect(small.warnings.join()).toContain('The ridge outweighs the data');
  });
});
