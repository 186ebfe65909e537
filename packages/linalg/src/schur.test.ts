import { DrnnError, identity, matrix, type Matrix, matrixOf } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clement, cyclicShift, defective, frank, grcar, jordanWithCorner, randomMatrix } from './gallery.js';
import { hessenberg } from './hessenberg.js';
import { product } from './product.js';
import { reorderSchur } from './reorder-schur.js';
import { schur, type Schur } from './schur.js';

const largest = (values: Float64Array): number => values.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
const difference = (a: Matrix, b: Matrix): number => largest(a.data.map((value, k) => value - b.data[k]!));

const orthogonalityError = (q: Matrix): number => difference(product(q, q, { transposeA: true }), identity(q.columns));

/** |A - Q T Q'| / |A|, and whether T is in standard form with the eigenvalues it states. */
const check = (a: Matrix, { triangular: t, orthogonal: q, values }: Schur): void => {
  const n = a.rows;
  expect(orthogonalityError(q)).toBeLessThan(1e-14 * (n + 10));
  const back = product(product(q, t), q, { transposeB: true });
  expect(difference(back, a)).toBeLessThanOrEqual(1e-14 * (n + 10) * largest(a.data));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j + 1 < i; j++) expect(t.data[i * n + j]).toBe(0);
  }
  for (let i = 0; i + 1 < n; i++) {
    const lower = t.data[(i + 1) * n + i]!;
    if (lower === 0) continue;
    expect(t.data[i * n + i]).toBe(t.data[(i + 1) * n + i + 1]);
    expect(lower * t.data[i * n + i + 1]!).toBeLessThanOrEqual(0);
    expect(i + 2 < n ? t.data[(i + 2) * n + i + 1] : 0).toBe(0);
    expect(values.imaginary[i]).toBeGreaterThan(0);
    expect(values.imaginary[i + 1]).toBe(-values.imaginary[i]!);
  }
};

describe('hessenberg', () => {
  it('is similar by an orthogonal Q and zero below the subdiagonal', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30 }), fc.integer(), (n, seed) => {
        const a = randomMatrix(n, n, seed);
        const { hessenberg: h, orthogonal: q } = hessenberg(a);
        expect(orthogonalityError(q)).toBeLessThan(1e-14 * (n + 10));
        expect(difference(product(product(q, h), q, { transposeB: true }), a)).toBeLessThan(1e-14 * (n + 10));
        for (let i = 2; i < n; i++) expect(largest(h.data.subarray(i * n, i * n + i - 1))).toBe(0);
      }),
    );
  });
});

describe('schur', () => {
  it("is A = Q T Q' in standard form for random matrices", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.integer(), (n, seed) => {
        const a = randomMatrix(n, n, seed);
        check(a, schur(a));
      }),
      { numRuns: 50 },
    );
  });

  it('is so for hard ones', () => {
    const one = matrixOf([
      [0, -1],
      [1, 1e-323],
    ]);
    const hard = [frank(12), clement(30), grcar(50), defective(), jordanWithCorner(10, 0.5, 1e-10), matrix(5, 5), one];
    for (const a of [...hard, identity(4), cyclicShift(7), cyclicShift(64), matrix(1, 1), matrix(0, 0)]) {
      check(a, schur(a));
    }
  });

  it('is so over 150 rows, where the work is done in blocks', () => {
    for (const a of [randomMatrix(180, 180, 4), cyclicShift(160)]) check(a, schur(a));
  });

  it('refuses NaN', () => {
    const a = identity(3);
    a.data[1] = Number.NaN;
    expect(() => schur(a)).toThrow(DrnnError);
  });
});

describe('reorderSchur', () => {
  it("brings any selection to the top, the rest after it, and keeps A = Q T Q'", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 25 }),
        fc.integer(),
        fc.double({ min: -3, max: 3, noNaN: true }),
        (n, seed, border) => {
          const a = randomMatrix(n, n, seed);
          const before = schur(a);
          const inside = (real: number): boolean => real < border;
          const after = reorderSchur(before, inside);
          check(a, after);
          const count = before.values.real.filter(inside).length;
          expect(after.selected).toBe(count);
          const sorted = (values: Float64Array): Float64Array => values.toSorted();
          const kept = [after.values.real.subarray(0, count), after.values.real.subarray(count)];
          const expected = [before.values.real.filter(inside), before.values.real.filter((value) => !inside(value))];
          kept.forEach((values, k) => {
            sorted(values).forEach((value, i) => {
              // Conditions of random matrices of this size stay far below 1e5.
              expect(Math.abs(value - sorted(expected[k]!)[i]!)).toBeLessThan(1e-9);
            });
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('does so for matrices of zeros and wildly different sizes, or refuses', () => {
    const entry = fc.constantFrom(0, 0, 0, 1, -1, 1e-8, 1e-160, 1e8, -1e100, 1e300);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }).chain((n) => fc.array(entry, { minLength: n * n, maxLength: n * n })),
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        (entries, chosen) => {
          const n = Math.sqrt(entries.length);
          const size = Math.max(...entries.map(Math.abs)) || 1;
          const a = matrix(n, n, Float64Array.from(entries));
          let asked = 0;
          try {
            const { triangular, orthogonal } = reorderSchur(schur(a), () => chosen[asked++] ?? false);
            const scaled = matrix(
              n,
              n,
              triangular.data.map((value) => value / size),
            );
            const back = product(product(orthogonal, scaled), orthogonal, { transposeB: true });
            expect(largest(back.data.map((value, k) => value - entries[k]! / size))).toBeLessThan(1e-13);
            expect(orthogonalityError(orthogonal)).toBeLessThan(1e-13);
          } catch (error) {
            if (!(error instanceof DrnnError)) throw error;
            expect(error.message).toContain('too close');
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('gives a basis of the invariant subspace', () => {
    const n = 20;
    const a = randomMatrix(n, n, 3);
    const {
      orthogonal: q,
      triangular: t,
      selected: k,
    } = reorderSchur(schur(a), (real, imaginary) => Math.hypot(real, imaginary) > 3);
    expect(k).toBeGreaterThan(2);
    const basis = matrix(n, k);
    const inner = matrix(k, k);
    for (let i = 0; i < n; i++) basis.data.set(q.data.subarray(i * n, i * n + k), i * k);
    for (let i = 0; i < k; i++) inner.data.set(t.data.subarray(i * n, i * n + k), i * k);
    expect(difference(product(a, basis), product(basis, inner))).toBeLessThan(1e-13 * n);
  });

  it('moves any of the equal eigenvalues of the identity', () => {
    expect(reorderSchur(schur(identity(5)), () => true).selected).toBe(5);
    let asked = 0;
    const even = reorderSchur(schur(identity(6)), () => asked++ % 2 === 1);
    expect(even.selected).toBe(3);
    check(identity(6), even);
  });
});
