import fc from 'fast-check';
import {
  abs,
  add,
  atanh,
  clamp,
  constant,
  div,
  exp,
  type Expression,
  expm1,
  less,
  lessEqual,
  log,
  log1p,
  log2cosh,
  logistic,
  max,
  min,
  mul,
  negate,
  softplus,
  softplusIntegral,
  sqrt,
  square,
  sub,
  tanh,
  transferDifference,
  variable,
  where,
} from '../expression.js';
import { matrix, type Matrix } from '../matrix.js';

/** Which expressions to draw. */
export interface ExpressionOptions {
  /** The names that occur. Default z, d, w. */
  readonly variables?: readonly string[];
  /** How deep they nest. Default 4. */
  readonly depth?: number;
  /** Only smooth operations: none of abs, min, max, clamp, where. Default false. */
  readonly smooth?: boolean;
  /**
   * Arguments are kept where functions are finite and divisions away from 0, so that a value of ordinary size gives
   * one of ordinary size. Default true.
   */
  readonly guarded?: boolean;
}

type Build1 = (a: Expression) => Expression;
type Build2 = (a: Expression, b: Expression) => Expression;

const smoothUnary: readonly Build1[] = [negate, square, tanh, logistic, softplus, log2cosh, softplusIntegral];
const guardedUnary: readonly Build1[] = [
  (a) => sqrt(add(1, square(a))),
  (a) => log(add(0.5, square(a))),
  (a) => log1p(square(a)),
  (a) => atanh(mul(0.9, tanh(a))),
  (a) => exp(mul(4, tanh(a))),
  (a) => expm1(mul(3, tanh(a))),
];
const freeUnary: readonly Build1[] = [sqrt, log, log1p, atanh, exp, expm1];
const smoothBinary: readonly Build2[] = [add, sub, mul, transferDifference];
const guardedBinary: readonly Build2[] = [(a, b) => div(a, add(1, square(b)))];
const freeBinary: readonly Build2[] = [div];
const kinkedUnary: readonly Build1[] = [abs, (a) => clamp(a, -1, 2)];
const kinkedBinary: readonly Build2[] = [min, max];

/** Random expressions of the pointwise language. */
export const arbitraryExpression = (options: ExpressionOptions = {}): fc.Arbitrary<Expression> => {
  const { variables = ['z', 'd', 'w'], depth = 4, smooth = false, guarded = true } = options;
  const unary = [...smoothUnary, ...(guarded ? guardedUnary : freeUnary), ...(smooth ? [] : kinkedUnary)];
  const binary = [...smoothBinary, ...(guarded ? guardedBinary : freeBinary), ...(smooth ? [] : kinkedBinary)];
  const leaf: fc.Arbitrary<Expression> = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...variables).map(variable) },
    { weight: 1, arbitrary: fc.double({ min: -3, max: 3, noNaN: true }).map((x) => constant(Math.fround(x))) },
  );
  const level = (left: number): fc.Arbitrary<Expression> => {
    if (left === 0) return leaf;
    const part = level(left - 1);
    const piecewise = fc
      .tuple(fc.boolean(), part, part, part, part)
      .map(([strict, a, b, yes, no]) => where((strict ? less : lessEqual)(a, b), yes, no));
    return fc.oneof(
      { weight: 1, arbitrary: leaf },
      { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...unary), part).map(([f, a]) => f(a)) },
      { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...binary), part, part).map(([f, a, b]) => f(a, b)) },
      { weight: smooth ? 0 : 1, arbitrary: piecewise },
    );
  };
  return level(depth);
};

/** A stream of uniform numbers in [0, 1) (the mulberry32 generator), the same for the same seed. */
export const uniforms = (seed: number): (() => number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
};

/**
 * What values a random matrix has: `ordinary` within +-2, `wild` with zeros, subnormal and huge ones among them. All are
 * float32 numbers, except the wild, so that storing rows in float32 loses nothing.
 */
export type Values = 'ordinary' | 'wild';

const draw = (next: () => number, values: Values): number => {
  const ordinary = Math.fround(4 * next() - 2);
  if (values === 'ordinary') return ordinary;
  const kind = next();
  if (kind < 0.1) return 0;
  if (kind < 0.2) return -0;
  if (kind < 0.3) return ordinary * 5e-324 * 1000;
  if (kind < 0.4) return ordinary * 1e-160;
  if (kind < 0.5) return ordinary * 1e140;
  return ordinary;
};

/** A matrix drawn from a seed. */
export const drawnMatrix = (rows: number, columns: number, seed: number, values: Values = 'ordinary'): Matrix => {
  const result = matrix(rows, columns);
  const next = uniforms(seed);
  for (let i = 0; i < result.data.length; i++) result.data[i] = draw(next, values);
  return result;
};

/** Sizes where kernels go wrong: 0, 1, odd, just beside a register tile, larger than a block. */
export const arbitrarySize = (most = 40): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom(0, 1) },
    { weight: 4, arbitrary: fc.integer({ min: 1, max: Math.min(most, 20) }) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: most }) },
  );

export const arbitrarySeed: fc.Arbitrary<number> = fc.integer({ min: 1, max: 2 ** 31 - 1 });

/** Random matrices; a size given as a number is fixed, otherwise it is drawn. */
export const arbitraryMatrix = (
  rows: number | fc.Arbitrary<number> = arbitrarySize(),
  columns: number | fc.Arbitrary<number> = arbitrarySize(),
  values: Values = 'ordinary',
): fc.Arbitrary<Matrix> => {
  const size = (of: number | fc.Arbitrary<number>) => (typeof of === 'number' ? fc.constant(of) : of);
  return fc.tuple(size(rows), size(columns), arbitrarySeed).map(([m, n, seed]) => drawnMatrix(m, n, seed, values));
};
