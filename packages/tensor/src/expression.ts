import { binaryNumber, holds, unaryNumber } from './numbers.js';

/**
 * The pointwise language: arithmetic on named variables, written once and read by several interpreters (numbers,
 * symbolic derivative, intervals, blocked loops; SIMD blocks and WGSL programs in other backends).
 *
 * An expression is data. The builders simplify as they build (constants fold, 0 and 1 vanish), so that derivatives stay
 * small. Piecewise expressions come only from `abs`, `min`, `max`, `clamp` and `where`: an analysis of convexity
 * needs to see every switch.
 */

/** Functions of one argument. */
export type UnaryOperation =
  | 'negate'
  | 'abs'
  | 'square'
  | 'sqrt'
  | 'exp'
  | 'expm1'
  | 'log'
  | 'log1p'
  | 'tanh'
  | 'atanh'
  | 'logistic'
  | 'softplus'
  | 'log2cosh'
  | 'softplusIntegral';

/** Functions of two arguments. `transferDifference(z, y)` is tanh z - tanh y without cancellation. */
export type BinaryOperation = 'add' | 'subtract' | 'multiply' | 'divide' | 'min' | 'max' | 'transferDifference';

/** `lessEqual` is true where a <= b, `less` where a < b; both are false where either is NaN. */
export type Comparison = 'less' | 'lessEqual';

export interface Constant {
  readonly kind: 'constant';
  readonly value: number;
}
export interface Variable {
  readonly kind: 'variable';
  readonly name: string;
}
export interface Unary {
  readonly kind: 'unary';
  readonly operation: UnaryOperation;
  readonly argument: Expression;
}
export interface Binary {
  readonly kind: 'binary';
  readonly operation: BinaryOperation;
  readonly left: Expression;
  readonly right: Expression;
}
/** `then` where the comparison of `left` with `right` holds, `otherwise` elsewhere; the branch not taken may be NaN. */
export interface Where {
  readonly kind: 'where';
  readonly comparison: Comparison;
  readonly left: Expression;
  readonly right: Expression;
  readonly then: Expression;
  readonly otherwise: Expression;
}
export type Expression = Constant | Variable | Unary | Binary | Where;

/** What a builder accepts: an expression, or a number for a constant. */
export type Operand = Expression | number;

export const constant = (value: number): Constant => ({ kind: 'constant', value });
export const variable = (name: string): Variable => ({ kind: 'variable', name });

const lift = (operand: Operand): Expression => (typeof operand === 'number' ? constant(operand) : operand);
const is = (e: Expression, value: number): boolean => e.kind === 'constant' && e.value === value;

const unary =
  (operation: UnaryOperation) =>
  (operand: Operand): Expression => {
    const argument = lift(operand);
    if (argument.kind === 'constant') return constant(unaryNumber(operation, argument.value));
    if (operation === 'negate' && argument.kind === 'unary' && argument.operation === 'negate')
      return argument.argument;
    return { kind: 'unary', operation, argument };
  };

export const negate: (a: Operand) => Expression = unary('negate');
export const abs: (a: Operand) => Expression = unary('abs');
export const square: (a: Operand) => Expression = unary('square');
export const sqrt: (a: Operand) => Expression = unary('sqrt');
export const exp: (a: Operand) => Expression = unary('exp');
export const expm1: (a: Operand) => Expression = unary('expm1');
export const log: (a: Operand) => Expression = unary('log');
export const log1p: (a: Operand) => Expression = unary('log1p');
export const tanh: (a: Operand) => Expression = unary('tanh');
export const atanh: (a: Operand) => Expression = unary('atanh');
/** 1 / (1 + e^-a). */
export const logistic: (a: Operand) => Expression = unary('logistic');
/** log(1 + e^a), the primitive of `logistic`. */
export const softplus: (a: Operand) => Expression = unary('softplus');
/** log(2 cosh a), the primitive of `tanh`. */
export const log2cosh: (a: Operand) => Expression = unary('log2cosh');
/** The integral of `softplus` from -infinity to a, which is -Li2(-e^a). */
export const softplusIntegral: (a: Operand) => Expression = unary('softplusIntegral');

