import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { basinShares } from './basin-shares.js';

describe('basinShares', () => {
  it('counts every run once, and has an interval around each share that narrows with the runs', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1, max: 4 }), { minLength: 1, maxLength: 200 }),
        fc.uniqueArray(fc.integer({ min: 0, max: 6 })),
        (ends, stable) => {
          const shares = basinShares(ends, stable);
          expect(shares.reduce((sum, { starts }) => sum + starts, 0)).toBe(ends.length);
          expect(shares.map(({ point }) => point)).toEqual([
            ...stable,
            ...[...new Set(ends)].filter((end) => !stable.includes(end)).map((end) => (end < 0 ? null : end)),
          ]);
          const four = basinShares([...ends, ...ends, ...ends, ...ends], stable);
          shares.forEach(({ point, starts, fraction, interval: [low, high] }, k) => {
            expect(starts).toBe(ends.filter((end) => end === (point ?? -1)).length);
            expect(fraction).toBe(starts / ends.length);
            expect(low).toBeLessThanOrEqual(fraction);
            expect(high).toBeGreaterThanOrEqual(fraction);
            expect(four[k]!.fraction).toBeCloseTo(fraction, 12);
            expect(four[k]!.interval[1] - four[k]!.interval[0]).toBeLessThan(high - low);
          });
        },
      ),
    );
  });

  it("has Wilson's interval", () => {
    // The roots p of (p - 3/10)^2 = 1.96^2 p (1 - p) / 10, and 1.96^2 / (10 + 1.96^2) where none was seen.
    const [seen, none] = basinShares([0, 0, 0, 1, 1, 1, 1, 1, 1, 1], [0, 5]);
    expect(seen?.interval[0]).toBeCloseTo(0.1077913, 6);
    expect(seen?.interval[1]).toBeCloseTo(0.6032219, 6);
    expect([none?.point, none?.interval[0]]).toEqual([5, 0]);
    expect(none?.interval[1]).toBeCloseTo(0.2775328, 6);
  });

  it('has nothing to say of no runs', () => {
    expect(basinShares([], [0, 1])).toEqual([]);
  });
});
