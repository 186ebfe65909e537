import { DrnnError, identity, matrix, type Matrix, matrixOf, transpose } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomMatrix } from './gallery.js';
import { determinant, inverse, lu, luSolve, reciprocalCondition } from './lu.js';
import { product } from './product.js';

const largest = (values: Float64Array): number => values.reduce((top, value) => Math.max(top, Math.abs(value)), 0);

/** |op(A) X - B| / (|A| |X|), largest entries. */
const residual = (a: Matrix, x: Matrix, b: Matrix): number => {
  const ax = product(a, x);
  return largest(ax.data.map((value, k) => value - b.data[k]!)) / (largest(a.data) * largest(x.data) || 1);
};

describe('lu', () => {
  it('solves for many right sides, plain and transposed, with a small residual', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 9 }), fc.integer(), (n, columns, seed) => {
        const a = randomMatrix(n, n, seed);
        const b = randomMatrix(n, columns, seed + 1);
        const factor = lu(a);
        expect(residual(a, luSolve(factor, b), b)).toBeLessThan(1e-13 * n);
        expect(residual(transpose(a), luSolve(factor, b, { transpose: true }), b)).toBeLessThan(1e-13 * n);
      }),
      { numRuns: 40 },
    );
  });

  it('does not change what it is given', () => {
    const a = randomMatrix(40, 40, 1);
    const copy = a.data.slice();
    luSolve(lu(a), identity(40));
    expect(a.data).toEqual(copy);
  });

  it('gives P A = L U with |L| <= 1', () => {
    const n = 70;
    const a = randomMatrix(n, n, 5);
    const { packed, pivots } = lu(a);
    const lower = identity(n);
    const upper = matrix(n, n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) (j < i ? lower : upper).data[i * n + j] = packed.data[i * n + j]!;
    }
    expect(largest(lower.data)).toBe(1);
    const rows = Array.from({ length: n }, (_, i) => Array.from(a.data.subarray(i * n, (i + 1) * n)));
    pivots.forEach((j, i) => ([rows[i], rows[j]] = [rows[j] ?? [], rows[i] ?? []]));
    const permuted = matrixOf(rows);
    const difference = product(lower, upper).data.map((value, k) => value - permuted.data[k]!);
    expect(largest(difference)).toBeLessThan(1e-13);
  });

  it('knows determinants', () => {
    const swap = matrixOf([
      [0, 1, 0],
      [1, 0, 0],
      [0, 0, 5],
    ]);
    expect(determinant(lu(swap)).sign).toBe(-1);
    expect(determinant(lu(swap)).logAbsolute).toBeCloseTo(Math.log(5), 14);
    expect(determinant(lu(matrix(0, 0)))).toEqual({ sign: 1, logAbsolute: 0 });
    expect(determinant(lu(matrix(3, 3)))).toEqual({ sign: 0, logAbsolute: -Infinity });
    // 400 factors of 1e-3 underflow as a product.
    const small = identity(400);
    small.data.forEach((value, k) => (small.data[k] = -1e-3 * value));
    expect(determinant(lu(small)).sign).toBe(1);
    expect(determinant(lu(small)).logAbsolute).toBeCloseTo(400 * Math.log(1e-3), 8);
  });

  it('multiplies determinants under products', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer(), (n, seed) => {
        const [a, b] = [randomMatrix(n, n, seed), randomMatrix(n, n, seed + 1)];
        const [da, db, dab] = [a, b, product(a, b)].map((each) => determinant(lu(each)));
        expect(dab?.sign).toBe((da?.sign ?? 0) * (db?.sign ?? 0));
        expect(dab?.logAbsolute).toBeCloseTo((da?.logAbsolute ?? 0) + (db?.logAbsolute ?? 0), 7);
      }),
    );
  });

  it('estimates the condition from below within a factor of 3 nearly always', () => {
    let near = 0;
    for (let seed = 0; seed < 50; seed++) {
      const a = randomMatrix(20, 20, seed);
      const factor = lu(a);
      const back = inverse(factor);
      const norm = (m: Matrix): number =>
        Math.max(
          ...Array.from({ length: 20 }, (_, j) => m.data.reduce((s, v, k) => s + (k % 20 === j ? Math.abs(v) : 0), 0)),
        );
      const exact = 1 / (norm(a) * norm(back));
      const estimate = reciprocalCondition(factor);
      expect(estimate).toBeGreaterThan(exact * (1 - 1e-9));
      if (estimate < 3 * exact) near += 1;
    }
    expect(near).toBeGreaterThanOrEqual(48);
    expect(reciprocalCondition(lu(identity(7)))).toBeCloseTo(1, 14);
    expect(reciprocalCondition(lu(matrix(3, 3)))).toBe(0);
    // The Hilbert matrix of order 10 has condition 3.535e13 in the 1-norm.
    const hilbert = matrix(10, 10);
    hilbert.data.forEach((_, k) => (hilbert.data[k] = 1 / (Math.floor(k / 10) + (k % 10) + 1)));
    expect(reciprocalCondition(lu(hilbert)) * 3.535e13).toBeCloseTo(1, 2);
  });

  it('refuses what it cannot do, with every issue', () => {
    const bad = matrix(2, 3);
    bad.data[1] = Number.NaN;
    expect(() => lu(bad)).toThrow(/square[\s\S]*NaN/);
    expect(() => luSolve(lu(matrix(2, 2)), matrix(2, 1))).toThrow(DrnnError);
    expect(() => luSolve(lu(identity(2)), matrix(3, 1))).toThrow(/row=2/);
    expect(() => luSolve(lu(matrixOf([[1e-320]])), matrixOf([[1]]))).toThrow(/beyond the range/);
    expect(luSolve(lu(matrix(0, 0)), matrix(0, 2)).rows).toBe(0);
  });
});
