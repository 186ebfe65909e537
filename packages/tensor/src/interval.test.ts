import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DrnnError } from './error.js';
import { evaluate } from './evaluate.js';
import {
  abs,
  add,
  constant,
  div,
  exp,
  type Expression,
  less,
  lessEqual,
  log,
  log2cosh,
  logistic,
  max,
  min,
  mul,
  sqrt,
  square,
  sub,
  tanh,
  transferDifference,
  variable,
  where,
} from './expression.js';
import { parts } from './fold.js';
import {
  binaryInterval,
  compareIntervals,
  evaluateInterval,
  hull,
  type Interval,
  intersection,
  pointInterval,
  unaryInterval,
  wholeLine,
} from './interval.js';
import { arbitraryExpression } from './laws/arbitrary.js';

const z = variable('z');
const names = ['z', 'd', 'w'] as const;

const interval = fc
  .tuple(fc.double({ min: -5, max: 5, noNaN: true }), fc.double({ min: -5, max: 5, noNaN: true }))
  .map(([a, b]): Interval => ({ low: Math.min(a, b), high: Math.max(a, b) }));
const boxes = fc.record({ z: interval, d: interval, w: interval });
const fractions = fc.record({
  z: fc.double({ min: 0, max: 1, noNaN: true }),
  d: fc.double({ min: 0, max: 1, noNaN: true }),
  w: fc.double({ min: 0, max: 1, noNaN: true }),
});

const pointIn = (
  box: Readonly<Record<(typeof names)[number], Interval>>,
  at: Readonly<Record<(typeof names)[number], number>>,
): Record<(typeof names)[number], number> => {
  const inside = ({ low, high }: Interval, t: number): number => Math.min(high, Math.max(low, low + (high - low) * t));
  return { z: inside(box.z, at.z), d: inside(box.d, at.d), w: inside(box.w, at.w) };
};

/** Whether every part is an ordinary number there: float64 overflow and NaN are no values of the real function. */
const ordinary = (e: Expression, at: Readonly<Record<string, number>>): boolean => {
  const seen = new Set<Expression>();
  const visit = (node: Expression): boolean => {
    if (seen.has(node)) return true;
    seen.add(node);
    return Number.isFinite(evaluate(node, at)) && parts(node).every(visit);
  };
  return visit(e);
};

/** A double as a whole number of units 2^-1074, exactly. */
const exactly = (x: number): bigint => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(x));
  const bits = view.getBigUint64(0);
  const exponent = bits >> 52n;
  const fraction = bits & 0xfffffffffffffn;
  const size = exponent === 0n ? fraction : (fraction | 0x10000000000000n) << (exponent - 1n);
  return x < 0 ? -size : size;
};
const unit = 1n << 1074n;
/** Below every number, or above: infinite ends compare as such. */
const atMost = (low: number, value: bigint): boolean => low === -Infinity || (low < Infinity && exactly(low) <= value);
const atLeast = (high: number, value: bigint): boolean =>
  high === Infinity || (high > -Infinity && exactly(high) >= value);

/** e^x in fixed point with 400 bits, by halving the argument and its Taylor series. */
const bits = 400n;
const fixed = (x: number): bigint => (exactly(x) << bits) / unit;
const expFixed = (x: bigint): bigint => {
  const halvings = 60n;
  const small = x >> halvings;
  let [term, sum] = [1n << bits, 1n << bits];
  for (let k = 1n; k < 12n; k++) {
    term = ((term * small) >> bits) / k;
    sum += term;
  }
  for (let k = 0n; k < halvings; k++) sum = (sum * sum) >> bits;
  return sum;
};

const anyDouble = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -10, max: 10, noNaN: true }),
  fc.integer({ min: -1000, max: 1000 }).map((n) => n / 8),
);

