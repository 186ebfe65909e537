import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearTick, powerTick, powerTicks, wholeTicks } from './axis.js';

describe('wholeTicks', () => {
  it('are whole, rising, inside the axis and not too many', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 100_000 }), (from, length) => {
        const ticks = wholeTicks(from, from + length);
        expect(ticks.length).toBeGreaterThan(0);
        expect(ticks.length).toBeLessThanOrEqual(11);
        for (const [index, tick] of ticks.entries()) {
          expect(Number.isInteger(tick)).toBe(true);
          expect(tick).toBeGreaterThanOrEqual(from);
          expect(tick).toBeLessThanOrEqual(from + length);
          if (index > 0) expect(tick).toBeGreaterThan(ticks[index - 1] ?? 0);
        }
      }),
    );
  });
});

describe('tick labels', () => {
  it('are powers of ten, and plain numbers with a real minus sign', () => {
    expect(powerTicks(-10, 0, 6).map(powerTick)).toEqual(['10⁻¹⁰', '10⁻⁸', '10⁻⁶', '10⁻⁴', '10⁻²', '10⁰']);
    expect([-0.2, 0, 0.30000000000000004, 40000].map(linearTick)).toEqual(['−0.2', '0', '0.3', '40\u202f000']);
  });
});
