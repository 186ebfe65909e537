import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orthonormaliseRows } from './orthonormal-rows.js';

describe('orthonormal rows', () => {
  it('span the same, with R lower triangular and positive', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 35, maxLength: 35 }),
        (count, values) => {
          const n = 7;
          const v = Float64Array.from(values.slice(0, count * n), (x, k) => x + (k % (n + 1) === 0 ? 3 : 0));
          const before = v.slice();
          const growth = new Float64Array(count);
          const lower = new Float64Array(count * count);
          orthonormaliseRows(v, count, n, growth, lower);
          for (let d = 0; d < count; d++) {
            expect(Math.log(lower[d * count + d]!)).toBeCloseTo(growth[d]!, 12);
            for (let e = 0; e < count; e++) {
              let dot = 0;
              for (let j = 0; j < n; j++) dot += v[d * n + j]! * v[e * n + j]!;
              expect(dot).toBeCloseTo(d === e ? 1 : 0, 12);
              if (e > d) expect(lower[d * count + e]).toBe(0);
            }
            for (let j = 0; j < n; j++) {
              let sum = 0;
              for (let e = 0; e <= d; e++) sum += lower[d * count + e]! * v[e * n + j]!;
              expect(sum).toBeCloseTo(before[d * n + j]!, 12);
            }
          }
        },
      ),
    );
  });

  it('that depend on others are replaced, and have grown by nothing', () => {
    const v = Float64Array.of(1, 2, 3, 2, 4, 6, 0, 0, 0);
    const growth = new Float64Array(3);
    orthonormaliseRows(v, 3, 3, growth);
    expect([...growth.subarray(1)]).toEqual([-Infinity, -Infinity]);
    for (let d = 0; d < 3; d++) {
      for (let e = 0; e < 3; e++) {
        let dot = 0;
        for (let j = 0; j < 3; j++) dot += v[d * 3 + j]! * v[e * 3 + j]!;
        expect(dot).toBeCloseTo(d === e ? 1 : 0, 12);
      }
    }
  });
});
