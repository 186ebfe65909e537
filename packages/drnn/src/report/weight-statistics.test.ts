import { matrixOf } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { symmetricHistogram, weightStatistics } from './weight-statistics.js';

describe('weightStatistics', () => {
  it('counts only weights that are not exactly zero', () => {
    const statistics = weightStatistics(
      matrixOf([
        [0, 2, 0],
        [-1, 0, 0],
        [3, 0, 0],
      ]),
    );
    expect(statistics).toMatchObject({ count: 3, largest: 3, zeroDiagonal: true, zeros: 3 });
    expect(statistics.mean).toBeCloseTo(4 / 3, 12);
    expect(statistics.deviation).toBeCloseTo(Math.sqrt(14 / 3 - 16 / 9), 12);
  });
});

describe('symmetricHistogram', () => {
  it('puts every weight that is not zero into the bin that holds it', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1 }), (values) => {
        const bins = symmetricHistogram(Float64Array.from(values), 1, 7);
        expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(values.filter((value) => value !== 0).length);
        const third = bins[3];
        if (third !== undefined) {
          const inside = values.filter((value) => value !== 0 && Math.abs(value) < 1 / 7 - 1e-9).length;
          expect(third.count).toBeGreaterThanOrEqual(inside);
        }
      }),
    );
  });
});
