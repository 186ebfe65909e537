import { matrix, type Matrix, transpose } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomMatrix } from './gallery.js';
import { addProduct, blockOf, product } from './product.js';

/** Row times column, nothing else. */
const naive = (a: Matrix, b: Matrix): Matrix => {
  const result = matrix(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.columns; j++) {
      let sum = 0;
      for (let k = 0; k < a.columns; k++) sum += a.data[i * a.columns + k]! * b.data[k * b.columns + j]!;
      result.data[i * b.columns + j] = sum;
    }
  }
  return result;
};

const largestDifference = (a: Matrix, b: Matrix): number =>
  a.data.reduce((largest, value, k) => Math.max(largest, Math.abs(value - b.data[k]!)), 0);

const sizes = fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20), fc.integer());

describe('product', () => {
  it('is the sum over the inner index, whichever side is transposed', () => {
    fc.assert(
      fc.property(sizes, ([m, k, n, seed]) => {
        const a = randomMatrix(m, k, seed);
        const b = randomMatrix(k, n, seed + 1);
        const expected = naive(a, b);
        expect(largestDifference(product(a, b), expected)).toBeLessThan(1e-13);
        expect(largestDifference(product(transpose(a), b, { transposeA: true }), expected)).toBeLessThan(1e-13);
        expect(largestDifference(product(a, transpose(b), { transposeB: true }), expected)).toBeLessThan(1e-13);
      }),
    );
  });

  it('is right over more than one block of depth and columns', () => {
    const a = randomMatrix(31, 300, 1);
    const b = randomMatrix(300, 270, 2);
    expect(largestDifference(product(a, b), naive(a, b))).toBeLessThan(1e-12);
  });

  it('adds to a block and touches nothing beside it', () => {
    const c = matrix(12, 15, new Float64Array(180).fill(7));
    const a = randomMatrix(9, 20, 3);
    const b = randomMatrix(20, 11, 4);
    addProduct(9, 11, 20, -2, blockOf(a), blockOf(b), blockOf(c, 2, 3));
    const expected = naive(a, b);
    for (let i = 0; i < 12; i++) {
      for (let j = 0; j < 15; j++) {
        const inside = i >= 2 && i < 11 && j >= 3 && j < 14;
        const change = inside ? -2 * expected.data[(i - 2) * 11 + j - 3]! : 0;
        expect(c.data[i * 15 + j]).toBeCloseTo(7 + change, 10);
      }
    }
  });
});
