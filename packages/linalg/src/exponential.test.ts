import { DrnnError, identity, matrix, type Matrix, matrixOf } from '@drnn/tensor';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { eigen } from './eigen.js';
import { matrixExponential } from './exponential.js';
import { jordanWithCorner, randomMatrix } from './gallery.js';
import { determinant, lu } from './lu.js';
import { product } from './product.js';

const fixtures: Readonly<
  Record<string, { readonly entries: number[]; readonly exponential: number[]; readonly order: number }>
> = JSON.parse(readFileSync(new URL('lapack-fixtures.json', import.meta.url), 'utf8'));

const largest = (values: Float64Array): number => values.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
const difference = (a: Matrix, b: Matrix): number => largest(a.data.map((value, k) => value - b.data[k]!));
const times = (a: Matrix, factor: number): Matrix =>
  matrix(
    a.rows,
    a.columns,
    a.data.map((value) => value * factor),
  );

describe('matrixExponential', () => {
  it('exp(A) exp(-A) = I, exp(2A) = exp(A)^2, det exp(A) = exp(trace A), at every size of the norm', () => {
    const sizes = [1e-9, 1e-3, 0.03, 0.2, 0.6, 1.5, 4, 9];
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.constantFrom(...sizes), fc.integer(), (n, size, seed) => {
        const a = times(randomMatrix(n, n, seed), size / Math.sqrt(n));
        const e = matrixExponential(a);
        const back = matrixExponential(times(a, -1));
        const scale = largest(e.data) * largest(back.data);
        expect(difference(product(e, back), identity(n))).toBeLessThan(1e-13 * scale);
        expect(difference(matrixExponential(times(a, 2)), product(e, e))).toBeLessThan(1e-12 * largest(e.data) ** 2);
        const trace = a.data.reduce((sum, value, k) => sum + (k % (n + 1) === 0 ? value : 0), 0);
        if (scale < 1e6) expect(determinant(lu(e)).logAbsolute).toBeCloseTo(trace, 7);
      }),
    );
  });

  it('knows rotations, nilpotent blocks, diagonals, and order 0', () => {
    const angle = 40.5;
    const turn = matrixExponential(
      matrixOf([
        [0, -angle],
        [angle, 0],
      ]),
    );
    expect(turn.data[0]).toBeCloseTo(Math.cos(angle), 12);
    expect(turn.data[2]).toBeCloseTo(Math.sin(angle), 12);
    const shift = matrixExponential(jordanWithCorner(5, 0, 0));
    [1, 1, 1 / 2, 1 / 6, 1 / 24].forEach((value, j) => expect(shift.data[j]).toBeCloseTo(value, 15));
    expect(
      matrixExponential(
        matrixOf([
          [700, 0],
          [0, -700],
        ]),
      ).data[0]! / Math.exp(700),
    ).toBeCloseTo(1, 11);
    expect(matrixExponential(matrix(3, 3))).toEqual(identity(3));
    expect(matrixExponential(matrix(0, 0)).rows).toBe(0);
  });

  it('agrees with SciPy', () => {
    for (const name of ['random', 'marginal']) {
      const { entries, exponential, order } = fixtures[name]!;
      const e = matrixExponential(times(matrix(order, order, Float64Array.from(entries)), 0.25));
      const expected = matrix(order, order, Float64Array.from(exponential));
      expect(difference(e, expected)).toBeLessThan(1e-14 * 20 * largest(expected.data));
    }
  });

  it('has the eigenvalues exp(lambda)', () => {
    const a = times(randomMatrix(8, 8, 5), 0.4);
    const { real, imaginary } = eigen(a).values;
    const found = eigen(matrixExponential(a)).values;
    real.forEach((re, k) => {
      const [x, y] = [Math.exp(re) * Math.cos(imaginary[k]!), Math.exp(re) * Math.sin(imaginary[k]!)];
      const distance = found.real.reduce(
        (least, r, i) => Math.min(least, Math.hypot(r - x, found.imaginary[i]! - y)),
        9,
      );
      expect(distance).toBeLessThan(1e-12);
    });
  });

  it('refuses overflow and NaN', () => {
    expect(() => matrixExponential(matrixOf([[1e4]]))).toThrow(/overflows/);
    expect(() =>
      matrixExponential(
        matrixOf([
          [1e308, 1e308],
          [1e308, 1e308],
        ]),
      ),
    ).toThrow(DrnnError);
    expect(() => matrixExponential(matrixOf([[Number.NaN]]))).toThrow(DrnnError);
  });
});