describe('evaluateInterval', () => {
  for (const guarded of [true, false]) {
    it(`holds the value at every point of the box (${guarded ? 'guarded' : 'partial'} functions)`, () => {
      fc.assert(
        fc.property(
          arbitraryExpression({ guarded }),
          boxes,
          fc.array(fractions, { minLength: 1, maxLength: 8 }),
          (e, box, fractionsOf) => {
            const range = evaluateInterval(e, box);
            for (const at of fractionsOf) {
              const point = pointIn(box, at);
              if (!ordinary(e, point)) continue;
              const value = evaluate(e, point);
              expect(value).toBeGreaterThanOrEqual(range.low);
              expect(value).toBeLessThanOrEqual(range.high);
            }
          },
        ),
        { numRuns: 1500 },
      );
    });
  }

  it('is never wider on a half than on the whole', () => {
    fc.assert(
      fc.property(arbitraryExpression(), boxes, fc.constantFrom(...names), fc.boolean(), (e, box, name, upper) => {
        const { low, high } = box[name];
        const middle = Math.min(high, Math.max(low, low / 2 + high / 2));
        const half = { ...box, [name]: upper ? { low: middle, high } : { low, high: middle } };
        const [whole, part] = [evaluateInterval(e, box), evaluateInterval(e, half)];
        // The library functions are not monotone to the last bit, so neither are the enclosures.
        const slack = 1e-9 * (1 + (Number.isFinite(whole.low) ? Math.abs(whole.low) : 0));
        const slackHigh = 1e-9 * (1 + (Number.isFinite(whole.high) ? Math.abs(whole.high) : 0));
        expect(part.low).toBeGreaterThanOrEqual(whole.low - slack);
        expect(part.high).toBeLessThanOrEqual(whole.high + slackHigh);
        expect(!whole.defined || part.defined).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('closes in on the value as a smooth box shrinks to a point', () => {
    fc.assert(
      fc.property(arbitraryExpression({ smooth: true, depth: 3 }), boxes, fractions, (e, box, at) => {
        const point = pointIn(box, at);
        fc.pre(ordinary(e, point));
        const small = (x: number): Interval => ({ low: x - 1e-9, high: x + 1e-9 });
        const range = evaluateInterval(e, { z: small(point.z), d: small(point.d), w: small(point.w) });
        const tight = evaluateInterval(e, {
          z: pointInterval(point.z),
          d: pointInterval(point.d),
          w: pointInterval(point.w),
        });
        const size = Math.max(1, Math.abs(evaluate(e, point)));
        // Rounding alone widens both where the expression hardly depends on its variables, and not to the last bit alike.
        expect(tight.high - tight.low).toBeLessThanOrEqual(range.high - range.low + 1e-12 * size);
        // Cancellation of large parts may blow up the relative width, never by more than the parts allow.
        if (size < 1e3) expect(tight.high - tight.low).toBeLessThan(1e-3);
      }),
    );
  });

  it('holds sums, products and quotients of exact arithmetic, and keeps exact ones', () => {
    fc.assert(
      fc.property(anyDouble, anyDouble, (a, b) => {
        const [x, y] = [pointInterval(a), pointInterval(b)];
        const sum = binaryInterval('add', x, y);
        const trueSum = exactly(a) + exactly(b);
        expect(atMost(sum.low, trueSum) && atLeast(sum.high, trueSum)).toBe(true);
        const rest = binaryInterval('subtract', x, y);
        expect(atMost(rest.low, exactly(a) - exactly(b)) && atLeast(rest.high, exactly(a) - exactly(b))).toBe(true);
        if (Number.isFinite(a + b)) expect(sum.low === sum.high).toBe(exactly(a + b) === trueSum);

        const product = binaryInterval('multiply', x, y);
        const trueProduct = exactly(a) * exactly(b);
        const below =
          product.low === -Infinity || (product.low < Infinity && exactly(product.low) * unit <= trueProduct);
        const above =
          product.high === Infinity || (product.high > -Infinity && exactly(product.high) * unit >= trueProduct);
        expect(below && above).toBe(true);
        const squared = unaryInterval('square', x);
        const trueSquare = exactly(a) * exactly(a);
        expect(exactly(squared.low) * unit <= trueSquare).toBe(true);
        expect(squared.high === Infinity || exactly(squared.high) * unit >= trueSquare).toBe(true);

        if (b !== 0) {
          const quotient = binaryInterval('divide', x, y);
          const [numerator, denominator] = b > 0 ? [exactly(a), exactly(b)] : [-exactly(a), -exactly(b)];
          const low =
            quotient.low === -Infinity ||
            exactly(Math.min(quotient.low, Number.MAX_VALUE)) * denominator <= numerator * unit;
          const high =
            quotient.high === Infinity ||
            exactly(Math.max(quotient.high, -Number.MAX_VALUE)) * denominator >= numerator * unit;
          expect(low && high).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('holds exp, expm1, tanh, logistic, log and log1p of 400-bit arithmetic', () => {
    const one = 1n << bits;
    const argument = fc.oneof(
      fc.double({ min: -20, max: 20, noNaN: true }),
      fc.double({ min: -1e-3, max: 1e-3, noNaN: true }),
    );
    fc.assert(
      fc.property(argument, (x) => {
        const e = expFixed(fixed(x));
        const e2 = expFixed(fixed(x) * 2n);
        const slack = 1n << 150n;
        const holdsIn = (range: Interval, value: bigint): void => {
          expect(fixed(range.low) <= value + slack && fixed(range.high) >= value - slack).toBe(true);
          expect(range.high - range.low).toBeLessThanOrEqual(
            1e-14 * Math.max(Math.abs(range.low), Math.abs(range.high)) + 1e-320,
          );
        };
        const at = pointInterval(x);
        holdsIn(unaryInterval('exp', at), e);
        holdsIn(unaryInterval('expm1', at), e - one);
        holdsIn(unaryInterval('tanh', at), ((e2 - one) << bits) / (e2 + one));
        holdsIn(unaryInterval('logistic', at), (e << bits) / (one + e));
        // exp(log interval) must hold the argument itself.
        const positive = Math.abs(x) + 1e-3;
        const logarithm = unaryInterval('log', pointInterval(positive));
        expect(expFixed(fixed(logarithm.low)) <= fixed(positive) + slack).toBe(true);
        expect(expFixed(fixed(logarithm.high)) >= fixed(positive) - slack).toBe(true);
        const shifted = unaryInterval('log1p', pointInterval(positive));
        expect(expFixed(fixed(shifted.low)) - one <= fixed(positive) + slack).toBe(true);
        expect(expFixed(fixed(shifted.high)) - one >= fixed(positive) - slack).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('is tight where the functions have their extremes and exact values', () => {
    const box = { z: { low: -1, high: 2 } };
    expect(evaluateInterval(square(z), box)).toEqual({ low: 0, high: 4, defined: true });
    expect(evaluateInterval(abs(z), box)).toEqual({ low: 0, high: 2, defined: true });
    expect(evaluateInterval(log2cosh(z), box).low).toBeLessThanOrEqual(Math.LN2);
    expect(evaluateInterval(log2cosh(z), box).low).toBeGreaterThan(Math.LN2 - 1e-15);
    expect(evaluateInterval(tanh(z), { z: wholeLine })).toEqual({ low: -1, high: 1, defined: true });
    expect(evaluateInterval(logistic(z), { z: wholeLine })).toEqual({ low: 0, high: 1, defined: true });
    expect(evaluateInterval(exp(z), { z: wholeLine })).toEqual({ low: 0, high: Infinity, defined: true });
    expect(evaluateInterval(tanh(z), { z: { low: 0, high: Infinity } })).toEqual({ low: 0, high: 1, defined: true });
    expect(evaluateInterval(transferDifference(z, 0.5), { z: { low: 0.5, high: 0.5 } })).toEqual({
      low: 0,
      high: 0,
      defined: true,
    });
    expect(evaluateInterval(max(min(z, 0.5), -0.5), box)).toEqual({ low: -0.5, high: 0.5, defined: true });
  });

  it('reads an infinite end as unbounded: 0 times it is 0, and overflow is a large finite value', () => {
    const w = variable('w');
    const half = { low: 0, high: Infinity };
    expect(evaluateInterval(mul(z, w), { z: half, w: { low: 0, high: 0 } })).toEqual({
      low: 0,
      high: 0,
      defined: true,
    });
    expect(evaluateInterval(mul(z, w), { z: wholeLine, w: half })).toEqual({ ...wholeLine, defined: true });
    expect(evaluateInterval(sub(z, w), { z: half, w: half })).toEqual({ ...wholeLine, defined: true });
    expect(evaluateInterval(exp(z), { z: { low: 800, high: 800 } })).toEqual({
      low: Number.MAX_VALUE,
      high: Infinity,
      defined: true,
    });
    expect(evaluateInterval(div(z, add(1, w)), { z: half, w: half })).toEqual({
      low: 0,
      high: Infinity,
      defined: true,
    });
  });

  it('flags what may lack a value', () => {
    const across = { z: { low: -1, high: 1 } };
    expect(evaluateInterval(constant(NaN), {})).toEqual({ ...wholeLine, defined: false });
    expect(evaluateInterval(mul(z, constant(Infinity)), across).defined).toBe(false);
    expect(evaluateInterval(div(1, z), across)).toEqual({ ...wholeLine, defined: false });
    expect(evaluateInterval(sqrt(z), across)).toMatchObject({ low: 0, defined: false });
    expect(evaluateInterval(log(z), across)).toMatchObject({ low: -Infinity, defined: false });
    expect(evaluateInterval(tanh(log(z)), across).defined).toBe(false);
    expect(evaluateInterval(log(z), { z: { low: -2, high: -1 } })).toEqual({ ...wholeLine, defined: false });
    expect(evaluateInterval(where(less(0, z), log(z), 0), { z: { low: 1, high: 2 } }).defined).toBe(true);
    expect(evaluateInterval(where(less(log(z), 0), 1, 2), across)).toEqual({ low: 1, high: 2, defined: false });
  });

  it('takes the branch that a box decides, and the hull of both otherwise', () => {
    const e = where(lessEqual(z, 0), constant(-1), constant(3));
    expect(evaluateInterval(e, { z: { low: -2, high: 0 } })).toMatchObject({ low: -1, high: -1 });
    expect(evaluateInterval(e, { z: { low: 0.5, high: 2 } })).toMatchObject({ low: 3, high: 3 });
    expect(evaluateInterval(e, { z: { low: -2, high: 2 } })).toMatchObject({ low: -1, high: 3 });
    expect(compareIntervals('less', { low: 0, high: 1 }, { low: 1, high: 2 })).toBe(undefined);
    expect(compareIntervals('lessEqual', { low: 0, high: 1 }, { low: 1, high: 2 })).toBe(true);
    expect(compareIntervals('less', { low: 2, high: 3 }, { low: 1, high: 2 })).toBe(false);
    expect(hull({ low: 0, high: 1 }, { low: 3, high: 4 })).toEqual({ low: 0, high: 4 });
    expect(intersection({ low: 0, high: 1 }, { low: 3, high: 4 })).toBe(undefined);
  });

  it('refuses a variable without a range, and an empty one', () => {
    expect(() => evaluateInterval(z, {})).toThrow(DrnnError);
    expect(() => evaluateInterval(z, { z: { low: 1, high: 0 } })).toThrow('low <= high');
  });
});
