import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from './evaluate.js';
import {
  add,
  clamp,
  constant,
  div,
  type Expression,
  log2cosh,
  logistic,
  mul,
  negate,
  pointwise,
  power,
  softplus,
  softplusIntegral,
  sub,
  substitute,
  tanh,
  transferDifference,
  variable,
  variablesOf,
  where,
  less,
} from './expression.js';
import { arbitraryExpression } from './laws/index.js';

const x = variable('x');
const relative = (got: number, wanted: number): number => Math.abs(got - wanted) / Math.abs(wanted);
const worst = (f: (a: number) => Expression, table: readonly (readonly [number, number])[]): number =>
  Math.max(...table.map(([at, wanted]) => relative(evaluate(f(at), {}), wanted)));

// The numbers in the tables were computed from the definitions with 60 to 400 decimal digits (Python's decimal); the
// arguments are the doubles that the literals stand for.
describe('the stable primitives, against many digits', () => {
  it('transferDifference is tanh z - tanh y to the last digits, also where both saturate', () => {
    const table = [
      [20.0, 19.5, 1.45997398354483937512e-17],
      [20.0, 19.999999, 1.69934340320632324491e-23],
      [0.3, 0.30000000000000004, -5.08003062852718342423e-17],
      [-9.0, -8.999, -6.09808776720552062102e-11],
      [18.0, -0.001, 1.00099999966666633612],
      [40.0, 39.0, 2.30625935343543964844e-34],
      [1e-9, 3e-9, -1.9999999999999999091e-9],
      [3.0, 2.9999999, 9.86603813101842303265e-10],
      [0.5, -0.5, 9.24234314520019517005e-1],
      [350.0, 349.75, 1.27923637923201723844e-304],
      [1e-200, 2e-200, -9.999999999999999821e-201],
    ] as const;
    // Where z and y are near each other the condition of e^-2|z| sets the floor: 2 |z| half-units.
    for (const [z, y, wanted] of table)
      expect(relative(evaluate(transferDifference(z, y), {}), wanted)).toBeLessThan(1e-15 * (1 + Math.abs(z) / 2));
  });

  it('log2cosh, softplus, logistic, tanh and softplusIntegral', () => {
    const log2coshTable = [
      [0.0, 6.93147180559945309417e-1],
      [1e-8, 6.93147180559945359417e-1],
      [0.5, 8.13261687518222834049e-1],
      [1.0, 1.12692801104297249644],
      [3.0, 3.00247568513773044953],
      [20.0, 20],
      [-7.25, 7.25000050434753538465],
      [300.0, 300],
      [-800.0, 800],
      [1e300, 1e300],
    ] as const;
    expect(worst(log2cosh, log2coshTable)).toBeLessThan(1e-15);
    const softplusTable = [
      [-700.0, 9.85967654375977085671e-305],
      [-40.0, 4.2483542552915889863e-18],
      [-1.5, 2.01413277982752409499e-1],
      [0.0, 6.93147180559945309417e-1],
      [2.0, 2.12692801104297249644],
      [37.0, 37.0000000000000000853],
      [800.0, 800],
    ] as const;
    expect(worst(softplus, softplusTable)).toBeLessThan(1e-15);
    const logisticTable = [
      [-40.0, 4.24835425529158897728e-18],
      [-1.0, 2.68941421369995120749e-1],
      [-1e-9, 4.9999999975e-1],
      [0.3, 5.74442516811658984438e-1],
      [5.0, 9.93307149075715144441e-1],
      [36.0, 9.99999999999999768048e-1],
      [800.0, 1],
    ] as const;
    expect(worst(logistic, logisticTable)).toBeLessThan(1e-15);
    expect(evaluate(logistic(-740), {})).toBeCloseTo(4.19e-322, 322);
    const integralTable = [
      [-30.0, 9.35762296883995569215e-14],
      [-3.0, 4.91807203388242266311e-2],
      [-0.5, 5.33217279994881251166e-1],
      [0.0, 8.22467033424113218236e-1],
      [0.25, 1.01202885599457634143],
      [1.0, 1.80628607044477425665],
      [4.0, 9.6267016178782434108],
      [30.0, 4.5164493406684813286e2],
    ] as const;
    expect(worst(softplusIntegral, integralTable)).toBeLessThan(2e-15);
  });

  it('softplusIntegral grows by the integral of softplus (Simpson)', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -20, max: 20, noNaN: true }),
        fc.double({ min: 0.1, max: 4, noNaN: true }),
        (a, length) => {
          const pieces = 400;
          const h = length / pieces;
          let integral = 0;
          for (let k = 0; k <= pieces; k++) {
            const weight = k === 0 || k === pieces ? 1 : k % 2 === 1 ? 4 : 2;
            integral += (weight * h * evaluate(softplus(a + k * h), {})) / 3;
          }
          const grown = evaluate(softplusIntegral(a + length), {}) - evaluate(softplusIntegral(a), {});
          const scale = evaluate(softplusIntegral(a + length), {});
          expect(Math.abs(grown - integral)).toBeLessThan(1e-10 * integral + 1e-15 * scale * 4);
        },
      ),
    );
  });
});

describe('the builders', () => {
  it('fold constants and drop 0 and 1', () => {
    expect(add(x, 0)).toBe(x);
    expect(mul(1, x)).toBe(x);
    expect(mul(0, x)).toEqual(constant(0));
    expect(div(x, 1)).toBe(x);
    expect(sub(x, 0)).toBe(x);
    expect(negate(negate(x))).toBe(x);
    expect(add(mul(2, 3), tanh(0))).toEqual(constant(6));
    expect(where(less(1, 2), x, 5)).toBe(x);
  });

  it('mean what they say at a number', () => {
    const at = { z: 1.5, d: -0.25, w: 3 };
    expect(
      evaluate(
        pointwise(({ z, d, w }) => mul(w, sub(tanh(z), d))),
        at,
      ),
    ).toBe(3 * (Math.tanh(1.5) + 0.25));
    expect(evaluate(clamp(variable('z'), -1, 1), at)).toBe(1);
    expect(evaluate(power(variable('w'), 5), at)).toBe(243);
    expect(() => evaluate(variable('q'), at)).toThrow(/variable q/);
  });

  it('substitute replaces variables by values all at once', () => {
    fc.assert(
      fc.property(
        arbitraryExpression({ variables: ['z', 'd'] }),
        fc.double({ min: -3, max: 3, noNaN: true }),
        (e, z) => {
          const swapped = substitute(e, { z: variable('d'), d: variable('z') });
          const seen = evaluate(swapped, { z: 0.75, d: z });
          expect(seen).toBe(evaluate(e, { z, d: 0.75 }));
          expect(variablesOf(substitute(e, { z, d: 0.75 }))).toEqual([]);
        },
      ),
    );
  });
});
