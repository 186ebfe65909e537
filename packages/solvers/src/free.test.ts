import { matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { principalSubmatrix } from './free.js';

describe('a principal submatrix', () => {
  it('has the rows and columns of the set, in their order, and is a copy', () => {
    const cases = fc
      .integer({ min: 0, max: 9 })
      .chain((order) => fc.tuple(fc.constant(order), fc.array(fc.boolean(), { minLength: order, maxLength: order })));
    fc.assert(
      fc.property(cases, ([order, chosen]) => {
        const a = matrix(
          order,
          order,
          Float64Array.from({ length: order * order }, (_, i) => i + 1),
        );
        const set = Int32Array.from(chosen.flatMap((isIn, p) => (isIn ? [p] : [])));
        const found = principalSubmatrix(a, set);
        expect([found.rows, found.columns]).toEqual([set.length, set.length]);
        set.forEach((p, k) =>
          set.forEach((q, l) => {
            expect(found.data[k * set.length + l]).toBe(a.data[p * order + q]);
          }),
        );
        found.data.fill(0);
        expect(a.data.every((value, i) => value === i + 1)).toBe(true);
      }),
    );
  });
});
