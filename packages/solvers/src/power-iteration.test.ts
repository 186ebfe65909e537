import { host } from '@drnn/backend-cpu';
import { matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largestEigenvalue } from './power-iteration.js';

describe('power iteration', () => {
  it('is from below, and within a tenth after 100 products whatever the spectrum', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 20 }), (seed, order) => {
        const drawn = matrix(order, order);
        drawn.data.forEach((_unused, i) => (drawn.data[i] = (Math.sin(12.9898 * (i + 1) + seed) * 43758.5453) % 1));
        const a = host.gram(drawn);
        const exact = host.eigh(a).values.at(-1)!;
        const found = largestEigenvalue(host, a);
        expect(found).toBeLessThanOrEqual(exact * (1 + 1e-12));
        expect(found).toBeGreaterThan(0.9 * exact);
      }),
    );
  });

  it('of zeros, and of nothing, is 0', () => {
    expect(largestEigenvalue(host, matrix(3, 3))).toBe(0);
    expect(largestEigenvalue(host, matrix(0, 0))).toBe(0);
  });
});
