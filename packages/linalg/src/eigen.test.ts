import { DrnnError, identity, matrix, type Matrix, matrixOf, transpose } from '@drnn/tensor';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Eigen, eigen, eigenvalues } from './eigen.js';
import {
  clement,
  companion,
  cyclicShift,
  defective,
  frank,
  grcar,
  jordanWithCorner,
  randomMatrix,
  rankOne,
  similarByScale,
} from './gallery.js';
import { product } from './product.js';
import type { Eigenvalues } from './schur.js';

interface Fixture {
  readonly order: number;
  readonly sum: number;
  readonly real: readonly number[];
  readonly imaginary: readonly number[];
  readonly conditions: readonly number[];
  readonly entries?: readonly number[];
}

/** Made by lapack-fixtures.py. */
const fixtures: Readonly<Record<string, Fixture>> = JSON.parse(
  readFileSync(new URL('lapack-fixtures.json', import.meta.url), 'utf8'),
);

const largest = (values: Float64Array): number => values.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
const frobenius = (a: Matrix): number => {
  const top = largest(a.data) || 1;
  return top * Math.sqrt(a.data.reduce((sum, value) => sum + (value / top) ** 2, 0));
};

/** max_k |A r_k - lambda_k r_k| / |A|_F, and the same from the left. */
const residuals = (a: Matrix, { values, right, left }: Eigen): { readonly right: number; readonly left: number } => {
  const n = a.rows;
  const norm = frobenius(a) || 1;
  const side = (b: Matrix, x: Matrix, y: Matrix, sign: number): number => {
    const [bx, by] = [product(b, x), product(b, y)];
    let worst = 0;
    for (let k = 0; k < n; k++) {
      const [re, im] = [values.real[k]!, sign * values.imaginary[k]!];
      let sum = 0;
      let size = 0;
      for (let i = k; i < n * n; i += n) {
        const dx = (bx.data[i]! - re * x.data[i]! + im * y.data[i]!) / norm;
        const dy = (by.data[i]! - re * y.data[i]! - im * x.data[i]!) / norm;
        sum += dx * dx + dy * dy;
        size += x.data[i]! ** 2 + y.data[i]! ** 2;
      }
      worst = Math.max(worst, Math.sqrt(sum / size));
    }
    return worst;
  };
  return {
    right: side(a, right.real, right.imaginary, 1),
    left: side(transpose(a), left.real, left.imaginary, -1),
  };
};

/** |l_j^H r_k - (j = k)| / (|l_j| |r_k|), the largest. */
const biorthogonality = ({ left, right, conditions }: Eigen): number => {
  const n = conditions.length;
  const parts = { transposeA: true } as const;
  const px = product(left.real, right.real, parts);
  const py = product(left.real, right.imaginary, parts);
  const qx = product(left.imaginary, right.real, parts);
  const qy = product(left.imaginary, right.imaginary, parts);
  let worst = 0;
  for (let j = 0; j < n; j++) {
    for (let k = 0; k < n; k++) {
      const at = j * n + k;
      const re = px.data[at]! + qy.data[at]! - (j === k ? 1 : 0);
      worst = Math.max(worst, Math.hypot(re, py.data[at]! - qx.data[at]!) / conditions[j]!);
    }
  }
  return worst;
};

/** Every expected eigenvalue with the closest that is left: the distances, in the order of `expected`. */
const matched = (found: Eigenvalues, real: ArrayLike<number>, imaginary: ArrayLike<number>): readonly number[] => {
  const left = new Set(found.real.keys());
  return Array.from(real, (re, k) => {
    let best = -1;
    let distance = Infinity;
    for (const i of left) {
      const d = Math.hypot(found.real[i]! - re, found.imaginary[i]! - (imaginary[k] ?? 0));
      if (d < distance) [best, distance] = [i, d];
    }
    left.delete(best);
    return distance;
  });
};

