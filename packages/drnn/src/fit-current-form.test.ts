import { type Matrix, matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { attractors, correlation, fit, predict, randomNetwork, simulate } from './index.js';

const alpha = 0.1;
const units = 25;
const { W, Win, initial } = randomNetwork({ units, inputs: 1, gain: 2, seed: 4 });
const steps = 2500;
const inputs = matrix(
  steps,
  1,
  Float64Array.from({ length: steps }, (_, t) => Math.sin(t / 40) + 0.5 * Math.sin(t / 7)),
);
const { rates } = simulate({
  W,
  ...(Win === undefined ? {} : { Win }),
  inputs,
  alpha,
  steps,
  initial: initial.map(Math.atanh),
  form: 'current',
});
const shared = { alpha, inputs, scale: 'none', backend: 'cpu' } as const;

const offDiagonal = ({ data }: Matrix): Float64Array => data.filter((_, i) => i % (units + 1) !== 0);
const recovery = (fitted: Matrix): number => correlation(offDiagonal(fitted), offDiagonal(W));

describe('fit of a recording of the current form', () => {
  it('is exact through the leak, by the calibrated estimator, and far from it as rates', async () => {
    const current = await fit({ rates }, { ...shared, form: 'current' });
    expect(recovery(current.model.W)).toBeGreaterThan(0.9999);
    expect(correlation(current.model.Win.data, Win?.data ?? new Float64Array())).toBeGreaterThan(0.9999);
    expect(current.model.form).toBe('current');
    expect(current.observationNoise).toBeNull();
    expect(current.dropped.rows).toBe(44);
    expect(current.scores?.drive.pooled).toBeGreaterThan(0.9999);
    const rate = await fit({ rates }, shared);
    expect(rate.model.form).toBeUndefined();
    expect(recovery(rate.model.W)).toBeLessThan(0.95);
    // The model is run in the form that it is of, from a recorded state, against the recording itself.
    const run = predict(current.model, rates, { inputs, start: 100, steps: 60 });
    const off = run.data.map((r, i) => Math.abs(r - rates.data[100 * units + i]!));
    expect(Math.max(...off)).toBeLessThan(0.05);
    expect(Math.max(...off.subarray(0, units))).toBeLessThan(1e-5);
    expect(attractors(current.model, { seeds: 64 }).form).toBe('current');
  });

  it('works with the convex estimator, several trials and a scale', async () => {
    const trials = Array.from({ length: steps + 1 }, (_, t) => Math.floor(t / 500));
    const u = matrix(steps + 1, 1);
    u.data.set(inputs.data);
    const doubled = matrix(
      rates.rows,
      units,
      rates.data.map((r) => 2 * r),
    );
    const convex = { ...shared, inputs: u, trials, form: 'current', estimator: 'convex', ridge: 1e-8 } as const;
    const plain = await fit({ rates }, convex);
    expect(recovery(plain.model.W)).toBeGreaterThan(0.995);
    const scaled = await fit({ rates: doubled }, { ...convex, scale: 'max' });
    expect(Math.max(...scaled.model.scale)).toBeGreaterThan(1.9);
    expect(scaled.scores?.drive.pooled).toBeGreaterThan(0.9);
  });

  it('says what cannot be asked for with it, all at once', async () => {
    await expect(fit({ rates }, { alpha: 'auto', form: 'current', missing: 'model', settle: 1.5 })).rejects.toThrow(
      /settle[^]*alpha[^]*missing/,
    );
    await expect(fit({ rates }, { alpha, settle: 5 })).rejects.toThrow(/form current/);
    const apart = Float64Array.from({ length: units }, (_, i) => 0.1 + 0.01 * i);
    await expect(fit({ rates }, { alpha: apart, form: 'current', backend: 'cpu' })).rejects.toThrow(/one alpha/);
  });
});
