import {
  type Binary,
  binaryInterval,
  compareIntervals,
  type Enclosure,
  type Expression,
  hull,
  type Interval,
  pointInterval,
  unaryInterval,
  variablesOf,
  type UnaryOperation,
  wholeLine,
  fold,
} from '@drnn/tensor';

/** A range for every variable. */
export type Box = Readonly<Record<string, Interval>>;

/** What an expression does on a box. */
export interface Behaviour {
  readonly value: Enclosure;
  /** Encloses (e(z2) - e(z1)) / (z2 - z1) over all z1 < z2 of the box, the other variables being equal at both. */
  readonly quotient: Interval;
}

const zero: Interval = { low: 0, high: 0 };

/**
 * Encloses values and difference quotients in `z` of every node of an expression on a box, by slope arithmetic
 * (Krawczyk & Neumaier 1985). Unlike the derivative, a difference quotient sees jumps: a jump upward bounds it only
 * from below, so a low end >= 0 proves that the expression is nondecreasing on the box, discontinuous or not.
 *
 * `meets` tells whether the branches of a `where` are proven equal wherever its two sides are.
 */
export const behaviourOn = (
  box: Box,
  z: string,
  meets: (node: Extract<Expression, { kind: 'where' }>) => boolean,
): ((e: Expression) => Behaviour) => {
  const ofWhere = (node: Extract<Expression, { kind: 'where' }>, visit: (part: Expression) => Behaviour): Behaviour => {
    const [left, right] = [visit(node.left), visit(node.right)];
    const compared = left.value.defined && right.value.defined;
    const truth = compareIntervals(node.comparison, left.value, right.value);
    if (truth !== undefined && compared) return visit(truth ? node.then : node.otherwise);
    const [yes, no] = [visit(node.then), visit(node.otherwise)];
    const value = {
      ...hull(yes.value, no.value),
      defined: compared && yes.value.defined && no.value.defined,
    };
    if (isZero(left.quotient) && isZero(right.quotient)) return { value, quotient: hull(yes.quotient, no.quotient) };
    const smooth = hull(yes.quotient, no.quotient);
    if (meets(node)) return { value, quotient: smooth };
    const gap = binaryInterval('subtract', left.quotient, right.quotient);
    // The condition holds left of one threshold where left - right increases, right of it where it decreases.
    const jump =
      gap.low >= 0
        ? binaryInterval('subtract', no.value, yes.value)
        : gap.high <= 0
          ? binaryInterval('subtract', yes.value, no.value)
          : wholeLine;
    return {
      value,
      quotient: { low: jump.low >= 0 ? smooth.low : -Infinity, high: jump.high <= 0 ? smooth.high : Infinity },
    };
  };
  return fold<Behaviour>((node, visit) => {
    switch (node.kind) {
      case 'constant':
        return { value: pointInterval(node.value), quotient: zero };
      case 'variable': {
        const range = box[node.name] ?? wholeLine;
        return {
          value: { low: range.low, high: range.high, defined: true },
          quotient: node.name === z ? { low: 1, high: 1 } : zero,
        };
      }
      case 'unary': {
        const { value, quotient } = visit(node.argument);
        return {
          value: unaryInterval(node.operation, value),
          quotient: isZero(quotient) ? zero : times(rate(node.operation, value), quotient),
        };
      }
      case 'binary':
        return ofBinary(node, visit(node.left), visit(node.right));
      case 'where':
        return ofWhere(node, visit);
    }
  });
};

const isZero = (a: Interval): boolean => a.low === 0 && a.high === 0;
const plus = (a: Interval, b: Interval): Interval => binaryInterval('add', a, b);
const minus = (a: Interval, b: Interval): Interval => binaryInterval('subtract', a, b);
const times = (a: Interval, b: Interval): Interval => binaryInterval('multiply', a, b);

const ofBinary = (node: Binary, a: Behaviour, b: Behaviour): Behaviour => {
  const same = node.left === node.right;
  const value =
    same && node.operation === 'multiply'
      ? unaryInterval('square', a.value)
      : binaryInterval(node.operation, a.value, b.value);
  if (isZero(a.quotient) && isZero(b.quotient)) return { value, quotient: zero };
  switch (node.operation) {
    case 'add':
      return { value, quotient: plus(a.quotient, b.quotient) };
    case 'subtract':
      return same
        ? { value: { low: 0, high: 0, defined: value.defined }, quotient: zero }
        : { value, quotient: minus(a.quotient, b.quotient) };
    case 'multiply':
      return { value, quotient: plus(times(a.quotient, b.value), times(a.value, b.quotient)) };
    case 'divide': {
      const root = squareUnderRoot(node);
      if (root !== undefined) {
        // u / sqrt(c + u^2) has the derivative c / (c + u^2)^(3/2), between 0 and 1 / sqrt(c).
        const steepest = binaryInterval(
          'divide',
          { low: 1, high: 1 },
          unaryInterval('sqrt', { low: root, high: root }),
        );
        return {
          value: { low: Math.max(value.low, -1), high: Math.min(value.high, 1), defined: value.defined },
          quotient: times({ low: 0, high: steepest.high }, a.quotient),
        };
      }
      // a2/b2 - a1/b1 = ((a2 - a1) - (a1/b1)(b2 - b1)) / b2
      const quotient = binaryInterval('divide', minus(a.quotient, times(value, b.quotient)), b.value);
      return { value, quotient };
    }
    case 'min':
    case 'max': {
      const left = compareIntervals('lessEqual', a.value, b.value);
      const right = compareIntervals('lessEqual', b.value, a.value);
      const first = node.operation === 'min' ? left : right;
      const second = node.operation === 'min' ? right : left;
      if (first === true) return { value, quotient: a.quotient };
      if (second === true) return { value, quotient: b.quotient };
      return { value, quotient: hull(a.quotient, b.quotient) };
    }
    case 'transferDifference':
      return {
        value,
        quotient: minus(times(rate('tanh', a.value), a.quotient), times(rate('tanh', b.value), b.quotient)),
      };
  }
};

