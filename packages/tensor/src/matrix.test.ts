import { describe, expect, it } from 'vitest';
import { DrnnError, matrix } from './index.js';

describe('matrix', () => {
  it('is of zeros, or over the numbers that it is given', () => {
    expect(matrix(2, 3).data).toEqual(new Float64Array(6));
    const data = new Float64Array(6);
    expect(matrix(2, 3, data).data).toBe(data);
    expect(matrix(0, 3).data).toHaveLength(0);
  });

  it('refuses sizes that are none, and numbers that do not fill it', () => {
    for (const [rows, columns] of [
      [-1, 3],
      [3, -1],
      [-2, -3],
      [1.5, 2],
      [Number.NaN, 1],
      [Infinity, 0],
    ] as const)
      expect(() => matrix(rows, columns), `${rows}, ${columns}`).toThrow(DrnnError);
    expect(() => matrix(2, 3, new Float64Array(5))).toThrow(/saw 5 numbers, expected 6/);
  });
});
