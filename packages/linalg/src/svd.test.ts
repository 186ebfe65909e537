import { DrnnError, identity, matrix, type Matrix, matrixOf, transpose } from '@drnn/tensor';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  clement,
  cyclicShift,
  frank,
  grcar,
  jordanWithCorner,
  randomMatrix,
  rankOne,
  similarByScale,
} from './gallery.js';
import { lu } from './lu.js';
import { product } from './product.js';
import { smallestSingularTriplet } from './smallest-singular.js';
import { spectralNorm } from './spectral-norm.js';
import { nullSpace, singularValues, svd, type Svd } from './svd.js';

interface Fixture {
  readonly order: number;
  readonly singular: readonly number[];
  readonly entries?: readonly number[];
}

/** Made by lapack-fixtures.py. */
const fixtures: Readonly<Record<string, Fixture>> = JSON.parse(
  readFileSync(new URL('lapack-fixtures.json', import.meta.url), 'utf8'),
);

const largest = (values: Float64Array): number => values.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
const difference = (a: Matrix, b: Matrix): number => largest(a.data.map((value, k) => value - b.data[k]!));

const check = (a: Matrix, { values, left, right }: Svd): void => {
  const bound = 3e-15 * (10 + a.rows + a.columns);
  expect(difference(product(left, left, { transposeA: true }), identity(left.columns))).toBeLessThan(bound);
  expect(difference(product(right, right, { transposeA: true }), identity(right.columns))).toBeLessThan(bound);
  const scaled = matrix(a.rows, a.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < a.columns; j++) {
      let sum = 0;
      for (let k = 0; k < values.length; k++) {
        sum += left.data[i * left.columns + k]! * values[k]! * right.data[j * right.columns + k]!;
      }
      scaled.data[i * a.columns + j] = sum;
    }
  }
  expect(difference(scaled, a)).toBeLessThanOrEqual(bound * (values[0] ?? 0));
  for (let k = 1; k < values.length; k++) expect(values[k]).toBeLessThanOrEqual(values[k - 1]!);
  values.forEach((value) => expect(value).toBeGreaterThanOrEqual(0));
};

describe('svd', () => {
  it("is A = U S V' for wide, tall and square matrices, thin and full", () => {
    fc.assert(
      fc.property(fc.nat(30), fc.nat(30), fc.boolean(), fc.integer(), (m, n, full, seed) => {
        const a = randomMatrix(m, n, seed);
        const result = svd(a, { full });
        expect([result.left.rows, result.right.rows]).toEqual([m, n]);
        const thin = Math.min(m, n);
        expect([result.left.columns, result.right.columns]).toEqual(full ? [m, n] : [thin, thin]);
        check(a, result);
        expect(largest(singularValues(a).map((value, k) => value - result.values[k]!))).toBeLessThan(1e-13);
      }),
      { numRuns: 80 },
    );
  });

  it('is so for matrices of zeros and a few sizes', () => {
    const entry = fc.constantFrom(0, 0, 0, 1, -1, 1e-8, 1e-160, 1e5);
    const shape = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 }));
    fc.assert(
      fc.property(
        shape.chain(([m, n]) => fc.tuple(fc.constant(m), fc.array(entry, { minLength: m * n, maxLength: m * n }))),
        ([m, entries]) => {
          const a = matrix(m, entries.length / m, Float64Array.from(entries));
          check(a, svd(a, { full: true }));
        },
      ),
      { numRuns: 1000 },
    );
  });

  const named: Readonly<Record<string, () => Matrix>> = {
    frank: () => frank(12),
    clement: () => clement(30),
    grcar: () => grcar(50),
    jordan: () => jordanWithCorner(10, 0.5, 1e-10),
    random: () => matrix(16, 16, Float64Array.from(fixtures['random']?.entries ?? [])),
    wide: () => matrix(5, 9, Float64Array.from(fixtures['wide']?.entries ?? [])),
  };
  for (const [name, make] of Object.entries(named)) {
    it(`agrees with LAPACK: ${name}`, () => {
      const a = make();
      const { singular } = fixtures[name]!;
      for (const values of [svd(a).values, singularValues(a)]) {
        values.forEach((value, k) => expect(Math.abs(value - singular[k]!)).toBeLessThan(1e-14 * 10 * singular[0]!));
      }
      check(a, svd(a));
    });
  }

  it('zero, identity, rank one, one-hot, 0 x n, subnormal, huge', () => {
    for (const a of [
      matrix(4, 4),
      identity(6),
      rankOne(7, 3),
      rankOne(3, 7),
      matrix(0, 3),
      matrix(3, 0),
      cyclicShift(9),
    ]) {
      for (const full of [false, true]) check(a, svd(a, { full }));
    }
    // A tall matrix of one-hot rows sends another library round for ever.
    const oneHot = matrix(60, 4);
    for (let i = 0; i < 60; i++) oneHot.data[i * 4 + (i % 3)] = 1;
    const { values } = svd(oneHot);
    expect(Array.from(values, (value) => Number((value * value).toFixed(10)))).toEqual([20, 20, 20, 0]);
    expect(svd(matrixOf([[3e-320, 4e-320]])).values[0]! / 5e-320).toBeCloseTo(1, 3);
    expect(svd(matrixOf([[3e300], [4e300]])).values[0]).toBeCloseTo(5e300, -290);
  });

  it('does not care for order, signs or rotation', () => {
    const a = randomMatrix(20, 12, 1);
    const rows = Array.from({ length: 20 }, (_, i) => Array.from(a.data.subarray(i * 12, (i + 1) * 12)));
    const turned = matrixOf(rows.toReversed().map((row) => row.map((value) => -value)));
    expect(largest(singularValues(turned).map((value, k) => value - singularValues(a)[k]!))).toBeLessThan(1e-14 * 20);
    expect(largest(singularValues(transpose(a)).map((value, k) => value - singularValues(a)[k]!))).toBeLessThan(1e-14);
  });

  it('refuses NaN', () => {
    expect(() => svd(matrixOf([[1, Number.NaN]]))).toThrow(DrnnError);
    expect(() => singularValues(matrixOf([[Infinity]]))).toThrow(/Infinity/);
  });
});

