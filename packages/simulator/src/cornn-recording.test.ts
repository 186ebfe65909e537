import { type Matrix, rowRange } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cornnRecording, type CornnRecordingOptions } from './cornn-recording.js';

/** eta of every step, where xi is 0: d - tanh(W r), from the record and W alone. */
const residuals = ({ W, rates, alpha }: { W: Matrix; rates: Matrix; alpha: number }): Float64Array => {
  const units = W.rows;
  const result = new Float64Array((rates.rows - 1) * units);
  for (let t = 0; t + 1 < rates.rows; t++) {
    const r = rates.data.subarray(t * units, (t + 1) * units);
    for (let i = 0; i < units; i++) {
      let z = 0;
      for (let j = 0; j < units; j++) z += W.data[i * units + j]! * r[j]!;
      const d = (rates.data[(t + 1) * units + i]! - (1 - alpha) * r[i]!) / alpha;
      result[t * units + i] = d - Math.tanh(z);
    }
  }
  return result;
};

const deviation = (values: Float64Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

describe('cornnRecording', () => {
  it('obeys the equation of the rate model: without input noise what is left of d is the conversion noise', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 1000 }),
        (units, alpha, seed) => {
          const exact = cornnRecording({ units, frames: 30, alpha, inputNoise: 0, conversionNoise: 0, seed });
          expect(deviation(residuals(exact))).toBeLessThan(1e-13);
        },
      ),
      { numRuns: 30 },
    );
    const noisy = cornnRecording({ units: 50, frames: 2001, inputNoise: 0, conversionNoise: 0.01 });
    expect(Math.abs(deviation(residuals(noisy)) / 0.01 - 1)).toBeLessThan(4 / Math.sqrt(2 * 50 * 2000));
  });

  it('takes every law for either noise; those of a Poisson noise are whole numbers of impulses', () => {
    const eta = residuals(
      cornnRecording({ units: 30, frames: 1001, inputNoise: 0, conversionNoise: { kind: 'poisson', size: 0.1 } }),
    );
    const counts = eta.map(Math.round);
    expect(eta.every((value, i) => Math.abs(value - counts[i]!) < 1e-12)).toBe(true);
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    expect(Math.abs(mean - 0.1)).toBeLessThan(4 * Math.sqrt(0.1 / counts.length));
    for (const kind of ['gaussian', 'laplace', 'poisson'] as const) {
      const noise = { kind, size: 0.05 };
      const quiet = cornnRecording({ units: 10, frames: 50, inputNoise: 0, conversionNoise: 0 });
      const driven = cornnRecording({ units: 10, frames: 50, inputNoise: noise, conversionNoise: 0 });
      expect(driven.W).toEqual(quiet.W);
      expect(driven.rates).not.toEqual(quiet.rates);
    }
  });

  it('begins with the shorter record of the same seed, and has an Observations that can be spread', () => {
    const settings: CornnRecordingOptions = { units: 20, frames: 100, seed: 7 };
    const [short, long] = [cornnRecording(settings), cornnRecording({ ...settings, frames: 150 })];
    expect(short.rates.rows).toBe(100);
    expect(rowRange(long.rates, 0, 100).data).toEqual(short.rates.data);
    expect(cornnRecording({ ...settings, seed: 8 }).W).not.toEqual(short.W);
    expect(short.rates.data.subarray(0, 20).every((rate) => Math.abs(rate) < 1)).toBe(true);
  });

  it('runs the current form from the same rates', () => {
    const settings = { units: 12, frames: 40, inputNoise: 0, conversionNoise: 0, seed: 3 };
    const rate = cornnRecording(settings);
    const current = cornnRecording({ ...settings, form: 'current' });
    expect(current.W).toEqual(rate.W);
    for (let j = 0; j < 12; j++) expect(current.rates.data[j]).toBeCloseTo(rate.rates.data[j] ?? Number.NaN, 12);
    // x[1] = (1 - a) atanh(r[0]) + a W r[0]
    const r = rate.rates.data.subarray(0, 12);
    const z = rate.W.data.subarray(0, 12).reduce((sum, w, j) => sum + w * r[j]!, 0);
    expect(current.rates.data[12]).toBeCloseTo(Math.tanh(0.9 * Math.atanh(r[0]!) + 0.1 * z), 12);
  });

  it('lists everything that is wrong with its options', () => {
    expect(() =>
      cornnRecording({
        units: 0,
        frames: 1,
        g: -1,
        alpha: 2,
        inputNoise: -1,
        conversionNoise: { kind: 'laplace', size: Number.NaN },
        seed: 0.5,
      }),
    ).toThrow(/units[^]*frames[^]*g:[^]*alpha[^]*inputNoise[^]*conversionNoise[^]*seed/);
  });
});
