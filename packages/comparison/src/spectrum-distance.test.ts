import { linearise } from '@drnn/attractors';
import { matrix, matrixOf } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gaussian } from './networks.test.data.js';
import { type Complex, spectrumDistance, spectrumW2, timeConstantError } from './spectrum-distance.js';

describe('spectrumW2', () => {
  it('pairs eigenvalues as a whole, not one after the other', () => {
    // The nearest partner of 0 is 1, which leaves 3 for 1: worse than 0 with -1 and 1 with 1.
    const a: readonly Complex[] = [
      [0, 0],
      [1, 0],
    ];
    const b: readonly Complex[] = [
      [1, 0],
      [-1.5, 0],
    ];
    expect(spectrumW2(a, b).distance).toBeCloseTo(Math.sqrt(2.25 / 2), 15);
    expect([...spectrumW2(a, b).partnerOf]).toEqual([1, 0]);
  });

  it('is a distance: zero for the same set, symmetric, shorter than a detour', () => {
    const complex = fc.tuple(fc.double({ min: -2, max: 2, noNaN: true }), fc.double({ min: -2, max: 2, noNaN: true }));
    const set = fc.array(complex, { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(set, set, set, (a, b, c) => {
        const distance = (p: readonly Complex[], q: readonly Complex[]): number => spectrumW2(p, q).distance;
        expect(distance(a, a.toReversed())).toBe(0);
        expect(Math.abs(distance(a, b) - distance(b, a))).toBeLessThan(1e-12);
        expect(distance(a, c)).toBeLessThanOrEqual(distance(a, b) + distance(b, c) + 1e-9);
      }),
    );
    expect(() => spectrumW2([[0, 0]], [])).toThrow('as many');
  });
});

describe('timeConstantError', () => {
  it('is the log ratio of time constants', () => {
    const mu = (tau: number): Complex => [Math.exp(-1 / tau), 0];
    expect(timeConstantError(mu(100), mu(50))).toBeCloseTo(Math.log(2), 12);
    expect(timeConstantError(mu(-100), mu(-50))).toBeCloseTo(Math.log(2), 12);
    expect(timeConstantError([0.6, 0.8], [1, 0])).toBe(0);
    expect([timeConstantError(mu(100), mu(-100)), timeConstantError([1, 0], mu(9))]).toEqual([Infinity, Infinity]);
    expect(timeConstantError([0, 0], [0, 0])).toBe(0);
  });
});

describe('spectrumDistance', () => {
  const W = matrix(
    12,
    12,
    gaussian(12, 12, 4).data.map((x) => 0.3 * x),
  );
  const at = linearise({ W, alpha: 0.1 }, new Float64Array(12));

  it('is exactly 0 between a point and itself', () => {
    const same = spectrumDistance(at, at);
    expect([same.distance, same.largestTimeConstantError, same.unmatchedFit]).toEqual([0, 0, 0]);
    same.slow.forEach(({ selectionCosine }) => expect(Math.abs((selectionCosine ?? 0) - 1)).toBeLessThan(1e-12));
    expect(same.slowAngles?.every((angle) => angle < 1e-12)).toBe(true);
  });

  it('knows by how much multipliers move when W does', () => {
    // At the origin multipliers are 1 - a + a eig W: W + 0.2 I moves each of them by 0.02 and turns nothing.
    const moved = matrix(
      12,
      12,
      W.data.map((value, k) => value + (k % 13 === 0 ? 0.2 : 0)),
    );
    const other = spectrumDistance(at, linearise({ W: moved, alpha: 0.1 }, new Float64Array(12)));
    expect(other.distance).toBeGreaterThan(0);
    expect(other.distance).toBeLessThanOrEqual(0.02 + 1e-12);
    expect(Math.max(...(other.slowAngles ?? [9]))).toBeLessThan(1e-6);
  });

  it('leaves the bulk out of the slow modes', () => {
    const block = matrix(6, 6, new Float64Array(36).fill(1 / 3));
    const noisy = matrix(
      6,
      6,
      block.data.map((value, k) => value + 0.02 * (gaussian(6, 6, 1).data[k] ?? 0)),
    );
    const at0 = (weights: typeof block): ReturnType<typeof linearise> =>
      linearise({ W: weights, alpha: 0.1 }, new Float64Array(6));
    const compared = spectrumDistance(at0(block), at0(noisy), { slowerThan: 0.9 });
    expect(compared.slow.length).toBe(1);
    expect(spectrumDistance(at0(block), at0(noisy)).slow.length).toBe(5);
  });

  it('pairs slow modes by what they are, where the bulk of a noisy fit is slower than they', () => {
    // Two blocks of 20 units, the first saturated: its mode has 0.9166, and 20 units of the second at rest have 0.9. Noise
    // between the units of each block, about its mean, leaves the block's mode as it is and spreads the others.
    const size = 20;
    const units = 2 * size;
    const block = matrix(units, units);
    for (let i = 0; i < units; i++) {
      for (let j = 0; j < units; j++) block.data[i * units + j] = i < size === j < size ? 2 / size : 0;
    }
    const noise = gaussian(units, units, 3);
    const isSameBlock = (i: number, j: number): boolean => i < size === j < size;
    for (const direction of ['row', 'column']) {
      for (let line = 0; line < units; line++) {
        for (const half of [0, 1]) {
          const place = (k: number): number => (direction === 'row' ? line * units + k : k * units + line);
          let mean = 0;
          for (let k = half * size; k < (half + 1) * size; k++) mean += noise.data[place(k)]! / size;
          for (let k = half * size; k < (half + 1) * size; k++) noise.data[place(k)]! -= mean;
        }
      }
    }
    const noisy = matrix(units, units);
    block.data.forEach((value, k) => {
      const within = isSameBlock(Math.floor(k / units), k % units) ? 0.12 : 0;
      noisy.data[k] = value + within * noise.data[k]!;
    });
    const state = Float64Array.from({ length: units }, (_, i) => (i < size ? 0.9575040240772688 : 0));
    const near = (weights: typeof block): ReturnType<typeof linearise> =>
      linearise({ W: weights, alpha: 0.1 }, state, { modes: units });
    const [before, after] = [near(block), near(noisy)];
    const isBuried = after.multipliers.filter(([re, im]) => Math.hypot(re, im) > 0.92).length;
    expect(isBuried).toBeGreaterThan(3);
    const found = spectrumDistance(before, after, { slowerThan: 0.9 });
    expect(found.slow.length).toBe(2);
    expect(found.largestTimeConstantError).toBeLessThan(1e-9);
    for (const { overlap } of found.slow) expect(Math.abs((overlap ?? 0) - 1)).toBeLessThan(1e-9);
    expect(found.spurious).toBe(
      isBuried -
        1 +
        after.multipliers.filter(([re, im]) => Math.hypot(re, im) > 0.9166373 && Math.hypot(re, im) <= 0.92).length,
    );
    expect(spectrumDistance(before, before, { slowerThan: 0.9 }).spurious).toBe(0);
    // By value alone another mode would be taken for it.
    const assigned = spectrumW2(before.multipliers, after.multipliers).partnerOf[1] ?? -1;
    expect(timeConstantError(before.multipliers[1] ?? [0, 0], after.multipliers[assigned] ?? [0, 0])).toBeGreaterThan(
      0.05,
    );
  });

  it('compares slow modes alone where sizes differ', () => {
    const small = linearise({ W: matrixOf([[2]]), alpha: 0.1 }, Float64Array.of(0));
    const twice = linearise(
      {
        W: matrixOf([
          [2, 0],
          [0, -3],
        ]),
        alpha: 0.1,
      },
      new Float64Array(2),
    );
    const partial = spectrumDistance(small, twice);
    expect([partial.isPartial, partial.distance, partial.unmatchedFit, partial.slowAngles]).toEqual([true, 0, 0, null]);
  });

  it('sees through the scale that each unit of a model has', () => {
    // The same network in units that are scaled by s: S W S^-1 at the origin, states s times as large.
    const s = Float64Array.from({ length: 12 }, (_, i) => 1 + i / 4);
    const scaled = matrix(
      12,
      12,
      W.data.map((value, k) => (value * s[Math.floor(k / 12)]!) / s[k % 12]!),
    );
    const other = linearise({ W: scaled, alpha: 0.1 }, new Float64Array(12));
    const inverse = s.map((value) => 1 / value);
    const seen = spectrumDistance(at, other, { fitScale: inverse });
    expect(seen.distance).toBeLessThan(1e-12);
    seen.slow.forEach(({ selectionCosine }) => expect(Math.abs((selectionCosine ?? 0) - 1)).toBeLessThan(1e-9));
    expect(Math.max(...(seen.slowAngles ?? [9]))).toBeLessThan(1e-9);
    expect(spectrumDistance(at, other).slow.some(({ selectionCosine }) => (selectionCosine ?? 1) < 0.99)).toBe(true);
  });
});
