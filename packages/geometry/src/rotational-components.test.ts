import { qr } from '@drnn/linalg';
import { fillGaussian, randomStream } from '@drnn/simulator';
import { type Matrix, matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { rotationalComponents, subspaceAngles } from './index.js';

const gaussian = (rows: number, columns: number, seed: number): Matrix => {
  const a = matrix(rows, columns);
  fillGaussian(randomStream(seed, 'test')(0), 1, a.data);
  return a;
};

const orthonormal = (units: number, count: number): Matrix => qr(gaussian(units, count, 7)).orthogonal;

/** Conditions whose latent states turn in planes with the given speeds, from phases of their own, among `units`. */
const turning = (
  speeds: readonly number[],
  units: number,
  conditions = 8,
  steps = 40,
  decay = 0,
): readonly Matrix[] => {
  const basis = orthonormal(units, 2 * speeds.length);
  return Array.from({ length: conditions }, (_, c) => {
    const states = matrix(steps, units);
    for (let t = 0; t < steps; t++) {
      speeds.forEach((speed, p) => {
        const angle = speed * t + (2 * Math.PI * (p + 1) * c) / conditions + p;
        const size = (p + 1) * Math.exp(-decay * t);
        for (let i = 0; i < units; i++) {
          const [x, y] = [basis.data[i * basis.columns + 2 * p]!, basis.data[i * basis.columns + 2 * p + 1]!];
          states.data[t * units + i]! += size * (Math.cos(angle) * x + Math.sin(angle) * y);
        }
      });
    }
    return states;
  });
};

describe('rotationalComponents', () => {
  it('finds a pure rotation with the frequency that central differences have, and a ratio of 1', () => {
    for (const dt of [1, 0.01]) {
      const found = rotationalComponents(turning([0.1], 12), { components: 2, dt, softening: Infinity, surrogates: 0 });
      expect(found.planes.length).toBe(1);
      // sin(w dt) / dt, with w dt = 0.1.
      expect(Math.abs((found.planes[0]?.frequency ?? 0) * dt - Math.sin(0.1))).toBeLessThan(1e-12);
      expect(Math.abs(Math.sin(0.1) / 0.1 - 0.998334)).toBeLessThan(1e-6);
      expect(Math.abs(found.ratio - 1)).toBeLessThan(1e-12);
      expect(Math.abs(found.r2Skew - 1)).toBeLessThan(1e-12);
      expect(Math.abs((found.planes[0]?.variance ?? 0) - 1)).toBeLessThan(1e-12);
    }
  });

  it('orders planes by speed, and finds each where it is, turning forward', () => {
    const conditions = turning([0.05, 0.21], 10);
    const found = rotationalComponents(conditions, { components: 4, softening: Infinity, surrogates: 0 });
    const basis = orthonormal(10, 4);
    const plane = (p: number): Matrix => {
      const columns = matrix(10, 2);
      for (let i = 0; i < 10; i++) columns.data.set(basis.data.subarray(i * 4 + 2 * p, i * 4 + 2 * p + 2), 2 * i);
      return columns;
    };
    [1, 0].forEach((p, k) => {
      expect(Math.abs((found.planes[k]?.frequency ?? 0) - Math.sin([0.05, 0.21][p]!))).toBeLessThan(1e-10);
      const angles = subspaceAngles(found.planes[k]?.directions ?? plane(0), plane(p));
      expect(Math.max(...angles)).toBeLessThan(1e-8);
    });
    const turned = found.project(conditions[0]!);
    const angleAt = (t: number): number => Math.atan2(turned.data[t * 4 + 1]!, turned.data[t * 4]!);
    // The fastest plane first; both run from the first direction to the second.
    const step = Math.atan2(Math.sin(angleAt(1) - angleAt(0)), Math.cos(angleAt(1) - angleAt(0)));
    expect(Math.abs(step - 0.21)).toBeLessThan(1e-6);
  });

  it('solves the least squares of a skew-symmetric map, which is not the skew part of the best one', () => {
    const conditions = turning([0.12, 0.3], 6, 5, 30, 0.05).map((a, c) => {
      const noise = gaussian(30, 6, 20 + c);
      return matrix(
        30,
        6,
        a.data.map((value, k) => value * (1 + (k % 6)) + 0.05 * noise.data[k]!),
      );
    });
    const { skew, full, r2Skew, r2Full } = rotationalComponents(conditions, {
      components: 4,
      softening: Infinity,
      surrogates: 0,
    });
    let unlike = 0;
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 4; j++) {
        expect(Math.abs(skew.data[i * 4 + j]! + skew.data[j * 4 + i]!)).toBeLessThan(1e-12);
        unlike = Math.max(
          unlike,
          Math.abs(skew.data[i * 4 + j]! - (full.data[i * 4 + j]! - full.data[j * 4 + i]!) / 2),
        );
      }
    }
    expect(unlike).toBeGreaterThan(1e-3);
    expect(r2Full).toBeGreaterThan(r2Skew);
  });

  it('tells rotations from smooth activity that each unit has on its own', () => {
    const found = rotationalComponents(
      turning([0.1, 0.2], 12).map((a, c) => {
        const noise = gaussian(40, 12, c + 1);
        return matrix(
          40,
          12,
          a.data.map((value, k) => value + 0.05 * noise.data[k]!),
        );
      }),
      { surrogates: 40 },
    );
    expect(found.surrogate?.probability ?? 1).toBeLessThan(0.03);
    let significant = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const smooth = Array.from({ length: 6 }, (_, c) => {
        const noise = gaussian(60, 12, 1000 * seed + c);
        for (let k = 12; k < noise.data.length; k++) noise.data[k]! += 0.9 * noise.data[k - 12]!;
        return noise;
      });
      if ((rotationalComponents(smooth, { surrogates: 19, seed }).surrogate?.probability ?? 0) <= 0.05)
        significant += 1;
    }
    // One in twenty is expected.
    expect(significant).toBeLessThanOrEqual(4);
  });

  it('refuses what it cannot use, all at once', () => {
    const a = gaussian(5, 3, 1);
    expect(() => rotationalComponents([])).toThrow('conditions');
    expect(() =>
      rotationalComponents([a, gaussian(6, 3, 1), matrix(5, 3, new Float64Array(15).fill(Number.NaN))]),
    ).toThrow(/conditions\[1\][^]*conditions\[2\]/);
    expect(rotationalComponents([a, a]).surrogate).toBeNull();
    expect(rotationalComponents([matrix(5, 3), matrix(5, 3)]).ratio).toBe(0);
  });
});
