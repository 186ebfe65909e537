import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hessiansAtOnce } from './hessians-at-once.js';
import { newtonWith } from './newton.js';
import { proximalNewtonWith } from './proximal-newton.js';

describe('the units whose Hessians are asked for at once', () => {
  it('fill at most 256 MiB, or are 16', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5000 }), (predictors) => {
        const units = hessiansAtOnce(predictors);
        expect(Number.isInteger(units)).toBe(true);
        expect(units === 16 || (units > 16 && 8 * units * predictors ** 2 <= 2 ** 28)).toBe(true);
      }),
    );
  });

  it.each([0, -1, 1.5, Number.NaN])(
    '%s of them are refused: with none a solver would never come to an end',
    (unitsAtOnce) => {
      for (const [name, make] of Object.entries({ newton: newtonWith, 'proximal-newton': proximalNewtonWith })) {
        expect(() => make({ unitsAtOnce })).toThrow(
          `${name} unitsAtOnce: saw ${unitsAtOnce}, expected a whole number of at least 1`,
        );
      }
    },
  );
});
