import { fillGaussian, randomStream } from '@drnn/simulator';
import { matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { autocorrelationTime, noiseLevels } from './index.js';

const gaussians = (count: number, seed: number): Float64Array => {
  const values = new Float64Array(count);
  fillGaussian(randomStream(seed, 'test')(0), 1, values);
  return values;
};

describe('noise levels', () => {
  it('are found where currents spread over the whole range, jumps or not', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.double({ min: 3e-3, max: 3e-2, noNaN: true }),
        fc.boolean(),
        (seed, input, jumps) => {
          const [rows, units] = [1500, 20];
          const output = input / 30;
          const [z, a, b] = [1, 2, 3].map((k) => gaussians(rows * units, seed + k));
          const means = matrix(rows, units);
          const targets = matrix(rows, units);
          means.data.forEach((_, i) => {
            const current = 2 * z![i]!;
            means.data[i] = Math.tanh(current);
            targets.data[i] = Math.tanh(current + input * a![i]!) + output * b![i]! + (jumps && i % 300 === 0 ? 1 : 0);
          });
          const slopes = matrix(
            rows,
            units,
            means.data.map((mean) => 1 - mean * mean),
          );
          const found = noiseLevels({ means, slopes, targets, observed: null }, { parameters: 0, rows });
          expect(found.input / input).toBeGreaterThan(0.9);
          expect(found.input / input).toBeLessThan(1.1);
          expect(found.output / output).toBeGreaterThan(0.7);
          expect(found.output / output).toBeLessThan(1.4);
        },
      ),
      { numRuns: 8 },
    );
  });
});

describe('the autocorrelation time', () => {
  const ar = (phi: number, rows: number, units: number, seed: number) => {
    const result = matrix(rows, units, gaussians(rows * units, seed));
    for (let i = units; i < rows * units; i++) result.data[i]! += phi * result.data[i - units]!;
    return result;
  };
  const frames = Int32Array.from({ length: 1000 }, (_, t) => t);

  it('is 1 for white noise and (1 + phi) / (1 - phi) for an autoregression', () => {
    for (const phi of [0, 0.5, 0.8]) {
      const expected = (1 + phi) / (1 - phi);
      const tau = autocorrelationTime(ar(phi, 1000, 40, 7), frames);
      expect(tau / expected).toBeGreaterThan(0.85);
      expect(tau / expected).toBeLessThan(1.15);
    }
  });

  it('pairs no rows across a gap in the frames', () => {
    const gapped = Int32Array.from(frames, (t) => 2 * t);
    expect(autocorrelationTime(ar(0.8, 1000, 10, 5), gapped)).toBeLessThan(9);
  });
});
