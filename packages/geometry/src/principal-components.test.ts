import { qr } from '@drnn/linalg';
import { fillGaussian, randomStream } from '@drnn/simulator';
import { DrnnError, matrix, matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { covarianceOf, principalComponents } from './index.js';

const gaussian = (rows: number, columns: number, seed: number): ReturnType<typeof matrix> => {
  const a = matrix(rows, columns);
  fillGaussian(randomStream(seed, 'test')(0), 1, a.data);
  return a;
};

describe('principalComponents', () => {
  it('finds the axes and variances that the data were made of', () => {
    const { orthogonal } = qr(gaussian(5, 5, 1));
    // Columns of an orthogonal matrix with zero means: their variances are exact.
    const times = 64;
    const sizes = [3, 2, 0.5, 0, 0];
    const states = matrix(times, 5);
    for (let t = 0; t < times; t++) {
      for (let i = 0; i < 5; i++) {
        states.data[t * 5 + i] = 10 * i;
        for (let k = 0; k < 3; k++) {
          const wave = Math.sqrt(2) * Math.cos((2 * Math.PI * (k + 1) * t) / times);
          states.data[t * 5 + i]! += sizes[k]! * wave * orthogonal.data[i * 5 + k]!;
        }
      }
    }
    const { mean, components, variances, participationRatio, project } = principalComponents(states);
    mean.forEach((value, i) => expect(Math.abs(value - 10 * i)).toBeLessThan(1e-12));
    variances.forEach((value, k) =>
      expect(Math.abs(value - (sizes[k]! ** 2 * times) / (times - 1))).toBeLessThan(1e-12),
    );
    expect(Math.abs(participationRatio - 13.25 ** 2 / (81 + 16 + 0.0625))).toBeLessThan(1e-12);
    for (let k = 0; k < 3; k++) {
      let overlap = 0;
      let largest = 0;
      for (let i = 0; i < 5; i++) {
        overlap += components.data[i * 3 + k]! * orthogonal.data[i * 5 + k]!;
        const value = components.data[i * 3 + k]!;
        if (Math.abs(value) > Math.abs(largest)) largest = value;
      }
      expect(Math.abs(Math.abs(overlap) - 1)).toBeLessThan(1e-13);
      expect(largest).toBeGreaterThan(0);
    }
    const scores = project(states);
    let first = 0;
    for (let t = 0; t < times; t++) first += scores.data[t * 3]! ** 2 / (times - 1);
    expect(Math.abs(first - variances[0]!)).toBeLessThan(1e-12);
  });

  it('agrees with the trace of the covariance, wide or tall', () => {
    for (const states of [gaussian(30, 4, 2), gaussian(4, 30, 3)]) {
      const covariance = covarianceOf(states);
      let trace = 0;
      for (let i = 0; i < states.columns; i++) trace += covariance.data[i * states.columns + i]!;
      const { variances } = principalComponents(states);
      expect(variances.length).toBe(Math.min(states.rows - 1, states.columns));
      expect(Math.abs(variances.reduce((sum, value) => sum + value, 0) - trace)).toBeLessThan(1e-12 * trace);
    }
  });

  it('takes states without variance, and refuses a single one', () => {
    const still = principalComponents(matrix(3, 2, Float64Array.of(1, 2, 1, 2, 1, 2)));
    expect([still.participationRatio, ...still.variances]).toEqual([0, 0, 0]);
    expect(() => principalComponents(matrixOf([[1, 2]]))).toThrow(DrnnError);
    expect(() => principalComponents(matrixOf([[1], [Number.NaN]]))).toThrow(DrnnError);
  });
});
