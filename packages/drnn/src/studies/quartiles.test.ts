import { describe, expect, it } from 'vitest';
import { quartiles } from './quartiles.js';

describe('quartiles', () => {
  it('lie linearly between the order statistics', () => {
    expect(quartiles([4, 1, 3, 2])).toEqual({ lower: 1.75, median: 2.5, upper: 3.25, count: 4 });
    expect(quartiles([5])).toEqual({ lower: 5, median: 5, upper: 5, count: 1 });
  });

  it('leave out what is no number, and are none of nothing', () => {
    expect(quartiles([Number.NaN, 2, Infinity, 4]).median).toBe(3);
    expect(quartiles([])).toEqual({ lower: Number.NaN, median: Number.NaN, upper: Number.NaN, count: 0 });
  });
});
