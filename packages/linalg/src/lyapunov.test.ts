import { DrnnError, identity, matrix, type Matrix, matrixOf, transpose } from '@drnn/tensor';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { randomMatrix } from './gallery.js';
import { continuousLyapunov, discreteLyapunov } from './lyapunov.js';
import { product } from './product.js';

interface Fixture {
  readonly entries: readonly number[];
  readonly continuousLyapunov: readonly number[];
  readonly discreteLyapunov: readonly number[];
}

const fixtures: Readonly<Record<string, Fixture>> = JSON.parse(
  readFileSync(new URL('lapack-fixtures.json', import.meta.url), 'utf8'),
);

const largest = (values: Float64Array): number => values.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
const mapped = (a: Matrix, f: (value: number, i: number, j: number) => number): Matrix =>
  matrix(
    a.rows,
    a.columns,
    a.data.map((value, k) => f(value, Math.floor(k / a.columns), k % a.columns)),
  );

const continuousResidual = (a: Matrix, x: Matrix, q: Matrix): number => {
  const [ax, xa] = [product(a, x), product(x, a, { transposeB: true })];
  return (
    largest(q.data.map((value, k) => value + ax.data[k]! + xa.data[k]!)) / (largest(x.data) * (1 + largest(a.data)))
  );
};

const discreteResidual = (a: Matrix, x: Matrix, q: Matrix): number => {
  const axa = product(product(a, x), a, { transposeB: true });
  return (
    largest(q.data.map((value, k) => value + axa.data[k]! - x.data[k]!)) / (largest(x.data) * (1 + largest(a.data)))
  );
};

describe('Lyapunov equations', () => {
  it('hold, whatever the eigenvalues, and X is symmetric when Q is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 25 }), fc.boolean(), fc.integer(), (n, symmetric, seed) => {
        const a = mapped(randomMatrix(n, n, seed), (value) => value / Math.sqrt(n) / 1.2);
        const b = randomMatrix(n, n, seed + 1);
        const q = symmetric ? product(b, b, { transposeB: true }) : b;
        const shifted = mapped(a, (value, i, j) => value - (i === j ? 2 : 0));
        const x = continuousLyapunov(shifted, q);
        expect(continuousResidual(shifted, x, q)).toBeLessThan(1e-12);
        const y = discreteLyapunov(a, q);
        expect(discreteResidual(a, y, q)).toBeLessThan(1e-12);
        if (!symmetric) return;
        expect(transpose(x)).toEqual(x);
        expect(transpose(y)).toEqual(y);
      }),
      { numRuns: 50 },
    );
  });

  it('knows the Gramians of small systems', () => {
    expect(discreteLyapunov(matrixOf([[0.9]]), matrixOf([[1]])).data[0]).toBeCloseTo(5.263157894736842, 12);
    const a = matrixOf([
      [0.5, 1],
      [0, 0.5],
    ]);
    [116 / 27, 8 / 9, 8 / 9, 4 / 3].forEach((value, k) => {
      expect(discreteLyapunov(a, identity(2)).data[k]).toBeCloseTo(value, 13);
    });
    const wc = discreteLyapunov(
      a,
      matrixOf([
        [0, 0],
        [0, 1],
      ]),
    );
    [80 / 27, 8 / 9, 8 / 9, 4 / 3].forEach((value, k) => expect(wc.data[k]).toBeCloseTo(value, 13));
    // The integral of exp(-2 t) is 1/2.
    expect(continuousLyapunov(matrixOf([[-1]]), matrixOf([[1]])).data[0]).toBeCloseTo(0.5, 15);
  });

  it('is the sum over time', () => {
    const n = 6;
    const a = mapped(randomMatrix(n, n, 4), (value) => value / 6);
    const b = randomMatrix(n, 2, 5);
    let term = product(b, b, { transposeB: true });
    const q = term;
    const sum = matrix(n, n);
    for (let k = 0; k < 400; k++) {
      for (let i = 0; i < n * n; i++) sum.data[i] = sum.data[i]! + term.data[i]!;
      term = product(product(a, term), a, { transposeB: true });
    }
    const x = discreteLyapunov(a, q);
    expect(largest(x.data.map((value, k) => value - sum.data[k]!))).toBeLessThan(1e-13 * largest(sum.data));
  });

  it('agrees with SciPy', () => {
    const fixture = fixtures['random']!;
    const a = matrix(16, 16, Float64Array.from(fixture.entries));
    const q = mapped(identity(16), (value, i) => value * (i + 1) + 0.1);
    const x = continuousLyapunov(
      mapped(a, (value, i, j) => value - (i === j ? 6 : 0)),
      q,
    );
    const y = discreteLyapunov(
      mapped(a, (value) => value / 8),
      q,
    );
    expect(largest(x.data.map((value, k) => value - fixture.continuousLyapunov[k]!))).toBeLessThan(
      1e-13 * largest(x.data),
    );
    expect(largest(y.data.map((value, k) => value - fixture.discreteLyapunov[k]!))).toBeLessThan(
      1e-13 * largest(y.data),
    );
  });

  it('solves close to the border and refuses on it', () => {
    const close = 1 - 1e-14;
    const value = discreteLyapunov(matrixOf([[close]]), matrixOf([[1]])).data[0]!;
    expect(value * (1 - close) * (1 + close)).toBeCloseTo(1, 12);
    expect(() => discreteLyapunov(identity(2), identity(2))).toThrow(/product is 1/);
    expect(() =>
      continuousLyapunov(
        matrixOf([
          [1, 0],
          [0, -1],
        ]),
        identity(2),
      ),
    ).toThrow(/sum is 0/);
    expect(() => continuousLyapunov(matrix(2, 2), identity(2))).toThrow(DrnnError);
    expect(() => continuousLyapunov(identity(2), identity(3))).toThrow(/row=2, column=2/);
    expect(continuousLyapunov(matrix(0, 0), matrix(0, 0)).rows).toBe(0);
  });
});
