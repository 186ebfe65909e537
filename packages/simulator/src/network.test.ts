import { DrnnError } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { randomNetwork } from './network.js';

const variance = (values: readonly number[]): number => values.reduce((sum, v) => sum + v * v, 0) / values.length;

describe('randomNetwork', () => {
  it('draws W ~ N(0, g^2 / N) with zero diagonal, Win ~ N(0, g^2 / M), r0 uniform on (-1, 1)', () => {
    const { W, Win, initial } = randomNetwork({ units: 200, inputs: 50, gain: 2, seed: 4 });
    const free: number[] = [];
    W.data.forEach((w, i) => {
      if (Math.floor(i / 200) === i % 200) expect(w).toBe(0);
      else free.push(w);
    });
    const relative = (values: readonly number[], expected: number): number =>
      Math.abs(variance(values) / expected - 1) / Math.sqrt(2 / values.length);
    expect(relative(free, 4 / 200)).toBeLessThan(4);
    expect([Win?.rows, Win?.columns]).toEqual([200, 50]);
    expect(relative([...(Win?.data ?? [])], 4 / 50)).toBeLessThan(4);
    // Rows and columns are uncorrelated.
    let cross = 0;
    for (let i = 0; i + 1 < free.length; i++) cross += (free[i] ?? 0) * (free[i + 1] ?? 0);
    expect(Math.abs(cross / (free.length * (4 / 200))) * Math.sqrt(free.length)).toBeLessThan(4);
    const sorted = [...initial].sort((a, b) => a - b);
    expect(sorted[0]).toBeGreaterThan(-1);
    expect(sorted[199]).toBeLessThan(1);
    const worst = Math.max(...sorted.map((r, i) => Math.abs((r + 1) / 2 - (i + 0.5) / 200)));
    expect(worst * Math.sqrt(200)).toBeLessThan(1.63);
  });

  it('defaults to gain 3 and no inputs; W does not depend on the inputs but does on the seed', () => {
    const plain = randomNetwork({ units: 100 });
    expect(plain).not.toHaveProperty('Win');
    expect(variance([...plain.W.data]) * (100 / 99) * 100).toBeCloseTo(9, -0.5);
    expect(randomNetwork({ units: 100, inputs: 2, gain: 3, seed: 1 }).W).toEqual(plain.W);
    expect(randomNetwork({ units: 100, seed: 2 }).W).not.toEqual(plain.W);
  });

  it('refuses bad sizes, all at once', () => {
    const run = (): unknown => randomNetwork({ units: 0, inputs: -1, gain: Number.NaN, seed: 0.5 });
    expect(run).toThrow(DrnnError);
    expect(run).toThrow(/units[^]*inputs[^]*gain[^]*seed/);
  });
});
