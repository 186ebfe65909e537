import { type Matrix, matrix, transpose } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign } from './assignment.js';

/** The smallest sum over all choices, by trying them. */
const cheapest = ({ rows, columns, data }: Matrix, row = 0, taken = 0): number => {
  if (row === rows) return 0;
  let best = Infinity;
  for (let j = 0; j < columns; j++) {
    if ((taken >> j) & 1) continue;
    const rest = cheapest({ rows, columns, data }, row + 1, taken | (1 << j));
    best = Math.min(best, data[row * columns + j]! + rest);
  }
  return best;
};

const costs = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
  .chain(([rows, columns]) =>
    fc
      .array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: rows * columns, maxLength: rows * columns })
      .map((values) => matrix(rows, columns, Float64Array.from(values))),
  );

describe('assign', () => {
  it('finds the cheapest choice, and every row and column once', () => {
    fc.assert(
      fc.property(costs, (a) => {
        const { columnOf, cost } = assign(a);
        const chosen = [...columnOf].filter((column) => column >= 0);
        expect(new Set(chosen).size).toBe(Math.min(a.rows, a.columns));
        let sum = 0;
        columnOf.forEach((column, row) => (sum += column < 0 ? 0 : a.data[row * a.columns + column]!));
        expect(Math.abs(sum - cost)).toBeLessThan(1e-12);
        const best = a.rows <= a.columns ? cheapest(a) : cheapest(transpose(a));
        expect(Math.abs(cost - best)).toBeLessThan(1e-12);
      }),
    );
  });

  it('undoes a permutation of 200', () => {
    const n = 200;
    const a = matrix(n, n, new Float64Array(n * n).fill(1));
    for (let i = 0; i < n; i++) a.data[i * n + ((37 * i + 11) % n)] = 0;
    const { columnOf, cost } = assign(a);
    expect(cost).toBe(0);
    expect([...columnOf].every((column, i) => column === (37 * i + 11) % n)).toBe(true);
  });

  it('takes no rows or no columns, and refuses infinity', () => {
    expect(assign(matrix(0, 3)).cost).toBe(0);
    expect([...assign(matrix(2, 0)).columnOf]).toEqual([-1, -1]);
    expect(() => assign(matrix(1, 1, Float64Array.of(Infinity)))).toThrow('finite');
  });
});
