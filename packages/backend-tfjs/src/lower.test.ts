import { evaluate, type Expression, parts } from '@drnn/tensor';
import { arbitraryExpression } from '@drnn/tensor/laws';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lowered } from './lower.js';

const operationsOf = (e: Expression): readonly string[] => [
  ...('operation' in e ? [e.operation] : []),
  ...parts(e).flatMap(operationsOf),
];

/** Whether no comparison is so close that rounding may decide it. */
const isDecided = (e: Expression, values: Readonly<Record<string, number>>): boolean => {
  if (!parts(e).every((part) => isDecided(part, values))) return false;
  if (e.kind !== 'where') return true;
  const [left, right] = [evaluate(e.left, values), evaluate(e.right, values)];
  return Math.abs(left - right) > 1e-6 * (1 + Math.abs(left));
};

describe('lowering', () => {
  const number = fc.double({ min: -30, max: 30, noNaN: true });

  it.each([
    { log1p: true, losesNaN: false },
    { log1p: false, losesNaN: true },
  ])('keeps the value of every expression: %o', (target) => {
    fc.assert(
      fc.property(arbitraryExpression({ variables: ['d', 'w'] }), number, number, (e, d, w) => {
        const exact = evaluate(e, { d, w });
        // The values of parts may cancel: only the size of the whole expression is common to both forms.
        fc.pre(Math.abs(exact) < 1e12 && isDecided(e, { d, w }));
        const got = evaluate(lowered(target)(e), { d, w });
        expect(Math.abs(got - exact)).toBeLessThanOrEqual(1e-6 * (1 + Math.abs(exact)));
      }),
      { numRuns: 300 },
    );
  });

  it('leaves no composite operation', () => {
    const composite = ['softplus', 'log2cosh', 'softplusIntegral', 'transferDifference', 'log1p'];
    fc.assert(
      fc.property(arbitraryExpression(), (e) => {
        const seen = operationsOf(lowered({ log1p: false, losesNaN: true })(e));
        expect(seen.filter((operation) => composite.includes(operation))).toEqual([]);
      }),
    );
  });

  it('loses no digits of composites where plain forms would', () => {
    const difference: Expression = {
      kind: 'binary',
      operation: 'transferDifference',
      left: { kind: 'variable', name: 'z' },
      right: { kind: 'variable', name: 'y' },
    };
    const plain = lowered({ log1p: false, losesNaN: true })(difference);
    for (const [z, y] of [
      [8, 8.001],
      [-1e-9, 1e-9],
      [12, -3],
      [1e-20, 3e-20],
      [30, 29],
    ] as const) {
      const exact = evaluate(difference, { z, y });
      expect(Math.abs(evaluate(plain, { z, y }) - exact)).toBeLessThan(1e-12 * Math.abs(exact));
    }
  });
});
