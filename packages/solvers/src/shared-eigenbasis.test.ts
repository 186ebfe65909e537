import { host } from '@drnn/backend-cpu';
import type { FreePattern } from '@drnn/objectives';
import { DrnnError, identity, matrix, type Matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freeSet, projectOut } from './free.js';
import { eigenbasisSolve, sharedEigenbasis } from './shared-eigenbasis.js';
import { relativeDifference } from './small-samples.js';

const drawn = (seed: number, rows: number, columns: number): Matrix =>
  matrix(
    rows,
    columns,
    Float64Array.from(
      { length: rows * columns },
      (_, i) => 2 * ((Math.sin(12.9898 * (i + 1) + seed) * 43758.5453) % 1),
    ),
  );

/** (s X'X + c Lambda)_SS^-1 g_S for each unit, by its own factor. */
const solveOneByOne = (
  gram: Matrix,
  ridge: Float64Array,
  free: FreePattern,
  s: Float64Array,
  c: Float64Array,
  g: Matrix,
): Matrix => {
  const result = matrix(g.rows, g.columns);
  s.forEach((scale, j) => {
    const system = matrix(g.rows, g.rows);
    system.data.forEach((_unused, i) => (system.data[i] = scale * gram.data[i]!));
    ridge.forEach((lambda, p) => (system.data[p * g.rows + p]! += c[j]! * lambda));
    const set = freeSet(free, g.rows, j);
    const [factored] = host.choleskyBatch(system, [set]);
    if (factored?.ok !== true) throw new Error('not positive definite');
    const right = matrix(set.length, 1);
    set.forEach((p, k) => (right.data[k] = g.data[p * g.columns + j]!));
    const x = host.choleskySolve(factored.factor, right);
    set.forEach((p, k) => (result.data[p * g.columns + j] = x.data[k]!));
  });
  return result;
};

const drawnProblem = fc.record({
  seed: fc.nat(1e6),
  units: fc.integer({ min: 2, max: 6 }),
  more: fc.integer({ min: 0, max: 3 }),
  lambda: fc.constantFrom(1e-3, 1, 100),
  bias: fc.boolean(),
});

describe('the shared eigenbasis', () => {
  it.each(['all', 'one-fixed'] as const)('%s: solves as each unit’s own factor does', (kind) => {
    fc.assert(
      fc.property(drawnProblem, ({ seed, units, more, lambda, bias }) => {
        const predictors = units + more;
        const gram = host.gram(drawn(seed, 3 * predictors, predictors));
        const ridge = new Float64Array(predictors).fill(lambda);
        if (bias) ridge[predictors - 1] = 0;
        const free: FreePattern =
          kind === 'all'
            ? { kind }
            : { kind, fixed: Int32Array.from({ length: units }, (_, j) => (j + more) % predictors) };
        const s = Float64Array.from({ length: units }, (_, j) => 10 ** ((seed % 3) - j));
        const c = Float64Array.from({ length: units }, (_, j) => 1 + 10 * j);
        const g = drawn(seed + 1, predictors, units);
        const basis = sharedEigenbasis(host, gram, ridge);
        const found = eigenbasisSolve(host, basis, free, { gram: s, ridge: c })(g);
        expect(relativeDifference(found, solveOneByOne(gram, ridge, free, s, c, g))).toBeLessThan(1e-8);
      }),
      { numRuns: 60 },
    );
  });

  it('diagonalises both matrices', () => {
    const gram = host.gram(drawn(3, 20, 5));
    const ridge = Float64Array.of(2, 0.1, 3, 1, 0);
    const { vectors, share } = sharedEigenbasis(host, gram, ridge);
    const within = (a: Matrix): Matrix => host.matMul(vectors, host.matMul(a, vectors), { transposeA: true });
    const lambda = matrix(5, 5);
    ridge.forEach((l, p) => (lambda.data[p * 6] = l));
    const expected = matrix(5, 5);
    share.forEach((m, p) => (expected.data[p * 6] = m));
    expect(relativeDifference(within(lambda), expected)).toBeLessThan(1e-12);
    const both = matrix(5, 5);
    both.data.forEach((_unused, i) => (both.data[i] = gram.data[i]! + lambda.data[i]!));
    expect(relativeDifference(within(both), identity(5))).toBeLessThan(1e-12);
    expect(share[0]).toBeLessThan(1e-12);
  });

  it('under a mask it is symmetric, positive definite and inside', () => {
    const gram = host.gram(drawn(5, 20, 4));
    const free: FreePattern = {
      kind: 'sets',
      sets: [Int32Array.of(1, 2), Int32Array.of(0, 2, 3), Int32Array.of(0, 1, 2, 3)],
    };
    const basis = sharedEigenbasis(host, gram, new Float64Array(4).fill(0.1));
    const solve = eigenbasisSolve(host, basis, free, { gram: Float64Array.of(1, 0.5, 2) });
    const [a, b] = [drawn(6, 4, 3), drawn(7, 4, 3)];
    projectOut(free, a);
    projectOut(free, b);
    const [x, y] = [solve(a), solve(b)];
    const inside = { ...x, data: x.data.slice() };
    projectOut(free, inside);
    expect(inside).toEqual(x);
    host.columnDot(a, y).forEach((ay, j) => expect(ay).toBeCloseTo(host.columnDot(b, x)[j]!, 12));
    host.columnDot(a, x).forEach((ax) => expect(ax).toBeGreaterThan(0));
  });

  it('is finite where X’X is singular and there is no ridge, and refuses what is not finite', () => {
    const design = drawn(8, 3, 6);
    const solve = eigenbasisSolve(
      host,
      sharedEigenbasis(host, host.gram(design), new Float64Array(6)),
      { kind: 'all' },
      {
        gram: Float64Array.of(1, 0),
      },
    );
    expect(solve(drawn(9, 6, 2)).data.every(Number.isFinite)).toBe(true);
    const infinite = host.gram(design);
    infinite.data[0] = Number.NaN;
    expect(() => sharedEigenbasis(host, infinite, new Float64Array(6))).toThrow(DrnnError);
  });
});
