import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyTransfer, type TransferName } from './transfer.js';

const at = (transfer: TransferName, z: number): number => {
  const values = Float64Array.of(z);
  applyTransfer(transfer, values);
  return values[0] ?? Number.NaN;
};

describe('applyTransfer', () => {
  it('agrees with textbook forms and identities', () => {
    fc.assert(
      fc.property(fc.double({ min: -30, max: 30, noNaN: true }), (z) => {
        expect(at('tanh', z)).toBeCloseTo(2 * at('logistic', 2 * z) - 1, 14);
        expect(at('softplus', z) - at('softplus', -z)).toBeCloseTo(z, 12);
        expect(at('logistic', z) + at('logistic', -z)).toBeCloseTo(1, 14);
        expect(at('relu', z) - at('relu', -z)).toBe(z === 0 ? 0 : z);
        expect(at('identity', z)).toBe(z);
        expect(at('exp', z) * at('exp', -z)).toBeCloseTo(1, 12);
      }),
    );
    expect(at('softplus', 0)).toBeCloseTo(Math.LN2, 15);
    expect(at('logistic', Math.log(3))).toBeCloseTo(0.75, 15);
    expect(at('exp', 1)).toBeCloseTo(Math.E, 15);
  });

  it('is finite and nondecreasing far out', () => {
    for (const transfer of ['tanh', 'logistic', 'softplus', 'relu', 'identity'] as const) {
      const values = [-1e308, -800, -40, 0, 40, 800, 1e308].map((z) => at(transfer, z));
      expect(values.every(Number.isFinite)).toBe(true);
      expect(values).toEqual([...values].sort((a, b) => a - b));
    }
    expect(at('logistic', -700) / Math.exp(-700)).toBeCloseTo(1, 12);
    expect(at('softplus', -700) / Math.exp(-700)).toBeCloseTo(1, 12);
  });
});
