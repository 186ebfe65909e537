import { backend } from '@drnn/backend-cpu';
import { type FreePattern, zeroDiagonalPattern } from '@drnn/objectives';
import { fillGaussian, randomStream } from '@drnn/simulator';
import { freeSet } from '@drnn/solvers';
import { matrix, type Matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { intervals, standardErrors } from './index.js';
import { informedFit, simulated } from './informed-round.js';

const on = await backend();
afterAll(() => on.close());

const field = (rows: number, columns: number, seed: number): Matrix => {
  const result = matrix(rows, columns);
  const stream = randomStream(seed, 'field');
  for (let t = 0; t < rows; t++) fillGaussian(stream(t), 1, result.data.subarray(t * columns, (t + 1) * columns));
  return result;
};

/** The diagonal of A^-1 by Gauss and Jordan, without pivoting: A is positive definite. */
const inverseDiagonal = (a: Matrix): Float64Array => {
  const n = a.rows;
  const work = a.data.slice();
  const inverse = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  for (let k = 0; k < n; k++) {
    const pivot = work[k * n + k]!;
    for (let q = 0; q < n; q++) {
      work[k * n + q]! /= pivot;
      inverse[k * n + q]! /= pivot;
    }
    for (let p = 0; p < n; p++) {
      const factor = work[p * n + k]!;
      if (p === k) continue;
      for (let q = 0; q < n; q++) {
        work[p * n + q]! -= factor * work[k * n + q]!;
        inverse[p * n + q]! -= factor * inverse[k * n + q]!;
      }
    }
  }
  return Float64Array.from({ length: n }, (_, k) => inverse[k * n + k]!);
};

/** sqrt(diag((X' diag(h_j) X + Lambda)_SS^-1)), written out. */
const byHand = (x: Matrix, h: Matrix, ridge: Float64Array, free: FreePattern): Matrix => {
  const result = matrix(x.columns, h.columns);
  for (let j = 0; j < h.columns; j++) {
    const set = [...freeSet(free, x.columns, j)];
    const a = matrix(set.length, set.length);
    set.forEach((p, k) => {
      set.forEach((q, l) => {
        let sum = p === q ? ridge[p]! : 0;
        for (let t = 0; t < x.rows; t++)
          sum += h.data[t * h.columns + j]! * x.data[t * x.columns + p]! * x.data[t * x.columns + q]!;
        a.data[k * set.length + l] = sum;
      });
    });
    const diagonal = inverseDiagonal(a);
    set.forEach((p, k) => (result.data[p * h.columns + j] = Math.sqrt(diagonal[k]!)));
  }
  return result;
};

/** A recording's worth of shapes: units, further predictors, one of them without a prior as a bias is. */
const examples = fc
  .record({
    seed: fc.integer(),
    units: fc.integer({ min: 1, max: 6 }),
    more: fc.integer({ min: 0, max: 3 }),
    kind: fc.constantFrom('all', 'one-fixed', 'sets'),
  })
  .map(({ seed, units, more, kind }) => {
    const predictors = units + more + 1;
    const x = field(40, predictors, seed);
    for (let t = 0; t < 40; t++) x.data[t * predictors + predictors - 1] = 1;
    const ridge = Float64Array.from({ length: predictors }, (_, p) => (p === predictors - 1 ? 0 : 0.5 + p));
    const all = Array.from({ length: predictors }, (_, p) => p);
    const free: FreePattern =
      kind === 'sets'
        ? {
            kind,
            sets: Array.from({ length: units }, (_, j) => Int32Array.from(all.filter((p) => (p + j + seed) % 3 !== 0))),
          }
        : kind === 'all'
          ? { kind }
          : { kind: 'one-fixed', fixed: Int32Array.from({ length: units }, (_, j) => Math.abs(j + seed) % predictors) };
    return { seed, units, x, ridge, free };
  });

const largestDifference = (a: Matrix, b: Matrix): number =>
  a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0);

