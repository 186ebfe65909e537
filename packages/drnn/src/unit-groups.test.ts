import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unitGroups } from './unit-groups.js';

describe('unitGroups', () => {
  it('gives every unit the name it was labelled with, each name once', () => {
    const label = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.string({ minLength: 1, maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 30 }), (labels) => {
        const { names, index } = unitGroups(labels, labels.length);
        expect(new Set(names).size).toBe(names.length);
        expect(new Set(index).size).toBe(names.length);
        expect(Array.from(index, (place) => names[place])).toEqual(labels.map(String));
      }),
    );
  });

  it('orders whole numbers by size', () => {
    expect(unitGroups([10, 9, -1, 9], 4).names).toEqual(['-1', '9', '10']);
  });

  it('refuses, all at once, another length, an empty label and a fraction', () => {
    expect(() => unitGroups(['a', '', 1.5], 4)).toThrow(/3 labels.*unit=4[^]*empty label of unit 1[^]*1\.5 of unit 2/);
  });
});
