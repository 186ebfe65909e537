import { simulate } from '@drnn/simulator';
import { matrix, matrixOf } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { populationCurrents } from './index.js';
import { gaussianWeights, weights } from './known-networks.test.data.js';

const of = (found: ReturnType<typeof populationCurrents>, source: string, target: string) =>
  found.currents.find((each) => each.source === source && each.target === target)!;

describe('populationCurrents', () => {
  it('add up to the whole current, shares to 1, and signs to each current', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 0, max: 2 }),
        fc.integer({ min: 1, max: 999 }),
        (n, m, seed) => {
          const W = gaussianWeights(n, 1.2, seed);
          const Win = matrix(n, m, gaussianWeights(n + m, 1, seed + 1).data.slice(0, n * m));
          const b = gaussianWeights(n, 1, seed + 2).data.slice(0, n);
          const rates = matrix(
            30,
            n,
            Float64Array.from({ length: 30 * n }, (_, i) => Math.sin(i * 1.3 + seed)),
          );
          const inputs = matrix(
            30,
            m,
            Float64Array.from({ length: 30 * m }, (_, i) => Math.cos(i * 0.7)),
          );
          const groups = Array.from({ length: n }, (_, i) => (i % 3 === 0 ? 'a' : 'b'));
          const found = populationCurrents({ W, Win, b, alpha: 0.1 }, rates, { groups, inputs });
          expect(found.closure).toBeLessThan(1e-12);
          for (const { name } of found.populations) {
            const shares = found.currents.filter(({ target }) => target === name).map(({ share }) => share);
            expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 10);
            expect(shares.length).toBe(found.populations.length + m + 1);
          }
          for (const { current, excitatory, inhibitory } of found.currents) {
            if (excitatory === undefined || inhibitory === undefined) continue;
            const gap = current.data.map((value, i) => Math.abs(value - excitatory.data[i]! - inhibitory.data[i]!));
            expect(Math.max(0, ...gap)).toBeLessThan(1e-12);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('are exactly 0 where there is no weight, and double with it', () => {
    const half = (i: number): number => (i < 3 ? 0 : 1);
    const random = gaussianWeights(6, 1, 2);
    const W = weights(6, (i, j) => (half(i) === 1 && half(j) === 0 ? 0 : random.data[i * 6 + j]!));
    const { rates } = simulate({ W, alpha: 0.2, steps: 100, seed: 3 });
    const groups = [0, 0, 0, 1, 1, 1];
    const found = populationCurrents({ W, alpha: 0.2 }, rates, { groups });
    expect(of(found, '0', '1').current.data.every((value) => value === 0)).toBe(true);
    expect(of(found, '0', '1').share).toBe(0);
    expect(found.meanWeights.data[2]).toBe(0);
    const doubled = weights(6, (i, j) => (half(i) === 0 && half(j) === 1 ? 2 : 1) * W.data[i * 6 + j]!);
    const twice = populationCurrents({ W: doubled, alpha: 0.2 }, rates, { groups });
    const [one, two] = [of(found, '1', '0').current.data, of(twice, '1', '0').current.data];
    expect(Math.max(...one.map((value, i) => Math.abs(2 * value - two[i]!)))).toBeLessThan(1e-12);
    const block = weights(6, (i, j) => (half(i) === half(j) ? random.data[i * 6 + j]! : 0));
    const apart = populationCurrents({ W: block, alpha: 0.2 }, rates, { groups });
    for (const { source, target, share } of apart.currents) {
      if (source !== 'bias') expect(share).toBeCloseTo(source === target ? 1 : 0, 12);
    }
  });

  it('have effective weights: a D W of a linear and of a saturated population', () => {
    const W = matrixOf([
      [0, 1],
      [1, 0],
    ]);
    const rates = matrix(50, 2);
    const found = populationCurrents({ W, alpha: 0.5, b: Float64Array.of(0, 20) }, rates, { groups: ['x', 'y'] });
    expect(found.effectiveWeights.data[1]).toBeCloseTo(0.5, 12);
    expect(found.effectiveWeights.data[2]).toBeCloseTo(0, 12);
  });

  it('say when sources cannot be told apart', () => {
    const rates = matrix(
      40,
      2,
      Float64Array.from({ length: 80 }, (_, i) => Math.sin(Math.floor(i / 2)) + (i % 2) * 1e-9),
    );
    const W = matrixOf([
      [0, 1],
      [1, 0],
    ]);
    expect(populationCurrents({ W, alpha: 1 }, rates, { groups: [0, 1] }).collinearity).toBeGreaterThan(1e6);
    expect(() => populationCurrents({ W, alpha: 1 }, matrix(40, 3), { groups: [0] })).toThrow(/rates[^]*groups/);
  });
});