describe('nullSpace', () => {
  it('is all of it, wide or tall', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(5),
        fc.integer(),
        (m, n, rank, seed) => {
          const r = Math.min(rank, m, n);
          const a = product(randomMatrix(m, r, seed), randomMatrix(r, n, seed + 1));
          const basis = nullSpace(a, 1e-12);
          expect([basis.rows, basis.columns]).toEqual([n, n - r]);
          expect(difference(product(basis, basis, { transposeA: true }), identity(n - r))).toBeLessThan(1e-13);
          expect(largest(product(a, basis).data)).toBeLessThan(1e-12 * (1 + largest(a.data)));
        },
      ),
    );
    expect(nullSpace(matrix(2, 3)).columns).toBe(3);
  });
});

describe('smallestSingularTriplet', () => {
  const checkTriplet = (a: Matrix): void => {
    const n = a.rows;
    const { value, left, right } = smallestSingularTriplet(lu(a));
    const values = singularValues(a);
    // An ill conditioned factor knows the value to the rounding of A only.
    expect(Math.abs(value - values[n - 1]!)).toBeLessThan(1e-9 * values[n - 1]! + 1e-14 * n * values[0]!);
    const ar = product(a, matrix(n, 1, right)).data;
    const al = product(a, matrix(n, 1, left), { transposeA: true }).data;
    for (let i = 0; i < n; i++) {
      expect(Math.abs(ar[i]! - value * left[i]!)).toBeLessThan(1e-6 * values[0]!);
      expect(Math.abs(al[i]! - value * right[i]!)).toBeLessThan(1e-6 * values[0]!);
    }
  };

  it('agrees with svd', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer(), (n, seed) => checkTriplet(randomMatrix(n, n, seed))),
      { numRuns: 40 },
    );
    const skew = similarByScale(randomMatrix(9, 9, 1), [1e4, 1, 1, 1, 1e-4, 1, 1, 1, 1]);
    for (const a of [identity(5), frank(12), grcar(50), clement(30), skew, matrixOf([[2]])]) checkTriplet(a);
  });

  it('finds the null vectors of a singular matrix', () => {
    const { value, right } = smallestSingularTriplet(
      lu(
        matrixOf([
          [1, 2],
          [2, 4],
        ]),
      ),
    );
    expect(value).toBeLessThan(1e-15);
    expect(Math.abs(right[0]! + 2 * right[1]!)).toBeLessThan(1e-15);
    expect(smallestSingularTriplet(lu(matrix(3, 3))).value).toBe(0);
    expect(smallestSingularTriplet(lu(matrix(0, 0))).value).toBe(Infinity);
  });
});

describe('spectralNorm', () => {
  it('is the largest singular value', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 70 }), fc.integer(), (m, n, seed) => {
        const a = randomMatrix(m, n, seed);
        expect(Math.abs(spectralNorm(a) / singularValues(a)[0]! - 1)).toBeLessThan(1e-8);
      }),
      { numRuns: 30 },
    );
    expect(spectralNorm(identity(9))).toBeCloseTo(1, 14);
    expect(spectralNorm(matrix(3, 2))).toBe(0);
    expect(spectralNorm(matrix(0, 2))).toBe(0);
    expect(spectralNorm(matrixOf([[3e300], [4e300]])) / 5e300).toBeCloseTo(1, 14);
  });
});
