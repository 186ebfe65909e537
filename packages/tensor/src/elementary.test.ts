import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { log2coshNumber, logisticNumber, softplusNumber, tanhNumber, transferDifferenceNumber } from './elementary.js';
import { binaryNumber, unaryNumber } from './numbers.js';

/** Arguments of every size. */
const anywhere = fc.oneof(
  fc.double({ min: -50, max: 50, noNaN: true }),
  fc.double({ min: -1, max: 1, noNaN: true }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.tuple(fc.double({ min: -9, max: 3, noNaN: true }), fc.constantFrom(-1, 1)).map(([e, sign]) => sign * 10 ** e),
);
/** The functions of `Math` are themselves some half units off. */
const close = (got: number, wanted: number): boolean =>
  Object.is(got, wanted) || Math.abs(got - wanted) <= 1.2e-15 * Math.abs(wanted) + 5e-324;

describe('the elementary functions of the block loops', () => {
  it.each([
    ['tanh', tanhNumber],
    ['logistic', logisticNumber],
    ['softplus', softplusNumber],
    ['log2cosh', log2coshNumber],
  ] as const)('%s is within 1e-15 of its definition', (operation, f) => {
    fc.assert(
      fc.property(anywhere, (x) => {
        if (!close(f(x), unaryNumber(operation, x))) expect(f(x)).toBe(unaryNumber(operation, x));
      }),
      { numRuns: 20_000 },
    );
    for (const x of [0, -0, Infinity, -Infinity, NaN, 5e-324])
      expect(close(f(x), unaryNumber(operation, x))).toBe(true);
    if (operation === 'tanh') expect(f(-0)).toBe(-0);
  });

  it('tanh at many digits (60 of them, by Python, rounded)', () => {
    const table = [
      [1e-300, 1e-300],
      [1e-9, 1e-9],
      [0.001, 0.0009999996666668],
      [0.1, 0.09966799462495582],
      [0.17, 0.1683810458708147],
      [0.1733, 0.17158569137000115],
      [0.1734, 0.17168274553941867],
      [0.5, 0.46211715726000974],
      [0.55, 0.5005202111902353],
      [1.0, 0.7615941559557649],
      [2.5, 0.9866142981514303],
      [9.0, 0.999999969540041],
      [18.0, 0.9999999999999996],
      [22.0, 1],
    ] as const;
    for (const [x, wanted] of table) expect(Math.abs(tanhNumber(x) / wanted - 1)).toBeLessThan(1e-15);
  });

  it('transferDifference is within rounding of its definition, near, far, and across 0', () => {
    const pairs = fc.oneof(
      fc.tuple(anywhere, anywhere),
      fc.tuple(anywhere, fc.double({ min: -1e-6, max: 1e-6, noNaN: true })).map(([z, e]) => [z, z * (1 + e)] as const),
    );
    fc.assert(
      fc.property(pairs, ([z, y]) => {
        const [got, wanted] = [transferDifferenceNumber(z, y), binaryNumber('transferDifference', z, y)];
        // e^-2|z| carries the rounding of its argument: |z| half units.
        const slack = 4e-16 * Math.min(Math.abs(z), Math.abs(y), 800) + 2e-15;
        expect(Math.abs(got - wanted)).toBeLessThanOrEqual(slack * Math.abs(wanted) + 5e-324);
      }),
      { numRuns: 20_000 },
    );
    expect(transferDifferenceNumber(Infinity, Infinity)).toBe(0);
    expect(transferDifferenceNumber(-Infinity, Infinity)).toBe(-2);
    expect(transferDifferenceNumber(NaN, 1)).toBeNaN();
    expect(transferDifferenceNumber(1, NaN)).toBeNaN();
  });
});