/** The constant c > 0 of u / sqrt(c + u^2). */
const squareUnderRoot = (node: Binary): number | undefined => {
  const { left: u, right: root } = node;
  if (root.kind !== 'unary' || root.operation !== 'sqrt') return undefined;
  const sum = root.argument;
  if (sum.kind !== 'binary' || sum.operation !== 'add' || sum.left.kind !== 'constant') return undefined;
  const squared = sum.right;
  const matches = squared.kind === 'unary' && squared.operation === 'square' && squared.argument === u;
  return matches && sum.left.value > 0 ? sum.left.value : undefined;
};

/** Encloses the derivative of one operation over all values of its argument; `abs` by its one-sided derivatives. */
const rate = (operation: UnaryOperation, x: Interval): Interval => {
  switch (operation) {
    case 'negate':
      return { low: -1, high: -1 };
    case 'abs':
      return { low: x.low >= 0 ? 1 : -1, high: x.high <= 0 ? -1 : 1 };
    case 'square':
      return times({ low: 2, high: 2 }, x);
    case 'sqrt':
      return decreasingRate(unaryInterval('sqrt', x), { low: 0.5, high: 0.5 });
    case 'exp':
    case 'expm1':
      return unaryInterval('exp', x);
    case 'log':
      return decreasingRate({ low: Math.max(0, x.low), high: Math.max(0, x.high) }, { low: 1, high: 1 });
    case 'log1p': {
      const shifted = plus(x, { low: 1, high: 1 });
      return decreasingRate({ low: Math.max(0, shifted.low), high: Math.max(0, shifted.high) }, { low: 1, high: 1 });
    }
    case 'tanh':
      return squaredSech(x);
    case 'atanh': {
      const squared = unaryInterval('square', x);
      const rest = minus({ low: 1, high: 1 }, squared);
      return decreasingRate({ low: Math.max(0, rest.low), high: Math.max(0, rest.high) }, { low: 1, high: 1 });
    }
    case 'logistic':
      return times({ low: 0.25, high: 0.25 }, squaredSech(times({ low: 0.5, high: 0.5 }, x)));
    case 'softplus':
      return unaryInterval('logistic', x);
    case 'log2cosh':
      return unaryInterval('tanh', x);
    case 'softplusIntegral':
      return unaryInterval('softplus', x);
  }
};

/** c / x for x >= 0, infinite at 0. */
const decreasingRate = (x: Interval, c: Interval): Interval => {
  if (x.high === 0) return { low: 0, high: Infinity };
  if (x.low > 0) return binaryInterval('divide', c, x);
  return { low: binaryInterval('divide', c, { low: x.high, high: x.high }).low, high: Infinity };
};

/** 1 - tanh^2 = 4 p / (1 + p)^2 with p = e^-2|x|, without cancellation; it decreases in |x|. */
const squaredSech = (x: Interval): Interval => {
  const size = unaryInterval('abs', x);
  const at = (value: number): Interval => {
    if (value === Infinity) return zero;
    const p = unaryInterval('exp', { low: -2 * value, high: -2 * value });
    const over = unaryInterval('square', plus({ low: 1, high: 1 }, p));
    return binaryInterval('divide', times({ low: 4, high: 4 }, p), over);
  };
  return { low: Math.max(0, at(size.high).low), high: Math.min(1, at(size.low).high) };
};

/** Halves the widest range among the variables of the expressions; nothing when none can be halved. */
export const halves = (box: Box, expressions: readonly Expression[], z: string): readonly Box[] => {
  const names = variablesOf(...expressions);
  let widest:
    { readonly name: string; readonly width: number; readonly at: number; readonly range: Interval } | undefined;
  for (const name of names) {
    const range = box[name];
    if (range === undefined) continue;
    const at = middle(range.low, range.high);
    // The variable of interest goes first among equals.
    const width = (squash(range.high) - squash(range.low)) * (name === z ? 1.5 : 1);
    if (at > range.low && at < range.high && (widest === undefined || width > widest.width))
      widest = { name, width, at, range };
  }
  if (widest === undefined) return [];
  const { name, at, range } = widest;
  return [
    { ...box, [name]: { low: range.low, high: at } },
    { ...box, [name]: { low: at, high: range.high } },
  ];
};

/** A scale on which the whole line has length 2. */
const squash = (x: number): number => (Math.abs(x) === Infinity ? Math.sign(x) : x / (1 + Math.abs(x)));

const middle = (low: number, high: number): number => {
  if (low < 0 && high > 0 && (low === -Infinity || high === Infinity)) return 0;
  if (Number.isFinite(low) && Number.isFinite(high)) return low / 2 + high / 2;
  const half = (squash(low) + squash(high)) / 2;
  return Math.abs(half) === 1 ? NaN : half / (1 - Math.abs(half));
};
