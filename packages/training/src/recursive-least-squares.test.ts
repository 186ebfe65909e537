import { backend } from '@drnn/backend-cpu';
import { matrix, type Matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recursiveLeastSquares } from './recursive-least-squares.js';

const { host } = await backend();

const samples = (rows: number, columns: number) =>
  fc
    .array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: rows * columns, maxLength: rows * columns })
    .map((values) => matrix(rows, columns, Float64Array.from(values)));

const problem = fc
  .tuple(fc.integer({ min: 1, max: 25 }), fc.integer({ min: 1, max: 11 }), fc.integer({ min: 1, max: 3 }))
  .chain(([rows, order, outputs]) =>
    fc.record({
      x: samples(rows, order),
      y: samples(rows, outputs),
      start: samples(order, outputs),
      lambda: fc.double({ min: 0.05, max: 100, noNaN: true }),
    }),
  );

/** X'X + lambda I. */
const covariance = (x: Matrix, lambda: number): Matrix => {
  const result = host.gram(x);
  for (let i = 0; i < x.columns; i++) result.data[i * x.columns + i]! += lambda;
  return result;
};

const row = (a: Matrix, t: number): Float64Array => a.data.slice(t * a.columns, (t + 1) * a.columns);

const largest = (a: Matrix): number => a.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

const expectNear = (a: Matrix, b: Matrix, tolerance: number): void => {
  const scale = Math.max(1, largest(b));
  for (let i = 0; i < b.data.length; i++) expect(Math.abs(a.data[i]! - b.data[i]!)).toBeLessThan(tolerance * scale);
};

describe('recursiveLeastSquares', () => {
  it('ends at the ridge solution of all samples together, from any start', () => {
    fc.assert(
      fc.property(problem, ({ x, y, start, lambda }) => {
        const { order, absorb } = recursiveLeastSquares(x.columns, lambda);
        const theta = matrix(order, y.columns, start.data.slice());
        const gain = new Float64Array(order);
        for (let t = 0; t < x.rows; t++) {
          const sample = row(x, t);
          const error = row(y, t).map((target, j) => {
            let z = 0;
            for (let i = 0; i < order; i++) z += sample[i]! * theta.data[i * y.columns + j]!;
            return z - target;
          });
          absorb(sample, gain);
          for (let i = 0; i < order; i++) {
            for (let j = 0; j < y.columns; j++) theta.data[i * y.columns + j]! -= gain[i]! * error[j]!;
          }
        }
        // argmin |X theta - Y|^2 + lambda |theta - start|^2, by Cholesky.
        const rightSide = host.matMul(x, y, { transposeA: true });
        for (let i = 0; i < rightSide.data.length; i++) rightSide.data[i]! += lambda * start.data[i]!;
        const factor = host.cholesky(covariance(x, lambda));
        if (!factor.ok) throw new Error("X'X + lambda I has no factor");
        expectNear(theta, host.choleskySolve(factor.factor, rightSide), 1e-9);
      }),
    );
  });

  it("keeps P the inverse of lambda I + sum x x', symmetric to the last bit and positive definite", () => {
    fc.assert(
      fc.property(problem, ({ x, lambda }) => {
        const learner = recursiveLeastSquares(x.columns, lambda);
        const gain = new Float64Array(x.columns);
        for (let t = 0; t < x.rows; t++) learner.absorb(row(x, t), gain);
        const P = learner.inverse();
        for (let i = 0; i < P.rows; i++) {
          for (let j = 0; j < i; j++) expect(P.data[i * P.rows + j]).toBe(P.data[j * P.rows + i]);
        }
        expect(host.eigh(P).values[0]).toBeGreaterThan(0);
        const product = host.matMul(P, covariance(x, lambda));
        for (let i = 0; i < P.rows; i++) product.data[i * P.rows + i]! -= 1;
        expect(largest(product)).toBeLessThan(1e-9);
      }),
    );
  });

  it('stays positive definite over many samples of a stiff problem', () => {
    const order = 30;
    const learner = recursiveLeastSquares(order, 1);
    const gain = new Float64Array(order);
    const x = new Float64Array(order);
    for (let t = 0; t < 20_000; t++) {
      // Directions of sizes 1 to 1e-4, so that P ends with condition number 1e4 and more.
      for (let i = 0; i < order; i++) x[i] = Math.cos(1.7 * t * (i + 1) + i * i) * 10 ** ((-4 * i) / (order - 1));
      learner.absorb(x, gain);
    }
    const { values } = host.eigh(learner.inverse());
    expect(values[0]).toBeGreaterThan(0);
    expect(values[order - 1]).toBeLessThanOrEqual(1 + 1e-12);
  });

  it('gives the gain P x with the new P, and how far one update moves the prediction of its own sample', () => {
    fc.assert(
      fc.property(problem, ({ x, lambda }) => {
        const learner = recursiveLeastSquares(x.columns, lambda);
        const gain = new Float64Array(x.columns);
        for (let t = 0; t < x.rows; t++) {
          const sample = row(x, t);
          const leverage = learner.absorb(sample, gain);
          const P = learner.inverse();
          const expected = host.matMul(P, matrix(x.columns, 1, sample));
          expectNear(matrix(x.columns, 1, gain), expected, 1e-10);
          expect(leverage).toBeGreaterThanOrEqual(0);
          expect(leverage).toBeLessThan(1);
          const moved = sample.reduce((sum, value, i) => sum + value * gain[i]!, 0);
          expect(Math.abs(leverage - moved)).toBeLessThan(1e-12);
        }
        learner.reset();
        expect(largest(learner.inverse())).toBe(1 / lambda);
      }),
      { numRuns: 30 },
    );
  });

  it('has an empty case, and refuses what it cannot be', () => {
    expect(recursiveLeastSquares(0, 1).absorb(new Float64Array(0), new Float64Array(0))).toBe(0);
    expect(() => recursiveLeastSquares(-1, 0)).toThrow(/order[^]*lambda/);
  });
});