const binary = (operation: BinaryOperation, left: Expression, right: Expression): Expression =>
  left.kind === 'constant' && right.kind === 'constant'
    ? constant(binaryNumber(operation, left.value, right.value))
    : { kind: 'binary', operation, left, right };

export const add = (a: Operand, b: Operand): Expression => {
  const [left, right] = [lift(a), lift(b)];
  if (is(left, 0)) return right;
  if (is(right, 0)) return left;
  return binary('add', left, right);
};

export const sub = (a: Operand, b: Operand): Expression => {
  const [left, right] = [lift(a), lift(b)];
  if (is(right, 0)) return left;
  if (is(left, 0)) return negate(right);
  return binary('subtract', left, right);
};

/** The product. A constant 0 wins over everything, so `mul(0, x)` is 0 also where x would be infinite. */
export const mul = (a: Operand, b: Operand): Expression => {
  const [left, right] = [lift(a), lift(b)];
  if (is(left, 0) || is(right, 0)) return constant(0);
  if (is(left, 1)) return right;
  if (is(right, 1)) return left;
  if (is(left, -1)) return negate(right);
  if (is(right, -1)) return negate(left);
  return binary('multiply', left, right);
};

export const div = (a: Operand, b: Operand): Expression => {
  const [left, right] = [lift(a), lift(b)];
  if (is(left, 0)) return constant(0);
  if (is(right, 1)) return left;
  return binary('divide', left, right);
};

export const min = (a: Operand, b: Operand): Expression => binary('min', lift(a), lift(b));
export const max = (a: Operand, b: Operand): Expression => binary('max', lift(a), lift(b));

/** `a` kept within [low, high]. */
export const clamp = (a: Operand, low: Operand, high: Operand): Expression => max(min(a, high), low);

/** tanh z - tanh y = tanh(z - y)(1 - tanh z tanh y), exact to rounding where both saturate. */
export const transferDifference = (z: Operand, y: Operand): Expression =>
  binary('transferDifference', lift(z), lift(y));

/** The n-th power of `a`, for a whole n >= 0, by squaring. */
export const power = (a: Operand, n: number): Expression => {
  if (n === 0) return constant(1);
  if (n === 1) return lift(a);
  return n % 2 === 0 ? square(power(a, n / 2)) : mul(a, power(a, n - 1));
};

/** A comparison to be used in `where`. */
export interface Condition {
  readonly comparison: Comparison;
  readonly left: Expression;
  readonly right: Expression;
}
export const less = (a: Operand, b: Operand): Condition => ({ comparison: 'less', left: lift(a), right: lift(b) });
export const lessEqual = (a: Operand, b: Operand): Condition => ({
  comparison: 'lessEqual',
  left: lift(a),
  right: lift(b),
});

/** `then` where the condition holds, `otherwise` elsewhere. */
export const where = (condition: Condition, then: Operand, otherwise: Operand): Expression => {
  const { comparison, left, right } = condition;
  const [yes, no] = [lift(then), lift(otherwise)];
  if (left.kind === 'constant' && right.kind === 'constant')
    return holds(comparison, left.value, right.value) ? yes : no;
  if (yes.kind === 'constant' && is(no, yes.value)) return yes;
  return { kind: 'where', comparison, left, right, then: yes, otherwise: no };
};

/**
 * Writes an expression over named variables: `pointwise(({ z, d, w }) => mul(w, sub(tanh(z), d)))`.
 * `z` is the current, `d` the target, `w` the weight, `y` the inverted target and `v` a direction; other names are
 * given as the type parameter.
 */
export const pointwise = <Names extends string = 'z' | 'd' | 'w' | 'y' | 'v'>(
  build: (variables: { readonly [Name in Names]: Expression }) => Operand,
): Expression => {
  const names: { readonly [Name in Names]: Expression } = new Proxy(Object.create(null), {
    get: (_, name) => variable(String(name)),
  });
  return lift(build(names));
};