const named: Readonly<Record<string, () => Matrix>> = {
  jordan: () => jordanWithCorner(10, 0.5, 1e-10),
  frank: () => frank(12),
  clement: () => clement(30),
  grcar: () => grcar(50),
  companion: () => companion([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
  scaled: () =>
    similarByScale(
      matrixOf([
        [1, 1, 1],
        [1, 2, 1],
        [1, 1, 3],
      ]),
      [1e8, 1, 1e-8],
    ),
};

describe('eigen, beside LAPACK', () => {
  for (const name of [...Object.keys(named), 'random', 'marginal', 'nearly triangular']) {
    it(name, () => {
      const fixture = fixtures[name]!;
      const a = named[name]?.() ?? matrix(fixture.order, fixture.order, Float64Array.from(fixture.entries ?? []));
      const sum = a.data.reduce((total, value) => total + value, 0);
      expect(Math.abs(sum - fixture.sum)).toBeLessThanOrEqual(1e-12 * Math.abs(fixture.sum));
      const result = eigen(a);
      // Balancing keeps residuals small by the norm of the balanced matrix.
      expect(residuals(a, result).right).toBeLessThan(1e-13);
      const norm = frobenius(a);
      for (const values of [result.values, eigenvalues(a)]) {
        matched(values, fixture.real, fixture.imaginary).forEach((distance, k) => {
          expect(distance / fixture.conditions[k]! / norm, `eigenvalue ${k}`).toBeLessThan(1e-12);
        });
      }
    });
  }
});

describe('eigen, answers that are known', () => {
  it('the roots of unity of cyclic shifts, which stall unshifted QR', () => {
    for (let n = 3; n <= 64; n++) {
      const result = eigen(cyclicShift(n));
      const angles = Array.from({ length: n }, (_, k) => (2 * Math.PI * k) / n);
      const distances = matched(result.values, angles.map(Math.cos), angles.map(Math.sin));
      expect(Math.max(...distances), `n = ${n}`).toBeLessThan(2e-14);
      expect(Math.max(...result.conditions), `n = ${n}`).toBeLessThan(1 + 1e-12);
    }
  });

  it('a multiplier within 1e-14 of 1', () => {
    const { values, conditions } = eigen(matrix(12, 12, Float64Array.from(fixtures['marginal']?.entries ?? [])));
    const distances = matched(values, [1 - 1e-14, 0.95], [0, 0]);
    expect(distances[0]).toBeLessThan(1e-15 * 30 * Math.max(...conditions));
  });

  it('the eigenvalues of a badly scaled matrix to all digits', () => {
    const { real, imaginary } = eigenvalues(named['scaled']!());
    expect(Array.from(imaginary)).toEqual([0, 0, 0]);
    [4.2143197434, 1.4608111271, 0.3248691294].forEach((value, k) => expect(real[k]).toBeCloseTo(value, 9));
  });

  it('a defective matrix: 2 three times, huge conditions, nothing that is not a number', () => {
    for (const a of [defective(), jordanWithCorner(3, 2, 0), jordanWithCorner(5, 0, 0)]) {
      const { values, right, left, conditions } = eigen(a);
      const expected = a.data[0] === 0 ? 0 : 2;
      values.real.forEach((value, k) => {
        expect(Math.hypot(value - expected, values.imaginary[k]!)).toBeLessThan(1e-4);
        expect(conditions[k]).toBeGreaterThan(1e8);
      });
      for (const each of [right.real, right.imaginary, left.real, left.imaginary]) {
        expect(each.data.every(Number.isFinite)).toBe(true);
      }
      expect(residuals(a, eigen(a)).right).toBeLessThan(1e-13);
    }
  });

  it('zero, identity, rank one, 1 x 1, 0 x 0', () => {
    expect(Array.from(eigen(matrix(4, 4)).values.real)).toEqual([0, 0, 0, 0]);
    const one = eigen(identity(5));
    expect(Array.from(one.values.real)).toEqual([1, 1, 1, 1, 1]);
    expect(Array.from(one.conditions)).toEqual([1, 1, 1, 1, 1]);
    const { real, imaginary } = eigenvalues(rankOne(6, 6));
    expect(real[0]).toBeCloseTo(21, 13);
    for (let k = 1; k < 6; k++) expect(Math.hypot(real[k]!, imaginary[k]!)).toBeLessThan(1e-13);
    expect(Array.from(eigen(matrixOf([[-3]])).values.real)).toEqual([-3]);
    expect(eigen(matrixOf([[-3]])).right.real.data[0]).toBe(1);
    expect(eigen(matrix(0, 0)).values.real.length).toBe(0);
  });

  it('subnormal and huge matrices as any other', () => {
    for (const size of [5e-324, 1e-310, 1e-200, 1e200, 4e307]) {
      const a = matrixOf([
        [0, 2 * size],
        [2 * size, 0],
      ]);
      expect(Array.from(eigenvalues(a).real)).toEqual([2 * size, -2 * size]);
      const { right, left } = eigen(a);
      for (const k of [0, 1, 2, 3]) {
        expect(Math.abs(right.real.data[k]!)).toBeCloseTo(Math.SQRT1_2, 14);
        expect(Math.abs(left.real.data[k]!)).toBeCloseTo(Math.SQRT1_2, 14);
      }
    }
  });

  it('ends on a matrix so graded that no subdiagonal entry is small beside its neighbours', () => {
    const a = matrix(6, 6);
    const entries = { 4: 1, 7: 1, 9: -1, 12: 1e8, 13: 1e-8, 17: -1e100, 18: 1e-8, 25: -1e100, 32: 1e300 };
    Object.entries(entries).forEach(([at, value]) => (a.data[Number(at)] = value));
    expect(residuals(a, eigen(a)).right).toBeLessThan(1e-13);
  });

  it('refuses NaN, infinity and what is not square', () => {
    for (const bad of [Number.NaN, Infinity]) {
      const a = identity(3);
      a.data[5] = bad;
      expect(() => eigen(a)).toThrow(DrnnError);
      expect(() => eigenvalues(a)).toThrow(/row 1, column 2/);
    }
    expect(() => eigen(matrix(2, 3))).toThrow(/square/);
  });
});

describe('eigen, properties', () => {
  it('residuals, l^H r = 1, and conditions of random matrices', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer(), (n, seed) => {
        const a = randomMatrix(n, n, seed);
        const result = eigen(a);
        const { right, left } = residuals(a, result);
        expect(right).toBeLessThan(1e-13);
        expect(left).toBeLessThan(1e-13);
        const apart = biorthogonality(result) / Math.max(...result.conditions);
        expect(apart).toBeLessThan(1e-13);
        const trace = a.data.reduce((sum, value, k) => sum + (k % (n + 1) === 0 ? value : 0), 0);
        const total = result.values.real.reduce((sum, value) => sum + value, 0);
        expect(Math.abs(trace - total)).toBeLessThan(1e-13 * n * frobenius(a));
        result.conditions.forEach((kappa) => expect(kappa).toBeGreaterThan(1 - 1e-12));
      }),
      { numRuns: 30 },
    );
  });

  const squares = (...entries: readonly number[]): fc.Arbitrary<readonly number[]> => {
    const entry = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...entries) },
      { weight: 1, arbitrary: fc.double({ min: -1, max: 1, noNaN: true }) },
    );
    return fc.integer({ min: 1, max: 7 }).chain((n) => fc.array(entry, { minLength: n * n, maxLength: n * n }));
  };

  it('matrices of zeros and a few sizes, defective or not, have small residuals', () => {
    fc.assert(
      fc.property(squares(0, 0, 1, -1, 1e-8, 1e-3, 1e-160), (entries) => {
        const n = Math.sqrt(entries.length);
        const a = matrix(n, n, Float64Array.from(entries));
        // The eigenvalues of subnormal matrices have few digits.
        if (largest(a.data) < 1e-290) return;
        expect(residuals(a, eigen(a)).right).toBeLessThan(1e-13);
      }),
      { numRuns: 1000 },
    );
  });

  it('any matrix of finite numbers, however graded, ends with finite values and vectors', () => {
    fc.assert(
      fc.property(squares(0, 1, -1, 1e-8, 1e-160, 5e-324, 1e8, -1e100, 1e300), (entries) => {
        const n = Math.sqrt(entries.length);
        const a = matrix(n, n, Float64Array.from(entries));
        const result = eigen(a);
        expect(result.values.real.every(Number.isFinite)).toBe(true);
        result.conditions.forEach((kappa) => expect(kappa).toBeGreaterThan(1 - 1e-12));
        for (const { data } of [result.right.real, result.right.imaginary, result.left.real, result.left.imaginary]) {
          expect(data.every(Number.isFinite)).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('values alone are those with vectors, ordered either way', () => {
    const a = randomMatrix(30, 30, 3);
    for (const order of ['real', 'modulus'] as const) {
      const values = eigenvalues(a, { order });
      const key = (k: number): number =>
        order === 'real' ? values.real[k]! : Math.hypot(values.real[k]!, values.imaginary[k]!);
      for (let k = 1; k < 30; k++) expect(key(k)).toBeLessThanOrEqual(key(k - 1) * (1 + 1e-12 * Math.sign(key(k - 1))));
      const both = eigen(a, { order }).values;
      expect(Math.max(...matched(both, values.real, values.imaginary))).toBeLessThan(1e-12);
      for (let k = 0; k < 30; k++) {
        if (values.imaginary[k]! > 0) expect(values.imaginary[k + 1]).toBe(-values.imaginary[k]!);
      }
    }
  });

  it('relabelling units moves entries of the vectors, no values', () => {
    const n = 15;
    const a = randomMatrix(n, n, 8);
    const to = Array.from({ length: n }, (_, i) => (7 * i + 3) % n);
    const b = matrix(n, n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) b.data[to[i]! * n + to[j]!] = a.data[i * n + j]!;
    const [x, y] = [eigen(a), eigen(b)];
    expect(Math.max(...matched(x.values, y.values.real, y.values.imaginary))).toBeLessThan(1e-12);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < n; k++) {
        expect(y.right.real.data[to[i]! * n + k]).toBeCloseTo(x.right.real.data[i * n + k]!, 10);
        expect(y.left.imaginary.data[to[i]! * n + k]).toBeCloseTo(x.left.imaginary.data[i * n + k]!, 9);
      }
    }
  });

  it('a network of 160 units', () => {
    const a = randomMatrix(160, 160, 2);
    const result = eigen(a);
    expect(residuals(a, result).right).toBeLessThan(1e-13);
    expect(residuals(a, result).left).toBeLessThan(1e-13);
  });
});
