import { fillGaussian, randomStream } from '@drnn/simulator';
import { matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { leadingModes, linearise } from './index.js';
import { gaussianWeights } from './known-networks.test.data.js';

describe('leadingModes', () => {
  // Noise with a few strong directions, as a trained network has.
  const n = 220;
  const W = gaussianWeights(n, 0.5 / Math.sqrt(n), 1);
  for (const [k, strength] of [1.8, 1.5, 1.3].entries()) {
    const v = new Float64Array(n);
    fillGaussian(randomStream(9, 'v')(k), 1 / Math.sqrt(n), v);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) W.data[i * n + j]! += strength * v[i]! * v[j]!;
  }
  const network = { W, alpha: 0.1 };

  it('are the first of all modes, with their vectors', () => {
    const state = new Float64Array(n);
    const all = linearise(network, state, { modes: 6 });
    const some = leadingModes(network, state, { count: 3 });
    expect(some.converged).toBe(true);
    expect(some.isMapStable).toBe(all.isMapStable);
    some.multipliers.slice(0, 3).forEach(([re, im], k) => {
      expect(Math.hypot(re - all.multipliers[k]![0], im - all.multipliers[k]![1])).toBeLessThan(1e-9);
      expect(some.timeConstants[k]! / all.modes[k]!.timeConstant).toBeCloseTo(1, 6);
      expect(some.residuals[k]).toBeLessThan(1e-9);
    });
    const columns = some.right.real.columns;
    for (let k = 0; k < 3; k++) {
      let overlap = 0;
      for (let i = 0; i < n; i++) {
        overlap += some.right.real.data[i * columns + k]! * all.right.real.data[i * all.right.real.columns + k]!;
      }
      expect(Math.abs(overlap)).toBeCloseTo(1, 6);
    }
  });

  it('are those near a value where one is given, and all of a small network', () => {
    const near = leadingModes(network, new Float64Array(n), { count: 2, near: 1.05 });
    expect(near.isMapStable).toBeNull();
    expect(near.multipliers.every(([re]) => Math.abs(re - 1.05) < 0.03)).toBe(true);
    const zero = leadingModes({ W: matrix(3, 3), alpha: 0.25 }, new Float64Array(3));
    expect(zero.multipliers).toEqual([
      [0.75, 0],
      [0.75, 0],
      [0.75, 0],
    ]);
    expect(zero.isMapStable).toBe(true);
    expect(() => leadingModes(network, new Float64Array(n), { count: 0 })).toThrow(/count/);
  });
});
