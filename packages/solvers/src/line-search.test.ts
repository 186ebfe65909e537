import { backend } from '@drnn/backend-cpu';
import { crossEntropy, matching, transfers } from '@drnn/objectives';
import { type Backend, matrix, type Matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { backtrack, problem } from './index.js';
import { smallSamples, someTheta } from './small-samples.js';

const on: Backend = await backend();
afterAll(() => on.close());

const scaled = (a: Matrix, by: (unit: number) => number): Matrix =>
  matrix(
    a.rows,
    a.columns,
    a.data.map((x, i) => x * by(i % a.columns)),
  );

describe('backtracking for all units', () => {
  const task = problem(on, smallSamples({ seed: 5, units: 4 }), crossEntropy({ weights: 'variance', clip: 0.2 }));

  it('finds for every unit a power of two that lowers its objective enough, whatever the others need', async () => {
    const at = await task;
    const metric = await at.metric();
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1e4),
        fc.array(fc.integer({ min: -3, max: 8 }), { minLength: 4, maxLength: 4 }),
        async (seed, powers) => {
          const theta = someTheta(at.shape.predictors, 4, seed);
          const before = await at.evaluate(theta);
          const direction = scaled(metric.solve(before.gradient), (j) => -(4 ** powers[j]!));
          const found = await backtrack(at, { theta, direction, ...before });
          const slope = on.host.columnDot(direction, before.gradient);
          for (let j = 0; j < 4; j++) {
            expect(Number.isInteger(Math.log2(found.length[j]!))).toBe(true);
            expect(found.length[j]).toBeLessThanOrEqual(1);
            const change = found.value[j]! - before.value[j]!;
            expect(change).toBeLessThanOrEqual(1e-4 * found.length[j]! * slope[j]! + 1e-9);
            const moved = theta.data[4 + j]! + found.length[j]! * direction.data[4 + j]!;
            expect(found.theta.data[4 + j]).toBeCloseTo(moved, 12);
          }
          const there = await at.evaluate(found.theta);
          expect(found.value).toEqual(there.value);
          expect(found.gradient).toEqual(there.gradient);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('leaves a unit where it is when nothing along its direction is lower', async () => {
    const at = await task;
    const theta = someTheta(at.shape.predictors, 4, 3);
    const before = await at.evaluate(theta);
    const uphill = scaled(before.gradient, (j) => (j === 2 ? 1 : -1e-3));
    const { length, theta: ended } = await backtrack(at, { theta, direction: uphill, ...before });
    expect(length[2]).toBe(0);
    for (let p = 0; p < theta.rows; p++) expect(ended.data[p * 4 + 2]).toBe(theta.data[p * 4 + 2]);
    expect([length[0]! > 0, length[1]! > 0, length[3]! > 0]).toEqual([true, true, true]);
  });

  it('asks for as much of a decrease as it is told', async () => {
    const at = await problem(on, smallSamples({ seed: 6, units: 3 }), matching(transfers.identity, { ridge: 1e-2 }));
    const theta = someTheta(at.shape.predictors, 3, 3);
    const before = await at.evaluate(theta);
    // Least squares: the metric's step is the minimum, and 1.5 of it keeps 1 / 4 of what the slope promises.
    const direction = scaled((await at.metric()).solve(before.gradient), () => -1.5);
    const loose = await backtrack(at, { theta, direction, ...before });
    const strict = await backtrack(at, { theta, direction, ...before }, { sufficientDecrease: 0.3 });
    expect([...loose.length, ...strict.length]).toEqual([1, 1, 1, 0.5, 0.5, 0.5]);
    expect([loose.evaluations, strict.evaluations]).toEqual([1, 2]);
    const shorter = await backtrack(at, { theta, direction, ...before }, { first: Float64Array.of(0.5, 0.25, 2) });
    expect([...shorter.length]).toEqual([0.5, 0.25, 1]);
  });

  it('a step so long that the value overflows is cut', async () => {
    const at = await problem(on, smallSamples({ seed: 7, units: 3, transfer: 'exp' }), matching(transfers.exp));
    const theta = matrix(at.shape.predictors, 3);
    const before = await at.evaluate(theta);
    const found = await backtrack(at, { theta, direction: scaled(before.gradient, () => -1e3), ...before });
    found.value.forEach((value, j) => expect(value).toBeLessThan(before.value[j]!));
  });
});
