import { type BinaryOperation, type Comparison, type Expression, type UnaryOperation } from './expression.js';
import { binaryNumber, unaryNumber } from './numbers.js';
import { failure } from './error.js';

/** All real numbers between `low` and `high`; an infinite end means unbounded, and is not itself a value. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The values of an expression over a box. `defined` is true when the expression is proven to have a real value at every
 * point of the box; else `low` and `high` enclose the values it has where it has one.
 */
export interface Enclosure extends Interval {
  readonly defined: boolean;
}

export const wholeLine: Interval = { low: -Infinity, high: Infinity };
const undefinedSomewhere: Enclosure = { low: -Infinity, high: Infinity, defined: false };

/**
 * Encloses the values of `e` when every variable ranges over its interval in `box`, by interval arithmetic (Moore 1966):
 * for every point x of the box `low <= e(x) <= high`, in exact real arithmetic and in that of `evaluate`.
 *
 * Rounding is outward. A sum or product that is exact in float64, found by an error-free transformation (Dekker 1971),
 * is kept as it is; else it is moved to the next float64 away (round to nearest errs by half that at most). The library
 * functions are moved by 4 units of 2^-52 relative and the compositions (logistic, softplus, log2cosh, ...) by 8:
 * against multiple-precision arithmetic they err by at most 1.3 and 2.1 (V8, which uses fdlibm).
 *
 * 0 times an unbounded interval is 0, because its values are finite. Division by an interval that holds 0, and
 * functions that leave their domain, are enclosed where they are defined and flagged by `defined: false`.
 * A `where` that the box does not decide gives the hull of both branches.
 *
 * @throws DrnnError for a variable without an interval, or with an empty one.
 */
export const evaluateInterval = (e: Expression, box: Readonly<Record<string, Interval>>): Enclosure => {
  const done = new Map<Expression, Enclosure>();
  const visit = (node: Expression): Enclosure => {
    const known = done.get(node);
    if (known !== undefined) return known;
    const result = enclose(node, box, visit);
    done.set(node, result);
    return result;
  };
  return visit(e);
};

const enclose = (
  node: Expression,
  box: Readonly<Record<string, Interval>>,
  visit: (part: Expression) => Enclosure,
): Enclosure => {
  switch (node.kind) {
    case 'constant':
      return pointInterval(node.value);
    case 'variable':
      return variableInterval(node.name, box);
    case 'unary':
      return unaryInterval(node.operation, visit(node.argument));
    case 'binary':
      return binaryInterval(node.operation, visit(node.left), visit(node.right));
    case 'where': {
      const [left, right] = [visit(node.left), visit(node.right)];
      const truth = compareIntervals(node.comparison, left, right);
      const compared = left.defined && right.defined;
      if (truth !== undefined && compared) return visit(truth ? node.then : node.otherwise);
      const [yes, no] = [visit(node.then), visit(node.otherwise)];
      return { ...hull(yes, no), defined: compared && yes.defined && no.defined };
    }
  }
};

/** The interval of one number; NaN and infinities are no real values. */
export const pointInterval = (value: number): Enclosure =>
  Number.isNaN(value) ? undefinedSomewhere : { low: value, high: value, defined: Number.isFinite(value) };

const variableInterval = (name: string, box: Readonly<Record<string, Interval>>): Enclosure => {
  const range = Object.hasOwn(box, name) ? box[name] : undefined;
  if (range === undefined || !(range.low <= range.high)) {
    throw failure({
      path: `interval of ${name}`,
      seen:
        range === undefined ? `a box of ${Object.keys(box).join(', ') || 'nothing'}` : `[${range.low}, ${range.high}]`,
      expected: 'low <= high for every variable',
    });
  }
  return { low: range.low, high: range.high, defined: true };
};

/** The smallest interval around both. */
export const hull = (a: Interval, b: Interval): Interval => ({
  low: Math.min(a.low, b.low),
  high: Math.max(a.high, b.high),
});

/** The common part, or undefined where there is none. */
export const intersection = (a: Interval, b: Interval): Interval | undefined => {
  const [low, high] = [Math.max(a.low, b.low), Math.min(a.high, b.high)];
  return low <= high ? { low, high } : undefined;
};

/** True or false where all pairs of values agree on the comparison, else undefined. */
export const compareIntervals = (comparison: Comparison, a: Interval, b: Interval): boolean | undefined => {
  if (comparison === 'less') return a.high < b.low ? true : a.low >= b.high ? false : undefined;
  return a.high <= b.low ? true : a.low > b.high ? false : undefined;
};

/** The next float64 below, at least (Rump, Zimmermann, Boldo & Melquiond 2009); above is the negative of it. */
const below = (x: number): number => (x === Infinity ? Number.MAX_VALUE : x - (Math.abs(x) * nextFactor + tiny));
const nextFactor = 2 ** -53 * (1 + 2 ** -52);
const tiny = 2 ** -1074;

/** Moves by `units` of 2^-52 relative; one more covers the rounding of the move, `units` subnormals that of underflow. */
const belowBy = (x: number, units: number): number =>
  x === Infinity ? Number.MAX_VALUE : x - (Math.abs(x) * (units + 1) * 2 ** -52 + units * tiny);
