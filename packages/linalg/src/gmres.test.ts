import { DrnnError, matrix, type Matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cyclicShift, randomMatrix } from './gallery.js';
import { gmres, type LinearMap } from './gmres.js';
import { lu, luSolve, luSolveInPlace } from './lu.js';

const map =
  (a: Matrix): LinearMap =>
  (x, out) => {
    for (let i = 0; i < a.rows; i++) {
      let sum = 0;
      for (let j = 0; j < a.columns; j++) sum += a.data[i * a.columns + j]! * x[j]!;
      out[i] = sum;
    }
  };

/** I - g W, as Newton's method meets it. */
const jacobian = (n: number, gain: number, seed: number): Matrix => {
  const w = randomMatrix(n, n, seed);
  return matrix(
    n,
    n,
    w.data.map((value, k) => (k % (n + 1) === 0 ? 1 : 0) - (gain * value) / Math.sqrt(n)),
  );
};

describe('gmres', () => {
  it('solves what LU solves', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 2, noNaN: true }),
        fc.integer(),
        (n, gain, seed) => {
          const a = jacobian(n, gain, seed);
          const b = randomMatrix(n, 1, seed + 1);
          const result = gmres(map(a), b.data, { restart: n, tolerance: 1e-12 });
          const exact = luSolve(lu(a), b).data;
          expect(result.status).toBe('converged');
          expect(result.residual).toBeLessThanOrEqual(1e-12);
          const image = new Float64Array(n);
          map(a)(result.solution, image);
          expect(Math.hypot(...image.map((value, i) => value - b.data[i]!))).toBeLessThan(
            1e-11 * Math.hypot(...b.data),
          );
          if (gain < 0.8) result.solution.forEach((value, i) => expect(value).toBeCloseTo(exact[i]!, 8));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('needs one step with the inverse as preconditioner, and restarts without it', () => {
    const n = 200;
    const a = jacobian(n, 0.9, 1);
    const b = randomMatrix(n, 1, 2).data;
    const factor = lu(a);
    const precondition: LinearMap = (x, out) => {
      out.set(x);
      luSolveInPlace(factor, { rows: n, columns: 1, data: out }, false);
    };
    expect(gmres(map(a), b, { precondition }).steps).toBe(1);
    const plain = gmres(map(a), b, { restart: 20 });
    expect(plain.status).toBe('converged');
    expect(plain.steps).toBeGreaterThan(20);
    expect(gmres(map(a), b, { start: plain.solution }).steps).toBe(0);
  });

  it('says when it gains nothing, when it runs out of steps, when the map breaks', () => {
    const n = 20;
    const b = Float64Array.from({ length: n }, (_, i) => (i === 0 ? 1 : 0));
    // Restarted GMRES makes no progress at all with a cyclic shift until the space is whole.
    const stalled = gmres(map(cyclicShift(n)), b, { restart: 5 });
    expect(stalled.status).toBe('stalled');
    expect(stalled.residual).toBe(1);
    expect(gmres(map(cyclicShift(n)), b, { restart: n }).status).toBe('converged');
    expect(gmres(map(jacobian(n, 2, 1)), b, { maxSteps: 3 }).status).toBe('max-steps');
    expect(gmres((_, out) => out.fill(Number.NaN), b).status).toBe('non-finite');
    expect(gmres((_, out) => out.fill(0), b).status).toBe('stalled');
    expect(gmres(map(cyclicShift(n)), new Float64Array(n)).solution).toEqual(new Float64Array(n));
  });

  it('refuses bad options, all at once', () => {
    const b = Float64Array.of(1, Number.NaN);
    expect(() => gmres(() => {}, b, { tolerance: 0, maxSteps: 0 })).toThrow(DrnnError);
    expect(() => gmres(() => {}, b, { tolerance: 0, maxSteps: 0 })).toThrow(/NaN[\s\S]*tolerance[\s\S]*maxSteps/);
  });
});
