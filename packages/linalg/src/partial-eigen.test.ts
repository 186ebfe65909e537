import { DrnnError, identity, matrix, type Matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arnoldi } from './arnoldi.js';
import { eigen, eigenvalues } from './eigen.js';
import { cyclicShift, randomMatrix } from './gallery.js';
import type { LinearMap } from './gmres.js';
import { partialEigen } from './partial-eigen.js';

const map =
  (a: Matrix): LinearMap =>
  (x, out) => {
    for (let i = 0; i < a.rows; i++) {
      let sum = 0;
      for (let j = 0; j < a.columns; j++) sum += a.data[i * a.columns + j]! * x[j]!;
      out[i] = sum;
    }
  };

/** The true eigenvalues sorted by distance from `near`, or by modulus. */
const expected = (a: Matrix, near?: number): readonly { readonly re: number; readonly im: number }[] => {
  const { real, imaginary } = eigenvalues(a);
  const all = Array.from(real, (re, k) => ({ re, im: imaginary[k]! }));
  const distance = ({ re, im }: { re: number; im: number }): number =>
    near === undefined ? -Math.hypot(re, im) : Math.hypot(re - near, im);
  return all.sort((x, y) => distance(x) - distance(y));
};

describe('arnoldi', () => {
  it('finds the largest eigenvalues of random matrices', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 80 }), fc.integer({ min: 1, max: 3 }), fc.integer(), (n, count, seed) => {
        const a = randomMatrix(n, n, seed);
        const result = arnoldi(map(a), n, { count });
        expect(result.status).toBe('converged');
        expected(a)
          .slice(0, count)
          .forEach(({ re, im }) => {
            const distance = result.values.real.reduce(
              (least, r, k) => Math.min(least, Math.hypot(r - re, result.values.imaginary[k]! - im)),
              Infinity,
            );
            expect(distance).toBeLessThan(1e-8 * Math.sqrt(n));
          });
      }),
      { numRuns: 12 },
    );
  });

  it('goes on past invariant subspaces', () => {
    const a = identity(30);
    a.data[0] = 3;
    const { values, status } = arnoldi(map(a), 30, { count: 2, subspace: 8 });
    expect(status).toBe('converged');
    expect(values.real[0]).toBeCloseTo(3, 12);
    expect(values.real[1]).toBeCloseTo(1, 12);
    expect(arnoldi(map(matrix(5, 5)), 5, { count: 1 }).values.real[0]).toBe(0);
  });

  it('says when it gives up, and refuses bad counts and maps', () => {
    // All eigenvalues of a shift have one modulus: no largest ones to converge to.
    const { status, residuals } = arnoldi(map(cyclicShift(100)), 100, { count: 2, subspace: 10, maxRestarts: 3 });
    expect(status).toBe('max-restarts');
    expect(Math.max(...residuals)).toBeGreaterThan(1e-12);
    expect(() => arnoldi(map(identity(3)), 3, { count: 4 })).toThrow(DrnnError);
    expect(() => arnoldi((_, out) => out.fill(Number.NaN), 3, { count: 1 })).toThrow(/NaN/);
  });
});

describe('partialEigen', () => {
  const n = 160;
  const a = matrix(
    n,
    n,
    randomMatrix(n, n, 6).data.map((value) => value / Math.sqrt(n)),
  );

  for (const near of [undefined, 1, -0.2]) {
    it(`finds the modes ${near === undefined ? 'of largest modulus' : `near ${near}`}, from both sides`, () => {
      const count = 4;
      const options = near === undefined ? { count } : { count, near };
      const { values, right, left, conditions, residuals, converged } = partialEigen(a, options);
      expect(converged).toBe(true);
      expect(Math.max(...residuals)).toBeLessThan(1e-13);
      const found = values.real.length;
      expect(found).toBeLessThanOrEqual(count + 1);
      expected(a, near)
        .slice(0, count)
        .forEach(({ re, im }) => {
          const distance = values.real.reduce(
            (least, r, k) => Math.min(least, Math.hypot(r - re, values.imaginary[k]! - im)),
            9,
          );
          expect(distance).toBeLessThan(1e-11);
        });
      const all = eigen(a);
      for (let k = 0; k < found; k++) {
        if (values.imaginary[k]! > 0) expect(values.imaginary[k + 1]).toBeCloseTo(-values.imaginary[k]!, 10);
        let [x, y, size] = [0, 0, 0];
        for (let i = 0; i < n; i++) {
          const at = i * found + k;
          const [r, s, p, q] = [
            right.real.data[at]!,
            right.imaginary.data[at]!,
            left.real.data[at]!,
            left.imaginary.data[at]!,
          ];
          x += p * r + q * s;
          y += p * s - q * r;
          size += r * r + s * s;
        }
        expect(x).toBeCloseTo(1, 10);
        expect(y).toBeCloseTo(0, 10);
        expect(size).toBeCloseTo(1, 10);
        const same = all.values.real.findIndex(
          (r, i) => Math.hypot(r - values.real[k]!, all.values.imaginary[i]! - values.imaginary[k]!) < 1e-10,
        );
        expect(conditions[k]! / all.conditions[same]!).toBeCloseTo(1, 6);
      }
    });
  }

  it('takes all modes of a small matrix, and a shift that is an eigenvalue', () => {
    const small = partialEigen(randomMatrix(20, 20, 1), { count: 3, near: 1 });
    expect(small.values.real.length).toBeGreaterThanOrEqual(3);
    const exact = identity(200);
    for (let i = 0; i < 200; i++) exact.data[i * 200 + i] = i / 100;
    const { values } = partialEigen(exact, { count: 3, near: 1 });
    expect(values.real[0]).toBeCloseTo(1, 12);
    expect(() => partialEigen(exact, { count: 0, near: Number.NaN })).toThrow(/count[\s\S]*near/);
  });
});
