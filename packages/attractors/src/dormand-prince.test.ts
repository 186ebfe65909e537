import { describe, expect, it } from 'vitest';
import { dormandPrince } from './dormand-prince.js';

const end = (relative: number, time: number): Float64Array => {
  const y = Float64Array.of(1, 0);
  const { step } = dormandPrince(
    (from, to) => {
      to[0] = from[1]!;
      to[1] = -from[0]!;
    },
    2,
    { state: 2, relative, absolute: relative },
  );
  let rest = time;
  while (Math.abs(rest) > 1e-14) {
    const taken = step(y, rest);
    rest = taken === rest ? 0 : rest - taken;
  }
  return y;
};

describe('the integrator', () => {
  it('is exact on a rotation, forward and backward, to its tolerance', () => {
    for (const time of [10, -10]) {
      for (const tolerance of [1e-6, 1e-10, 1e-13]) {
        const [x, v] = end(tolerance, time);
        expect(Math.hypot(x! - Math.cos(time), v! + Math.sin(time))).toBeLessThan(200 * tolerance);
      }
    }
  });

  it('has order 8: half the step, 2^8 less error', () => {
    // With a tolerance that every step keeps, `limit` is the step.
    const error = (h: number): number => {
      const y = Float64Array.of(1);
      const { step } = dormandPrince((from, to) => (to[0] = from[0]!), 1, { state: 1, relative: 1e3, absolute: 1e3 });
      for (let t = 0; t < Math.round(2 / h); t++) {
        let rest = h;
        while (rest > 1e-14) rest -= step(y, rest);
      }
      return Math.abs(y[0]! - Math.exp(2));
    };
    expect(Math.log2(error(1) / error(0.5))).toBeGreaterThan(7);
  });

  it('says when no step is short enough', () => {
    const y = Float64Array.of(1);
    const { step } = dormandPrince((from, to) => (to[0] = from[0]! ** 2), 1, {
      state: 1,
      relative: 1e-8,
      absolute: 1e-8,
    });
    let rest = 2;
    let taken = 1;
    while (taken !== 0 && rest > 0) rest -= taken = step(y, rest);
    expect(taken).toBe(0);
    expect(rest).toBeCloseTo(1, 3);
  });
});
