import { matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { gaussian } from './networks.test.data.js';
import { support } from './support.js';

describe('support', () => {
  /** A circle in the first two of five units, a little noise in all. */
  const noise = gaussian(2000, 5, 1);
  const recording = matrix(
    2000,
    5,
    noise.data.map((value, k) => {
      const angle = 0.1 * Math.floor(k / 5);
      return 0.02 * value + (k % 5 === 0 ? Math.cos(angle) : k % 5 === 1 ? Math.sin(angle) : 0);
    }),
  );

  it('is where the activity was and not elsewhere', () => {
    const { isSupported, radius, frames } = support(recording);
    const at = (...state: readonly number[]): boolean => isSupported(Float64Array.from(state));
    expect([at(1, 0, 0, 0, 0), at(0, -1, 0, 0, 0), at(Math.SQRT1_2, Math.SQRT1_2, 0, 0, 0)]).toEqual([
      true,
      true,
      true,
    ]);
    expect([at(0, 0, 0, 0, 0), at(1, 0, 0.5, 0, 0), at(2, 0, 0, 0, 0)]).toEqual([false, false, false]);
    expect(Math.abs(radius - 1)).toBeLessThan(0.01);
    expect([frames.rows, frames.columns]).toEqual([1000, 5]);
  });

  it('holds 99% of held-out activity', () => {
    const { isSupported } = support(recording);
    let held = 0;
    for (let t = 0; t < 2000; t += 5) if (isSupported(recording.data.slice(t * 5, t * 5 + 5))) held += 1;
    expect(held / 400).toBeGreaterThan(0.97);
    expect(held / 400).toBeLessThanOrEqual(1);
  });

  it('leaves frames with gaps out, and refuses a recording of too few', () => {
    const gaps = matrix(
      2000,
      5,
      recording.data.map((value, k) => (k % 35 === 3 ? Number.NaN : value)),
    );
    expect(support(gaps).frames.data.every(Number.isFinite)).toBe(true);
    expect(() => support(matrix(39, 5))).toThrow('at least 40');
  });
});
