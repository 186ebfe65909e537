import { matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { powerSpectrum } from './fourier.js';
import { gaussian } from './networks.test.data.js';
import { powerSpectrumError } from './power-spectrum-error.js';

describe('powerSpectrum', () => {
  it('is the sum that defines it, for every length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 67 }), fc.integer({ min: 1, max: 999 }), (n, seed) => {
        const x = gaussian(n, 1, seed).data;
        const power = powerSpectrum(x);
        expect(power.length).toBe(n === 1 ? 1 : Math.floor(n / 2) + 1);
        power.forEach((value, k) => {
          let [re, im] = [0, 0];
          for (let t = 0; t < n; t++) {
            re += x[t]! * Math.cos((2 * Math.PI * k * t) / n);
            im -= x[t]! * Math.sin((2 * Math.PI * k * t) / n);
          }
          expect(Math.abs(value - re * re - im * im)).toBeLessThan(1e-10 * n * n);
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe('powerSpectrumError', () => {
  const line = (bin: number, times = 4000): ReturnType<typeof matrix> =>
    matrix(
      times,
      1,
      Float64Array.from({ length: times }, (_, t) => Math.cos((2 * Math.PI * bin * t) / times)),
    );

  it('has the distance of two smoothed lines that is known', () => {
    const { mean } = powerSpectrumError(line(1000), line(1040), { smoothing: 20 });
    expect(Math.abs(mean - 0.627271345)).toBeLessThan(1e-6);
    for (const [d, sd] of [
      [10, 20],
      [60, 15],
    ] as const) {
      const wanted = Math.sqrt(1 - Math.exp((-d * d) / (8 * sd * sd)));
      expect(Math.abs(powerSpectrumError(line(900), line(900 + d), { smoothing: sd }).mean - wanted)).toBeLessThan(
        1e-4,
      );
    }
    expect(powerSpectrumError(line(1000), line(1040), { smoothing: 0 }).mean).toBeCloseTo(1, 10);
  });

  it('is 0 for the same, whatever the scale, and symmetric', () => {
    const a = gaussian(500, 3, 1);
    const b = gaussian(500, 3, 2);
    const scaled = matrix(
      500,
      3,
      a.data.map((value, k) => 5 * value + (k % 3)),
    );
    expect(powerSpectrumError(a, scaled).mean).toBeLessThan(1e-12);
    expect(powerSpectrumError(a, a).mean).toBe(0);
    expect(powerSpectrumError(a, b).mean).toBeCloseTo(powerSpectrumError(b, a).mean, 12);
    expect(powerSpectrumError(a, matrix(500, 3)).mean).toBe(1);
    expect(() => powerSpectrumError(a, matrix(500, 2))).toThrow('units');
  });
});
