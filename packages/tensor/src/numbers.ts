import type { BinaryOperation, Comparison, UnaryOperation } from './expression.js';

/** The number of one operation: the meaning of the language, which every other interpreter must agree with. */
export const unaryNumber = (operation: UnaryOperation, a: number): number => {
  switch (operation) {
    case 'negate':
      return -a;
    case 'abs':
      return Math.abs(a);
    case 'square':
      return a * a;
    case 'sqrt':
      return Math.sqrt(a);
    case 'exp':
      return Math.exp(a);
    case 'expm1':
      return Math.expm1(a);
    case 'log':
      return Math.log(a);
    case 'log1p':
      return Math.log1p(a);
    case 'tanh':
      return Math.tanh(a);
    case 'atanh':
      return Math.atanh(a);
    case 'logistic':
      return a >= 0 ? 1 / (1 + Math.exp(-a)) : Math.exp(a) / (1 + Math.exp(a));
    case 'softplus':
      return Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)));
    case 'log2cosh':
      return Math.abs(a) + Math.log1p(Math.exp(-2 * Math.abs(a)));
    case 'softplusIntegral':
      return softplusIntegralNumber(a);
  }
};

/** Minimum and maximum return NaN when either side is NaN, as `Math.min` does. */
export const binaryNumber = (operation: BinaryOperation, a: number, b: number): number => {
  switch (operation) {
    case 'add':
      return a + b;
    case 'subtract':
      return a - b;
    case 'multiply':
      return a * b;
    case 'divide':
      return a / b;
    case 'min':
      return Math.min(a, b);
    case 'max':
      return Math.max(a, b);
    case 'transferDifference':
      return transferDifferenceNumber(a, b);
  }
};

export const holds = (comparison: Comparison, a: number, b: number): boolean =>
  comparison === 'less' ? a < b : a <= b;

/**
 * tanh z - tanh y = sinh(z - y) / (cosh z cosh y). With p = e^{-2|z|} and q = e^{-2|y|}, opposite signs add without
 * cancellation, and equal signs give sign * 2 (q - p) / ((1 + p)(1 + q)), where q - p = -q expm1(-2(|z| - |y|)).
 */
const transferDifferenceNumber = (z: number, y: number): number => {
  if (z < 0 !== y < 0) return Math.tanh(z) - Math.tanh(y);
  const [a, b] = [Math.abs(z), Math.abs(y)];
  // The larger magnitude leads, so that expm1 has a non-positive argument and cannot overflow.
  const [low, high] = a < b ? [a, b] : [b, a];
  const gap = high === low ? 0 : -Math.exp(-2 * low) * Math.expm1(2 * (low - high));
  const size = (2 * gap) / ((1 + Math.exp(-2 * low)) * (1 + Math.exp(-2 * high)));
  return (z < 0 ? -1 : 1) * (a < b ? -size : size);
};

/** Coefficients B_2k / (2k+1)! of the series of the dilogarithm in u = log(1 + e^z) (Lewin 1981, section 1.8). */
const dilogarithm = [
  1 / 36,
  -1 / 3600,
  1 / 211680,
  -1 / 10886400,
  1 / 526901760,
  -4.0647616451442256e-11,
  8.921691020456453e-13,
  -1.9939295860721074e-14,
  4.518980029619918e-16,
  -1.0356517612182471e-17,
];

/** -Li2(-e^z): for z <= 0 with u = log(1 + e^z) it is u + u^2/4 + sum of coefficients u^(2k+1); else by reflection. */
const softplusIntegralNumber = (z: number): number => {
  if (z > 0) return (Math.PI * Math.PI) / 6 + (z * z) / 2 - softplusIntegralNumber(-z);
  const u = Math.log1p(Math.exp(z));
  const u2 = u * u;
  let series = 0;
  for (let k = dilogarithm.length - 1; k >= 0; k--) series = series * u2 + dilogarithm[k]!;
  return u + u2 / 4 + u * u2 * series;
};
