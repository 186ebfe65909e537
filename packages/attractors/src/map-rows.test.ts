import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mapRows } from './map-rows.js';

it('A times each row, for all remainders of its tiles', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 5 }),
      (rows, columns, count) => {
        const a = Float64Array.from({ length: rows * columns }, (_, k) => Math.sin(k + 1));
        const v = Float64Array.from({ length: count * columns }, (_, k) => Math.cos(3 * k));
        const out = new Float64Array(count * rows);
        mapRows(a, rows, columns, v, count, out);
        for (let d = 0; d < count; d++) {
          for (let i = 0; i < rows; i++) {
            let sum = 0;
            for (let j = 0; j < columns; j++) sum += a[i * columns + j]! * v[d * columns + j]!;
            expect(out[d * rows + i]).toBeCloseTo(sum, 13);
          }
        }
      },
    ),
  );
});