const aboveBy = (x: number, units: number): number =>
  x === -Infinity ? -Number.MAX_VALUE : x + (Math.abs(x) * (units + 1) * 2 ** -52 + units * tiny);

/** Rounds down by the sign of the exact error (true - rounded); NaN is an unknown error. */
const roundedDown = (x: number, error: number): number => (error >= 0 ? x : below(x));

/** The exact error of the float64 sum (Knuth's two-sum); NaN where it overflows. */
const sumError = (a: number, b: number, sum: number): number => {
  const part = sum - a;
  return a - (sum - part) + (b - part);
};

/** The exact error of the float64 product (Dekker), or NaN where splitting could over- or underflow. */
const productError = (a: number, b: number, product: number): number => {
  const size = Math.abs(product);
  if (!(size > 1e-280 && size < 1e280 && Math.abs(a) < 1e280 && Math.abs(b) < 1e280)) return NaN;
  const [aHigh, bHigh] = [upperHalf(a), upperHalf(b)];
  const [aLow, bLow] = [a - aHigh, b - bHigh];
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
};
const upperHalf = (x: number): number => {
  const scaled = 134217729 * x;
  return scaled - (scaled - x);
};

/** The exact sign of the error of the float64 quotient: that of (a - q b) / b. */
const quotientError = (a: number, b: number, quotient: number): number => {
  const product = quotient * b;
  const error = productError(quotient, b, product);
  if (!(Math.abs(a) > 1e-280)) return NaN;
  const remainder = a - product - error;
  return b > 0 ? remainder : -remainder;
};

const sumDown = (a: number, b: number): number => {
  if (a === -Infinity || b === -Infinity) return -Infinity;
  const sum = a + b;
  return a === Infinity || b === Infinity ? sum : roundedDown(sum, sumError(a, b, sum));
};
const sumUp = (a: number, b: number): number => -sumDown(-a, -b);

const productDown = (a: number, b: number): number => {
  if (a === 0 || b === 0) return 0;
  const product = a * b;
  if (product === 0) return a < 0 === b < 0 ? 0 : -tiny;
  if (Math.abs(a) === Infinity || Math.abs(b) === Infinity) return product;
  return roundedDown(product, productError(a, b, product));
};
const productUp = (a: number, b: number): number => 0 - productDown(-a, b);

const quotientDown = (a: number, b: number): number => {
  // Infinity / Infinity stands for any value of the quotient's sign; the other ends give 0 and infinity.
  if (a === 0 || Math.abs(b) === Infinity) return 0;
  const quotient = a / b;
  if (quotient === 0) return a < 0 === b < 0 ? 0 : -tiny;
  if (Math.abs(a) === Infinity) return quotient;
  return roundedDown(quotient, quotientError(a, b, quotient));
};
const quotientUp = (a: number, b: number): number => 0 - quotientDown(-a, b);

const multiply = (a: Interval, b: Interval): Interval => ({
  low: Math.min(
    productDown(a.low, b.low),
    productDown(a.low, b.high),
    productDown(a.high, b.low),
    productDown(a.high, b.high),
  ),
  high: Math.max(
    productUp(a.low, b.low),
    productUp(a.low, b.high),
    productUp(a.high, b.low),
    productUp(a.high, b.high),
  ),
});

const divide = (a: Interval, b: Interval): Interval => ({
  low: Math.min(
    quotientDown(a.low, b.low),
    quotientDown(a.low, b.high),
    quotientDown(a.high, b.low),
    quotientDown(a.high, b.high),
  ),
  high: Math.max(
    quotientUp(a.low, b.low),
    quotientUp(a.low, b.high),
    quotientUp(a.high, b.low),
    quotientUp(a.high, b.high),
  ),
});

/** |a| as an interval. */
const magnitude = (a: Interval): Interval => {
  if (a.low >= 0) return a;
  if (a.high <= 0) return { low: -a.high, high: -a.low };
  return { low: 0, high: Math.max(-a.low, a.high) };
};

/** What `increasing` needs to know of a function that increases on [`from`, `to`]. */
interface Increasing {
  readonly units: number;
  /** Bounds of its values. */
  readonly low: number;
  readonly high: number;
  /** Where it is defined; `open` ends are poles. */
  readonly from: number;
  readonly to: number;
  readonly open: boolean;
  /** An argument whose value is exact in float64. */
  readonly exactAt?: number;
}
const everywhere = { from: -Infinity, to: Infinity, open: false };
const increasingFunctions = {
  sqrt: { units: 1, low: 0, high: Infinity, from: 0, to: Infinity, open: false, exactAt: 0 },
  exp: { ...everywhere, units: 4, low: 0, high: Infinity, exactAt: 0 },
  expm1: { ...everywhere, units: 4, low: -1, high: Infinity, exactAt: 0 },
  log: { units: 4, low: -Infinity, high: Infinity, from: 0, to: Infinity, open: true, exactAt: 1 },
  log1p: { units: 4, low: -Infinity, high: Infinity, from: -1, to: Infinity, open: true, exactAt: 0 },
  tanh: { ...everywhere, units: 4, low: -1, high: 1, exactAt: 0 },
  atanh: { units: 4, low: -Infinity, high: Infinity, from: -1, to: 1, open: true, exactAt: 0 },
  logistic: { ...everywhere, units: 8, low: 0, high: 1, exactAt: 0 },
  softplus: { ...everywhere, units: 8, low: 0, high: Infinity },
  softplusIntegral: { ...everywhere, units: 8, low: 0, high: Infinity },
} satisfies Readonly<Partial<Record<UnaryOperation, Increasing>>>;

