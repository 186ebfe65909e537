import { transfers } from '@drnn/objectives';
import { mapMatrix, matrix, variable } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { slopeOfMean } from './slope-of-mean.js';

const at = (z: number): { readonly z: ReturnType<typeof matrix> } => ({ z: matrix(1, 1, Float64Array.of(z)) });

describe('slopeOfMean', () => {
  it.each(Object.values(transfers))('is the derivative of $name', (transfer) => {
    const phi = transfer.transfer(variable('z'));
    const valueAt = (z: number): number => mapMatrix(phi, at(z)).data[0]!;
    // Away from the kink of relu, where there is none.
    const current = fc.double({ min: -4, max: 4, noNaN: true }).filter((z) => Math.abs(z) > 1e-3);
    fc.assert(
      fc.property(current, (z) => {
        const found = mapMatrix(slopeOfMean(transfer, phi), at(z)).data[0]!;
        const h = 1e-5;
        expect(found).toBeCloseTo((valueAt(z + h) - valueAt(z - h)) / (2 * h), 5);
      }),
    );
  });
});
