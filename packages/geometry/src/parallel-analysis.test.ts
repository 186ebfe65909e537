import { fillGaussian, randomStream } from '@drnn/simulator';
import { type Matrix, matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { parallelAnalysis } from './parallel-analysis.js';

const gaussian = (rows: number, columns: number, seed: number): Matrix => {
  const a = matrix(rows, columns);
  fillGaussian(randomStream(seed, 'test')(0), 1, a.data);
  return a;
};

/** Smoothed over time, each column on its own. */
const smooth = (a: Matrix, keep: number): Matrix => {
  const result = matrix(a.rows, a.columns, a.data.slice());
  for (let k = a.columns; k < result.data.length; k++) result.data[k]! += keep * result.data[k - a.columns]!;
  return result;
};

describe('parallelAnalysis', () => {
  it.each([1, 2, 4])('finds %d dimensions that units share, in noise', (latent) => {
    const [drives, weights, noise] = [gaussian(800, latent, 1), gaussian(latent, 12, 2), gaussian(800, 12, 3)];
    const states = matrix(800, 12, noise.data.slice());
    for (let t = 0; t < 800; t++) {
      for (let i = 0; i < 12; i++) {
        for (let k = 0; k < latent; k++)
          states.data[t * 12 + i]! += 1.5 * drives.data[t * latent + k]! * weights.data[k * 12 + i]!;
      }
    }
    for (const surrogate of ['shift', 'shuffle'] as const) {
      expect(parallelAnalysis(states, { surrogate, surrogates: 20 }).rank).toBe(latent);
    }
  });

  it('finds none in units that are smooth on their own, where shuffled frames would', () => {
    const states = smooth(gaussian(400, 10, 5), 0.97);
    expect(parallelAnalysis(states, { surrogates: 30 }).rank).toBeLessThanOrEqual(1);
    expect(parallelAnalysis(states, { surrogates: 30, surrogate: 'shuffle' }).rank).toBeGreaterThan(1);
    expect(() => parallelAnalysis(states, { surrogates: 0 })).toThrow('surrogates');
  });
});
