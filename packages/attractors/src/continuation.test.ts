import { DrnnError, matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { continueFixedPoint, fixedPoints } from './index.js';
import { gaussianWeights } from './known-networks.test.data.js';

describe('continueFixedPoint', () => {
  it.each([
    [1.5, 0.207546455322],
    [2, 0.532839975354],
    [3, 1.303273908],
  ])('finds both folds of one unit with w = %d', (w, fold) => {
    const network = { W: matrixOf([[w]]), alpha: 0.1, Win: matrixOf([[1]]) };
    const { points } = fixedPoints(network, { input: [-2] });
    expect(points.length).toBe(1);
    const branch = continueFixedPoint(network, points[0]!.state, { from: [-2], to: [2] });
    expect(branch.end).toBe('reached');
    // From -2 to 2, so that b = 4 s - 2; r^2 = 1 - 1 / w at a fold.
    const found = branch.folds.map(({ position }) => 4 * position - 2);
    expect(Math.max(Math.abs(found[0]! - fold), Math.abs(found[1]! + fold))).toBeLessThan(1e-9);
    expect(found.length).toBe(2);
    branch.folds.forEach(({ state }, k) => expect(state[0]).toBeCloseTo((k === 0 ? -1 : 1) * Math.sqrt(1 - 1 / w), 6));
    for (const { state, position } of branch.path) {
      expect(Math.abs(state[0]! - Math.tanh(w * state[0]! + 4 * position - 2))).toBeLessThan(1e-12);
    }
  });

  it('comes back below the first input where the branch does', () => {
    const network = { W: matrixOf([[2]]), alpha: 0.1, Win: matrixOf([[1]]) };
    const left = fixedPoints(network).points.find(({ state }) => state[0]! < -0.5)!;
    const branch = continueFixedPoint(network, left.state, { from: [0], to: [2] });
    expect(branch.end).toBe('returned');
    expect(branch.folds.length).toBe(1);
    // Past the fold it is the saddle, at the origin when the input is 0 again.
    expect(Math.abs(branch.path.at(-1)!.state[0]!)).toBeLessThan(0.1);
  });

  it.each([
    [0.15, 'reached'],
    [0.25, 'returned'],
  ])('ends where the search at the last input finds a point, in a network of weights %d', (deviation, end) => {
    const network = {
      W: gaussianWeights(12, deviation, 5),
      alpha: 0.1,
      Win: { rows: 12, columns: 1, data: gaussianWeights(12, 0.5, 6).data.slice(0, 12) },
    };
    const start = fixedPoints(network, { input: [0] }).points[0]!;
    const branch = continueFixedPoint(network, start.state, { from: [0], to: [1.5] });
    expect(branch.end).toBe(end);
    const last = branch.path.at(-1)!;
    const there = fixedPoints(network, { input: [1.5 * last.position] }).points;
    const nearest = Math.min(...there.map(({ state }) => Math.hypot(...state.map((v, i) => v - last.state[i]!))));
    expect(nearest).toBeLessThan(1e-10);
  });

  it('refuses a start that is no fixed point', () => {
    const network = { W: matrixOf([[0.5]]), alpha: 0.1, Win: matrixOf([[1]]) };
    expect(() => continueFixedPoint(network, Float64Array.of(0.9), { from: [0], to: [1] })).toThrow(DrnnError);
    expect(() => continueFixedPoint(network, new Float64Array(2), { from: [0], to: [1] })).toThrow(DrnnError);
  });
});
