import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scatteredFourier } from './scattered-fourier.js';

describe('Fourier sums at scattered phases', () => {
  it('are those that are added one by one', () => {
    const sample = fc.tuple(
      fc.double({ min: -3, max: 3, noNaN: true }),
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 30 }), fc.integer({ min: 0, max: 70 }), (samples, harmonics) => {
        const fourier = scatteredFourier(3, harmonics);
        for (const [turns, weight, x] of samples) fourier.add(turns, weight, Float64Array.from(x));
        const sums = fourier.sums();
        expect(sums.length).toBe((harmonics + 1) * 6);
        for (let h = 0; h <= harmonics; h++) {
          for (let i = 0; i < 3; i++) {
            let [re, im] = [0, 0];
            for (const [turns, weight, x] of samples) {
              const angle = -2 * Math.PI * h * (turns - Math.floor(turns));
              re += weight * x[i]! * Math.cos(angle);
              im += weight * x[i]! * Math.sin(angle);
            }
            // 30 samples of size 1 at most.
            expect(Math.abs(sums[h * 6 + i]! - re)).toBeLessThan(3e-12);
            expect(Math.abs(sums[h * 6 + 3 + i]! - im)).toBeLessThan(3e-12);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