describe('standardErrors', () => {
  it('exact: the roots of the diagonal of the inverse, fixed coordinates left out', () =>
    fc.assert(
      fc.asyncProperty(examples, fc.integer({ min: 1, max: 4 }), async (example, unitsAtOnce) => {
        const { seed, units, x, ridge, free } = example;
        const h = matrix(40, units, field(40, units, seed + 1).data.map(Math.exp));
        const found = await on.scope(async (inner) =>
          standardErrors({
            on: inner,
            design: await inner.rows(x),
            curvatures: await inner.rows(h),
            ridge,
            free,
            method: 'exact',
            unitsAtOnce,
          }),
        );
        expect(largestDifference(found.errors, byHand(x, h, ridge, free))).toBeLessThan(1e-10);
        expect(found.undetermined).toEqual([]);
      }),
      { numRuns: 60 },
    ));

  it('shared: is exact where the curvature is constant in time, of any size in each unit', () =>
    fc.assert(
      fc.asyncProperty(examples, fc.integer({ min: 1, max: 20 }), async (example, checkedUnits) => {
        const { units, x, ridge, free } = example;
        const h = matrix(40, units);
        for (let i = 0; i < h.data.length; i++) h.data[i] = 10 ** ((i % units) - 2);
        const found = await on.scope(async (inner) =>
          standardErrors({
            on: inner,
            design: await inner.rows(x),
            curvatures: await inner.rows(h),
            ridge,
            free,
            method: 'shared',
            checkedUnits,
          }),
        );
        const expected = byHand(x, h, ridge, free);
        expect(largestDifference(found.errors, expected)).toBeLessThan(1e-8 * Math.max(...expected.data, 1));
        const compares = expected.data.some((value) => value > 0);
        if (compares) {
          expect(found.check?.median).toBeCloseTo(1, 8);
          for (const end of found.check?.spread ?? []) expect(end).toBeCloseTo(1, 8);
        }
      }),
      { numRuns: 60 },
    ));

  it('shared: undoes the bias of curvatures that are concentrated on few samples', async () => {
    const [rows, units, predictors] = [400, 30, 32];
    const x = field(rows, predictors, 4);
    const h = field(rows, units, 5);
    // Unit j has no curvature but in a fraction of samples that falls with j.
    for (let i = 0; i < h.data.length; i++) h.data[i] = Math.abs(h.data[i]!) > 1.5 * ((i % units) / units) ? 4 : 1e-3;
    const ridge = new Float64Array(predictors).fill(2);
    const free = zeroDiagonalPattern(units);
    const expected = byHand(x, h, ridge, free);
    const found = await on.scope(async (inner) => {
      const parts = { design: await inner.rows(x), curvatures: await inner.rows(h) };
      return standardErrors({ on: inner, ...parts, ridge, free, method: 'shared', checkedUnits: 8 });
    });
    const ratios = Array.from(expected.data, (value, i) => value / found.errors.data[i]!).filter(Number.isFinite);
    // The same with the mean curvature of each unit in the place of its curvatures, which is what is corrected.
    const level = matrix(rows, units);
    for (let j = 0; j < units; j++) {
      let sum = 0;
      for (let t = 0; t < rows; t++) sum += h.data[t * units + j]!;
      for (let t = 0; t < rows; t++) level.data[t * units + j] = sum / rows;
    }
    const uncorrected = byHand(x, level, ridge, free);
    const unitBias = (errors: Matrix, j: number): number => {
      const own = Array.from({ length: predictors }, (_, p) => p)
        .filter((p) => p !== j)
        .map((p) => Math.log(expected.data[p * units + j]! / errors.data[p * units + j]!))
        .sort((a, b) => a - b);
      return own[own.length >> 1]!;
    };
    const worst = (errors: Matrix): number =>
      Math.max(...Array.from({ length: units }, (_, j) => Math.abs(unitBias(errors, j))));
    expect(worst(found.errors)).toBeLessThan(worst(uncorrected) / 4);
    expect(found.check?.units).toHaveLength(8);
    expect(found.check?.median).toBeGreaterThan(1);
    const [low, high] = found.check?.spread ?? [0, 0];
    const inside = ratios.filter((ratio) => ratio >= low && ratio <= high).length / ratios.length;
    expect(inside).toBeGreaterThan(0.9);
  });

  it('says which units nothing determines', async () => {
    const x = field(20, 3, 1);
    const h = matrix(20, 2, new Float64Array(40).fill(1));
    for (let t = 0; t < 20; t++) h.data[t * 2 + 1] = 0;
    for (const method of ['exact', 'shared'] as const) {
      const found = await on.scope(async (inner) => {
        const parts = { design: await inner.rows(x), curvatures: await inner.rows(h) };
        return standardErrors({
          on: inner,
          ...parts,
          ridge: new Float64Array(3),
          free: zeroDiagonalPattern(2),
          method,
        });
      });
      expect(found.undetermined, method).toEqual([1]);
      expect(
        Array.from({ length: 3 }, (_, p) => found.errors.data[2 * p + 1]),
        method,
      ).toEqual([Infinity, 0, Infinity]);
      expect([...found.errors.data].filter((_, i) => i % 2 === 0).every(Number.isFinite), method).toBe(true);
    }
  });

  it('refuses exact above its cost, and names shared', async () => {
    await on.scope(async (inner) => {
      const parts = { design: await inner.rows(field(30, 4, 1)), curvatures: await inner.rows(field(30, 3, 2)) };
      const request = { on: inner, ...parts, ridge: new Float64Array(4).fill(1), free: { kind: 'all' } } as const;
      await expect(standardErrors({ ...request, method: 'exact', mostOperations: 1000 })).rejects.toThrow(
        /3 units, 4 predictors and 30 transitions.*shared/s,
      );
    });
  });

  it('gives all rows back', async () => {
    const before = on.memory();
    const parts = {
      design: await on.rows(field(50, 4, 1)),
      curvatures: await on.rows(matrix(50, 3, new Float64Array(150).fill(1))),
    };
    const ridge = new Float64Array(4).fill(1);
    for (const method of ['exact', 'shared'] as const)
      await standardErrors({ on, ...parts, ridge, free: { kind: 'all' }, method });
    parts.design.release();
    parts.curvatures.release();
    expect(on.memory()).toEqual(before);
  });
});

