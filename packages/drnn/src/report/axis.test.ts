import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearTick, powerTick, powerTicks, rootTicks, wholeTicks } from './axis.js';

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

describe('rootTicks', () => {
  it('are counts, rising, apart on an axis of square roots and not too few', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (most) => {
        const ticks = rootTicks(most);
        expect(ticks.every(Number.isInteger)).toBe(true);
        expect([ticks[0], (ticks.at(-1) ?? 0) <= most]).toEqual([0, true]);
        expect(ticks.length).toBeGreaterThanOrEqual(most === 1 ? 2 : 3);
        ticks.slice(1).forEach((tick, k) => {
          expect(Math.sqrt(tick / most) - Math.sqrt((ticks[k] ?? 0) / most)).toBeGreaterThan(0.1 - 1e-12);
        });
      }),
    );
    expect(rootTicks(70)).toEqual([0, 1, 5, 10, 20, 50]);
  });
});

describe('tick labels', () => {
  it('are powers of ten, and plain numbers with a real minus sign', () => {
    expect(powerTicks(-10, 0, 6).map(powerTick)).toEqual(['10⁻¹⁰', '10⁻⁸', '10⁻⁶', '10⁻⁴', '10⁻²', '10⁰']);
    expect([-0.2, 0, 0.30000000000000004, 40000].map(linearTick)).toEqual(['−0.2', '0', '0.3', '40\u202f000']);
  });
});
