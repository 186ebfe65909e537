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
  tanh,
  transferDifference,
  variable,
  where,
  less,
} from './expression.js';
import { substitute, variablesOf } from './fold.js';
import { arbitraryExpression } from './laws/index.js';

const x = variable('x');
const relative = (got: number, wanted: number): number => Math.abs(got - wanted) / Math.abs(wanted);
const worst = (f: (a: number) => Expression, table: readonly (readonly [number, number])[]): number =>
  Math.max(...table.map(([at, wanted]) => relative(evaluate(f(at), {}), wanted)));

// The numbers in the tables were computed from the definitions with 60 to 400 decimal digits (Python's decimal) and
// rounded to doubles; the arguments are the doubles that the literals stand for.
describe('the stable primitives, against many digits', () => {
  it('transferDifference is tanh z - tanh y to the last digits, also where both saturate', () => {
    const table = [
      [20.0, 19.5, 1.4599739835448394e-17],
      [20.0, 19.999999, 1.6993434032063234e-23],
      [0.3, 0.30000000000000004, -5.0800306285271833e-17],
      [-9.0, -8.999, -6.098087767205521e-11],
      [18.0, -0.001, 1.0009999996666663],
      [40.0, 39.0, 2.3062593534354395e-34],
      [1e-9, 3e-9, -1.9999999999999997e-9],
      [3.0, 2.9999999, 9.866038131018422e-10],
      [0.5, -0.5, 0.9242343145200195],
      [350.0, 349.75, 1.2792363792320173e-304],
      [1e-200, 2e-200, -1e-200],
    ] as const;
    // Where z and y are near each other the condition of e^-2|z| sets the floor: 2 |z| half-units.
    for (const [z, y, wanted] of table)
      expect(relative(evaluate(transferDifference(z, y), {}), wanted)).toBeLessThan(1e-15 * (1 + Math.abs(z) / 2));
  });

  it('log2cosh, softplus, logistic, tanh and softplusIntegral', () => {
    const log2coshTable = [
      [0.0, Math.LN2],
      [1e-8, 0.6931471805599454],
      [0.5, 0.8132616875182228],
      [1.0, 1.1269280110429725],
      [3.0, 3.0024756851377306],
      [20.0, 20],
      [-7.25, 7.250000504347535],
      [300.0, 300],
      [-800.0, 800],
      [1e300, 1e300],
    ] as const;
    expect(worst(log2cosh, log2coshTable)).toBeLessThan(1e-15);
    const softplusTable = [
      [-700.0, 9.85967654375977e-305],
      [-40.0, 4.248354255291589e-18],
      [-1.5, 0.2014132779827524],
      [0.0, Math.LN2],
      [2.0, 2.1269280110429727],
      [37.0, 37.0],
      [800.0, 800],
    ] as const;
    expect(worst(softplus, softplusTable)).toBeLessThan(1e-15);
    const logisticTable = [
      [-40.0, 4.248354255291589e-18],
      [-1.0, 0.2689414213699951],
      [-1e-9, 4.9999999975e-1],
      [0.3, 0.574442516811659],
      [5.0, 0.9933071490757152],
      [36.0, 0.9999999999999998],
      [800.0, 1],
    ] as const;
    expect(worst(logistic, logisticTable)).toBeLessThan(1e-15);
    // Among the subnormals one unit is 5e-324.
    expect(Math.abs(evaluate(logistic(-740), {}) / 5e-324 - 85)).toBeLessThanOrEqual(1);
    const integralTable = [
      [-30.0, 9.357622968839955e-14],
      [-3.0, 0.04918072033882423],
      [-0.5, 0.5332172799948812],
      [0.0, 0.8224670334241132],
      [0.25, 1.0120288559945763],
      [1.0, 1.8062860704447743],
      [4.0, 9.626701617878243],
      [30.0, 451.6449340668481],
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
