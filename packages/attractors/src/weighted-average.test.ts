import { describe, expect, it } from 'vitest';
import { bumpWeights, sharpWeights } from './weighted-average.js';

/** |sum w e^{2 pi i turns s}|: what is left of a line that turns so often within the weights. */
const leak = (weights: Float64Array, turns: number): number => {
  let re = 0;
  let im = 0;
  weights.forEach((w, k) => {
    const angle = (2 * Math.PI * turns * (k + 0.5)) / weights.length;
    re += w * Math.cos(angle);
    im += w * Math.sin(angle);
  });
  return Math.hypot(re, im);
};

describe('weights of averages', () => {
  it('sum up to 1, and keep lines apart: sharp ones from eleven turns on, the others from sixty', () => {
    for (const count of [500, 4096]) {
      const [bump, sharp] = [bumpWeights(count), sharpWeights(count)];
      expect(bump.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 13);
      expect(sharp.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 13);
      for (let turns = 11; turns < 60; turns += 0.37) expect(leak(sharp, turns)).toBeLessThan(1e-13);
      expect(leak(bump, 11.2)).toBeGreaterThan(1e-7);
      expect(leak(bump, 60)).toBeLessThan(1e-10);
    }
  });
});
