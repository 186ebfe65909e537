import { describe, expect, it } from 'vitest';
import { zeroOneTest } from './zero-one-test.js';

const iterated = (length: number, step: (x: number) => number): Float64Array => {
  let x = 0.3;
  for (let t = 0; t < 1000; t++) x = step(x);
  return Float64Array.from({ length }, () => (x = step(x)));
};

describe('the 0-1 test', () => {
  it.each([
    [4, 1],
    [3.97, 1],
    [3.55, 0],
    [3.2, 0],
  ])('of the logistic map with r = %d is %d', (r, wanted) => {
    expect(Math.abs(zeroOneTest(iterated(2000, (x) => r * x * (1 - x))) - wanted)).toBeLessThan(0.1);
  });

  it('of two frequencies, and of a slow one that is sampled often, is 0', () => {
    const torus = Float64Array.from({ length: 2000 }, (_, t) => Math.sin(t) + Math.cos(Math.SQRT2 * t));
    expect(Math.abs(zeroOneTest(torus))).toBeLessThan(0.1);
    const slow = Float64Array.from({ length: 20_000 }, (_, t) => Math.sin(t / 30) + Math.sin((Math.SQRT2 * t) / 30));
    expect(Math.abs(zeroOneTest(slow))).toBeLessThan(0.2);
  });

  it('refuses what is too short, or not finite', () => {
    expect(() => zeroOneTest(new Float64Array(10))).toThrow(/series/);
    expect(() => zeroOneTest(new Float64Array(300).fill(Number.NaN))).toThrow(/series/);
  });
});
