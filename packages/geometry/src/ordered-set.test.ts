import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderedSet } from './ordered-set.js';

describe('orderedSet', () => {
  it('is a set whose least is known, of any size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200_000 }), fc.array(fc.nat(), { maxLength: 60 }), (size, keys) => {
        const set = orderedSet(size);
        const truth = new Set<number>();
        for (const key of keys.map((each) => each % size)) {
          set.toggle(key);
          if (!truth.delete(key)) truth.add(key);
          expect(set.first()).toBe(truth.size === 0 ? -1 : Math.min(...truth));
        }
        set.clear();
        expect(set.first()).toBe(-1);
      }),
      { numRuns: 60 },
    );
  });
});
