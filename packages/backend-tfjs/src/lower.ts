import {
  abs,
  add,
  atanh,
  constant,
  div,
  exp,
  expm1,
  type Expression,
  fold,
  less,
  lessEqual,
  log,
  log1p,
  max,
  min,
  mul,
  negate,
  square,
  sub,
  where,
} from '@drnn/tensor';

/** What the target of a lowering can do by itself. */
export interface Lowering {
  /** Whether its log1p is right for small arguments. */
  readonly log1p: boolean;
  /** Whether its minimum and maximum keep NaN only where it is the first argument. */
  readonly losesNaN: boolean;
}

/** log(1 + e) = 2 artanh(e / (2 + e)), 0 <= e <= 1. */
const log1pSmall = (e: Expression): Expression => mul(2, atanh(div(e, add(2, e))));

/** Within 1/2 by artanh, as 1 + x would round x away there. */
const log1pAnywhere = (x: Expression): Expression => where(lessEqual(abs(x), 0.5), log1pSmall(x), log(add(1, x)));

/**
 * tanh z - tanh y = 2 f (1 - e^-2|z - y|) / ((1 + e^-2|z|)(1 + e^-2|y|)) with the sign of z - y, where f is
 * e^-2 min(|z|, |y|) for equal signs and 1 for unequal ones. Where z y underflows f is 1 either way.
 */
const transferDifference = (z: Expression, y: Expression): Expression => {
  const [sizeZ, sizeY, gap] = [abs(z), abs(y), sub(z, y)];
  const f = where(less(0, mul(z, y)), exp(mul(-2, min(sizeZ, sizeY))), 1);
  const size = div(
    mul(mul(-2, f), expm1(mul(-2, abs(gap)))),
    mul(add(1, exp(mul(-2, sizeZ))), add(1, exp(mul(-2, sizeY)))),
  );
  return where(less(gap, 0), negate(size), size);
};

/** B_2k / (2k+1)! for k = 1 ... 5 (Lewin 1981, section 1.8): with u <= log 2 the rest is below 1e-12. */
const dilogarithm = [1 / 36, -1 / 3600, 1 / 211680, -1 / 10886400, 1 / 526901760];

/** S(z) = -Li2(-e^z): for z <= 0 a series in u = log(1 + e^z), for z > 0 pi^2 / 6 + z^2 / 2 - S(-z). */
const softplusIntegral = (z: Expression, tail: (e: Expression) => Expression): Expression => {
  const u = tail(exp(negate(abs(z))));
  const u2 = square(u);
  const series = dilogarithm.reduceRight<Expression>((sum, c) => add(c, mul(u2, sum)), constant(0));
  const below = add(u, add(mul(0.25, u2), mul(mul(u, u2), series)));
  return where(less(0, z), sub(add(Math.PI ** 2 / 6, mul(0.5, square(z))), below), below);
};

/** Both orders, averaged: kernels keep NaN on one side only. Halves first, as the sum may overflow. */
const bothOrders = (f: typeof min, a: Expression, b: Expression): Expression => {
  if (a.kind === 'constant') return f(b, a);
  if (b.kind === 'constant') return f(a, b);
  return add(mul(0.5, f(a, b)), mul(0.5, f(b, a)));
};

/**
 * Writes composite operations (softplus, log2cosh, softplusIntegral, transferDifference; log1p, minimum and maximum
 * where the target needs it) by plain ones, in forms that lose no digits anywhere in their range.
 */
export const lowered = (target: Lowering): ((e: Expression) => Expression) => {
  const tail = target.log1p ? log1p : log1pSmall;
  return fold<Expression>((node, visit) => {
    switch (node.kind) {
      case 'constant':
      case 'variable':
        return node;
      case 'unary': {
        const a = visit(node.argument);
        switch (node.operation) {
          case 'log1p':
            return target.log1p ? { ...node, argument: a } : log1pAnywhere(a);
          case 'softplus':
            return add(max(a, 0), tail(exp(negate(abs(a)))));
          case 'log2cosh':
            return add(abs(a), tail(exp(mul(-2, abs(a)))));
          case 'softplusIntegral':
            return softplusIntegral(a, tail);
          default:
            return { ...node, argument: a };
        }
      }
      case 'binary': {
        const [left, right] = [visit(node.left), visit(node.right)];
        if (node.operation === 'transferDifference') return transferDifference(left, right);
        if (target.losesNaN && node.operation === 'min') return bothOrders(min, left, right);
        if (target.losesNaN && node.operation === 'max') return bothOrders(max, left, right);
        return { ...node, left, right };
      }
      case 'where':
        return {
          ...node,
          left: visit(node.left),
          right: visit(node.right),
          then: visit(node.then),
          otherwise: visit(node.otherwise),
        };
    }
  });
};
