import { simulate } from '@drnn/simulator';
import { matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { currentBands, populationCurrents } from './index.js';
import { gaussianWeights, weights } from './known-networks.test.data.js';

const groups = ['a', 'a', 'b', 'b', 'b'];
const W = gaussianWeights(5, 1.2, 4);
const { rates } = simulate({ W, alpha: 0.2, steps: 40, seed: 3, inputNoise: { kind: 'gaussian', size: 0.5 } });
/** The network with the weights from a to b made larger or smaller. */
const scaled = (factor: number) => ({
  W: weights(5, (i, j) => W.data[i * 5 + j]! * (i >= 2 && j < 2 ? factor : 1)),
  alpha: 0.2,
});

describe('currentBands', () => {
  it('are the currents themselves where all networks are the same', () => {
    const { currents } = populationCurrents(scaled(1), rates, { groups });
    const bands = currentBands([scaled(1), scaled(1), scaled(1)], rates, { groups });
    expect(bands.map(({ source, target }) => [source, target])).toEqual(
      currents.map(({ source, target }) => [source, target]),
    );
    bands.forEach(({ share, size, mean }, k) => {
      const { current, ...one } = currents[k]!;
      expect(share).toEqual({ lower: one.share, median: one.share, upper: one.share });
      expect(size).toEqual({ lower: one.size, median: one.size, upper: one.size });
      for (let t = 0; t < rates.rows; t++) {
        const row = current.data.subarray(t * current.columns, (t + 1) * current.columns);
        expect(mean.median[t]).toBeCloseTo(row.reduce((sum, value) => sum + value, 0) / row.length, 12);
        expect(mean.lower[t]).toBe(mean.upper[t]);
      }
    });
  });

  it('hold the middle of the ensemble, in whatever order it comes', () =>
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 9 }), (factors) => {
        const bands = currentBands(factors.map(scaled), rates, { groups, level: 0.5 });
        const sorted = factors.toSorted((a, b) => a - b);
        const at = (part: number): number => {
          const where = part * (sorted.length - 1);
          const below = sorted[Math.floor(where)]!;
          return below + (where % 1) * ((sorted[Math.ceil(where)] ?? below) - below);
        };
        // The size of a current is that of its weights, so quantiles of sizes are those of the factors.
        const { currents } = populationCurrents(scaled(1), rates, { groups });
        const isScaled = ({ source, target }: { source: string; target: string }) => source === 'a' && target === 'b';
        const one = currents.find(isScaled)!.size;
        const { size } = bands.find(isScaled)!;
        expect(size.lower / one / at(0.25)).toBeCloseTo(1, 9);
        expect(size.median / one / at(0.5)).toBeCloseTo(1, 9);
        expect(size.upper / one / at(0.75)).toBeCloseTo(1, 9);
        for (const band of bands) {
          if (isScaled(band) || band.target === 'b') continue;
          expect(band.share.upper).toBe(band.share.lower);
        }
      }),
      { numRuns: 30 },
    ));

  it('are of at least two networks, and of a part of them', () => {
    expect(() => currentBands([scaled(1)], rates, { groups, level: 1 })).toThrow(/draws[^]*level/);
    expect(() => currentBands([scaled(1), scaled(2)], matrix(3, 4), { groups })).toThrow('rates');
  });
});
