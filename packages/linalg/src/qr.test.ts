import { DrnnError, identity, matrix, type Matrix, transpose } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomMatrix } from './gallery.js';
import { product } from './product.js';
import { leastSquares, qr } from './qr.js';

const largest = (values: Float64Array): number => values.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
const difference = (a: Matrix, b: Matrix): number => largest(a.data.map((value, k) => value - b.data[k]!));
const shapes = fc.tuple(fc.nat(70), fc.nat(70), fc.integer());

describe('qr', () => {
  it('is A = Q R with orthonormal columns, thin and full, signs as asked', () => {
    fc.assert(
      fc.property(shapes, fc.boolean(), fc.boolean(), ([m, n, seed], full, positive) => {
        const a = randomMatrix(m, n, seed);
        const { orthogonal: q, triangular: r } = qr(a, { full, positive });
        expect(q.columns).toBe(full ? m : Math.min(m, n));
        expect(difference(product(q, q, { transposeA: true }), identity(q.columns))).toBeLessThan(1e-13);
        expect(difference(product(q, r), a)).toBeLessThan(1e-13);
        for (let i = 0; i < r.rows; i++) {
          expect(largest(r.data.subarray(i * n, i * n + Math.min(i, n)))).toBe(0);
          if (positive && i < n) expect(r.data[i * n + i]).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('is exact for what is triangular, and for zero', () => {
    expect(qr(identity(30), { positive: true }).orthogonal).toEqual(identity(30));
    expect(largest(qr(matrix(5, 3)).triangular.data)).toBe(0);
    const tiny = matrix(2, 1, Float64Array.of(3e-320, 4e-320));
    expect(qr(tiny, { positive: true }).triangular.data[0]! / 5e-320).toBeCloseTo(1, 3);
  });
});

describe('leastSquares', () => {
  it('leaves a residual orthogonal to the columns', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.nat(40),
        fc.integer({ min: 1, max: 5 }),
        fc.integer(),
        (n, more, c, seed) => {
          const a = randomMatrix(n + more, n, seed);
          const b = randomMatrix(n + more, c, seed + 1);
          const x = leastSquares(a, b);
          const ax = product(a, x);
          const rest = matrix(
            n + more,
            c,
            b.data.map((value, k) => value - ax.data[k]!),
          );
          const size = largest(x.data) * largest(a.data) ** 2 + 1;
          expect(largest(product(transpose(a), rest).data) / size).toBeLessThan(1e-12);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('refuses too few rows and dependent columns', () => {
    expect(() => leastSquares(matrix(2, 3), matrix(2, 1))).toThrow(DrnnError);
    expect(() => leastSquares(matrix(3, 2), matrix(3, 1))).toThrow(/column 1 depends|column 0 depends/);
    expect(() => leastSquares(matrix(3, 2), matrix(2, 1))).toThrow(/row=3/);
  });
});
