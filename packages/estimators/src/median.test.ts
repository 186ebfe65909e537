import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { medianOf } from './median.js';

describe('the median', () => {
  it('is the middle of the sorted values, which it leaves alone', () => {
    const few = fc.integer({ min: -3, max: 3 }).map(Number);
    const values = fc.array(fc.oneof(few, fc.double({ noNaN: true, noDefaultInfinity: true })), { minLength: 1 });
    fc.assert(
      fc.property(values, (drawn) => {
        const given = Float64Array.from(drawn);
        const sorted = given.toSorted();
        const middle = sorted.length >> 1;
        const expected = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
        expect(medianOf(given)).toBeCloseTo(expected, 12);
        expect(given).toEqual(Float64Array.from(drawn));
      }),
    );
  });

  it('of none is NaN', () => {
    expect(medianOf(new Float64Array())).toBeNaN();
  });
});
