import { qr } from '@drnn/linalg';
import { fillGaussian, randomStream } from '@drnn/simulator';
import { DrnnError, matrix, matrixOf } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignmentIndex, covarianceOf, principalComponents, subspaceAngles } from './index.js';

const gaussian = (rows: number, columns: number, seed: number): ReturnType<typeof matrix> => {
  const a = matrix(rows, columns);
  fillGaussian(randomStream(seed, 'test')(0), 1, a.data);
  return a;
};

describe('subspaceAngles', () => {
  it('has angles of planes that are known, small ones to rounding', () => {
    const plane = matrixOf([
      [1, 0],
      [0, 1],
      [0, 0],
      [0, 0],
    ]);
    for (const [p, q] of [
      [1e-11, 1.2],
      [0.3, Math.PI / 2],
      [0, 0.7],
    ] as const) {
      const turned = matrixOf([
        [Math.cos(p), 0],
        [0, Math.cos(q)],
        [Math.sin(p), 0],
        [0, Math.sin(q)],
      ]);
      const [first = 1, second = 1] = subspaceAngles(plane, turned);
      expect(Math.abs(first - p)).toBeLessThan(1e-15);
      expect(Math.abs(second - q)).toBeLessThan(1e-14);
    }
  });

  it('depends on the spans alone, and is symmetric', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 4 }), (seed, width) => {
        const a = gaussian(7, width, seed);
        const b = gaussian(7, 3, seed + 1);
        const mixed = matrix(7, 3, b.data.slice());
        for (let i = 0; i < 7; i++) mixed.data[i * 3]! += 2 * mixed.data[i * 3 + 1]!;
        const angles = subspaceAngles(a, b);
        for (const other of [subspaceAngles(b, a), subspaceAngles(a, mixed)]) {
          angles.forEach((angle, k) => expect(Math.abs(angle - (other[k] ?? 9))).toBeLessThan(1e-12));
        }
        expect(angles.every((angle) => angle >= 0 && angle <= Math.PI / 2)).toBe(true);
        expect(subspaceAngles(b, mixed).every((angle) => angle < 1e-14)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('refuses vectors that depend on each other, and too many', () => {
    const twice = matrix(4, 2, Float64Array.of(1, 2, 1, 2, 1, 2, 1, 2));
    expect(() => subspaceAngles(twice, gaussian(4, 1, 1))).toThrow(DrnnError);
    expect(() => subspaceAngles(gaussian(2, 3, 1), gaussian(2, 1, 1))).toThrow(DrnnError);
    expect(() => subspaceAngles(gaussian(4, 1, 1), gaussian(5, 1, 1))).toThrow(DrnnError);
  });
});

describe('alignmentIndex', () => {
  it('is 1 for the first components, 0 for directions without variance, and between otherwise', () => {
    const { orthogonal } = qr(gaussian(6, 4, 3));
    const states = matrix(200, 6);
    const latent = gaussian(200, 2, 4);
    for (let t = 0; t < 200; t++) {
      for (let i = 0; i < 6; i++) {
        for (let k = 0; k < 2; k++) states.data[t * 6 + i]! += orthogonal.data[i * 4 + k]! * latent.data[t * 2 + k]!;
      }
    }
    const covariance = covarianceOf(states);
    const { components } = principalComponents(states, { count: 2 });
    expect(Math.abs(alignmentIndex(components, covariance) - 1)).toBeLessThan(1e-12);
    const rest = matrix(6, 2);
    for (let i = 0; i < 6; i++) for (let k = 0; k < 2; k++) rest.data[i * 2 + k] = orthogonal.data[i * 4 + 2 + k]!;
    expect(Math.abs(alignmentIndex(rest, covariance))).toBeLessThan(1e-12);
    const some = alignmentIndex(gaussian(6, 2, 5), covariance);
    expect(some > 0.01 && some < 0.99).toBe(true);
  });
});