describe('intervals', () => {
  it('cover the truth of a calibrated round as they say, pooled over networks', async () => {
    const covered = { exact: 0, shared: 0 };
    let count = 0;
    for (const seed of [1, 2, 3]) {
      const example = simulated({
        units: 24,
        transitions: 300,
        seed,
        inputNoise: { kind: 'gaussian', size: 0.05 },
        outputNoise: { kind: 'gaussian', size: 0.005 },
      });
      const { theta, task } = await informedFit(on, example, { input: 0.05, output: 0.005 });
      const curvatures = await task.curvatures(theta);
      for (const method of ['exact', 'shared'] as const) {
        const { errors } = await standardErrors({
          on,
          design: task.rows.design,
          curvatures,
          ridge: task.ridge,
          free: task.free,
          method,
        });
        const { lower, upper } = intervals(theta, errors);
        for (let p = 0; p < 24; p++) {
          for (let j = 0; j < 24; j++) {
            const i = p * 24 + j;
            if (p !== j && lower.data[i]! <= example.truth.data[i]! && example.truth.data[i]! <= upper.data[i]!)
              covered[method]++;
          }
        }
      }
      count += 24 * 23;
      curvatures.release();
      task.release();
    }
    for (const method of ['exact', 'shared'] as const) {
      expect(covered[method] / count, method).toBeGreaterThan(0.93);
      expect(covered[method] / count, method).toBeLessThan(0.97);
    }
  });

  it('are the estimate itself where a coordinate is fixed, and refuse what is not finite', () => {
    const theta = matrix(1, 2, Float64Array.of(0, 2));
    const { lower, upper } = intervals(theta, matrix(1, 2, Float64Array.of(0, 0.5)));
    expect(lower.data[0]).toBe(0);
    expect(upper.data[0]).toBe(0);
    expect(upper.data[1]! - lower.data[1]!).toBeCloseTo(2 * 1.96 * 0.5, 3);
    expect(() => intervals(matrix(1, 1, Float64Array.of(Number.NaN)), matrix(1, 2))).toThrow(/errors.*\n.*theta/);
  });
});
