import { matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { invariantCircle } from './invariant-circle.js';
import { type IteratedMap, mapOf } from './iterated-map.js';
import { henon, rotation } from './known-systems.js';
import { holdInput } from './network.js';
import { networkMap } from './network-dynamics.js';

const settled = (map: IteratedMap, start: Float64Array, steps: number): Float64Array => {
  const x = start.slice();
  const next = start.slice();
  for (let t = 0; t < steps; t++) {
    map.image(x, next, t);
    x.set(next);
  }
  return x;
};

/** r <- r + r (1 - r^2) / 4 with an angle that turns by omega: its circle is the unit circle. */
const turning = (turns: number): IteratedMap =>
  mapOf({
    dimension: 2,
    image: (x, out) => {
      const scale = 1 + (1 - x[0]! ** 2 - x[1]! ** 2) / 4;
      const [c, s] = [Math.cos(2 * Math.PI * turns), Math.sin(2 * Math.PI * turns)];
      out[0] = scale * (c * x[0]! - s * x[1]!);
      out[1] = scale * (s * x[0]! + c * x[1]!);
    },
    jacobian: (_, { data }) => data.fill(0),
  });

describe('invariant circles', () => {
  it.each([0.0123456789, 0.1 * Math.SQRT2, 1 / Math.E, 0.4142135623730951])(
    'turned by %d are found as such',
    (turns) => {
      const map = turning(turns);
      const circle = invariantCircle(map, settled(map, Float64Array.of(0.5, 0.1), 2000));
      expect(Math.abs((circle?.rotationNumber ?? 0) - turns)).toBeLessThan(1e-11);
      expect(circle?.residual).toBeLessThan(1e-9);
      for (let p = 0; p < (circle?.orbit.rows ?? 0); p++) {
        expect(Math.hypot(...(circle?.orbit.data.subarray(2 * p, 2 * p + 2) ?? []))).toBeCloseTo(1, 8);
      }
    },
  );

  it('are turned the other way alike', () => {
    const map = turning(-0.0789);
    const circle = invariantCircle(map, settled(map, Float64Array.of(0.5, 0.1), 2000));
    expect(circle?.rotationNumber).toBeCloseTo(0.0789, 12);
  });

  it('are not found in chaos, nor on a torus, nor at a fixed point', () => {
    expect(invariantCircle(henon(), settled(henon(), Float64Array.of(0.1, 0.1), 1000))).toBeNull();
    const [p, q] = [rotation(1.5, 30), rotation(2, 50)];
    const W = matrixOf([
      [...p[0]!, 0, 0],
      [...p[1]!, 0, 0],
      [0, 0, ...q[0]!],
      [0, 0, ...q[1]!],
    ]);
    const torus = networkMap(holdInput({ W, alpha: 0.1 }));
    expect(invariantCircle(torus, settled(torus, Float64Array.of(0.5, 0.1, 0.3, 0.2), 3000))).toBeNull();
    expect(invariantCircle(torus, new Float64Array(4))).toBeNull();
  });
});