const increasing = (operation: keyof typeof increasingFunctions, x: Interval): Enclosure => {
  const f: Increasing = increasingFunctions[operation];
  const inside = f.open ? x.low > f.from && (x.high < f.to || f.to === Infinity) : x.low >= f.from;
  const within = intersection(x, { low: f.from, high: f.to });
  // A pole alone has no value.
  if (within === undefined || (f.open && (within.high <= f.from || within.low >= f.to))) return undefinedSomewhere;
  return {
    low: endOf(operation, f, within.low, -1),
    high: endOf(operation, f, within.high, 1),
    defined: inside,
  };
};

/** f at an end of its argument, rounded outward but never past its own bounds or past its exact value. */
const endOf = (operation: UnaryOperation, f: Increasing, x: number, side: -1 | 1): number => {
  const value = unaryNumber(operation, x);
  if (Math.abs(x) === Infinity || x === f.exactAt || Math.abs(value) === Infinity) {
    // A float64 overflow of a finite argument stands for a large finite value.
    if (side < 0 && value === Infinity && x !== Infinity && x !== f.to) return Number.MAX_VALUE;
    return value;
  }
  const moved = side < 0 ? belowBy(value, f.units) : aboveBy(value, f.units);
  const exactValue = f.exactAt === undefined ? undefined : unaryNumber(operation, f.exactAt);
  const floor = exactValue !== undefined && f.exactAt !== undefined && x > f.exactAt ? exactValue : f.low;
  const ceiling = exactValue !== undefined && f.exactAt !== undefined && x < f.exactAt ? exactValue : f.high;
  return Math.min(Math.max(moved, floor), ceiling);
};

/** The enclosure of one operation on an interval; see `evaluateInterval`. */
export const unaryInterval = (operation: UnaryOperation, x: Interval & { readonly defined?: boolean }): Enclosure => {
  const result = unaryValues(operation, x);
  return x.defined === false ? { ...result, defined: false } : result;
};

const unaryValues = (operation: UnaryOperation, x: Interval): Enclosure => {
  switch (operation) {
    case 'negate':
      return { low: -x.high, high: -x.low, defined: true };
    case 'abs':
      return { ...magnitude(x), defined: true };
    case 'square': {
      const { low, high } = magnitude(x);
      return { low: productDown(low, low), high: productUp(high, high), defined: true };
    }
    case 'log2cosh': {
      const { low, high } = magnitude(x);
      const least = Math.max(belowBy(Math.LN2, 1), belowBy(unaryNumber('log2cosh', low), 8));
      return { low: least, high: aboveBy(unaryNumber('log2cosh', high), 8), defined: true };
    }
    default:
      return increasing(operation, x);
  }
};

/** The enclosure of one operation on two independent intervals; see `evaluateInterval`. */
export const binaryInterval = (
  operation: BinaryOperation,
  a: Interval & { readonly defined?: boolean },
  b: Interval & { readonly defined?: boolean },
): Enclosure => {
  const defined = a.defined !== false && b.defined !== false;
  switch (operation) {
    case 'add':
      return { low: sumDown(a.low, b.low), high: sumUp(a.high, b.high), defined };
    case 'subtract':
      return { low: sumDown(a.low, -b.high), high: sumUp(a.high, -b.low), defined };
    case 'multiply':
      return { ...multiply(a, b), defined };
    case 'divide':
      return b.low <= 0 && b.high >= 0 ? undefinedSomewhere : { ...divide(a, b), defined };
    case 'min':
      return { low: Math.min(a.low, b.low), high: Math.min(a.high, b.high), defined };
    case 'max':
      return { low: Math.max(a.low, b.low), high: Math.max(a.high, b.high), defined };
    case 'transferDifference': {
      // It increases in a and decreases in b; |tanh a - tanh b| is at most 2 and has the sign of a - b.
      const [low, high] = [difference(a.low, b.high), difference(a.high, b.low)];
      return {
        low: a.low === b.high ? 0 : Math.max(belowBy(low, 8), a.low > b.high ? 0 : -2),
        high: a.high === b.low ? 0 : Math.min(aboveBy(high, 8), a.high < b.low ? 0 : 2),
        defined,
      };
    }
  }
};

/** tanh a - tanh b, also where one is 0 and the other infinite. */
const difference = (a: number, b: number): number =>
  a === 0 ? -Math.tanh(b) : b === 0 ? Math.tanh(a) : binaryNumber('transferDifference', a, b);
