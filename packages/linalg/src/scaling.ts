import type { Matrix } from '@drnn/tensor';

/** A = 2^exponent (scaled), with the largest entry of `scaled` in [1/2, 1). A zero matrix has exponent 0. */
export interface Scaled {
  readonly scaled: Matrix;
  readonly exponent: number;
}

/**
 * A copy times a power of two, so that squares neither overflow nor vanish and small thresholds mean the same for
 * every matrix. Exact, but for entries some 1e300 below the largest.
 */
export const scaledByPowerOfTwo = (a: Matrix): Scaled => {
  let largest = 0;
  for (let i = 0; i < a.data.length; i++) largest = Math.max(largest, Math.abs(a.data[i]!));
  const exponent = largest === 0 ? 0 : exponentOf(largest);
  const scaled = { rows: a.rows, columns: a.columns, data: a.data.slice() };
  timesPowerOfTwo(scaled.data, -exponent);
  return { scaled, exponent };
};

/** Multiplies every entry by 2^exponent, in two factors, as 2^exponent itself may lie outside the range. */
export const timesPowerOfTwo = (values: Float64Array, exponent: number): void => {
  if (exponent === 0) return;
  const half = Math.trunc(exponent / 2);
  const [first, second] = [2 ** half, 2 ** (exponent - half)];
  for (let i = 0; i < values.length; i++) values[i] = values[i]! * first * second;
};

/** e with 2^(e - 1) <= value < 2^e, exact at powers of two and for subnormal numbers. */
const exponentOf = (value: number): number => {
  let exponent = Math.floor(Math.log2(value)) + 1;
  while (scaleOne(value, -exponent) >= 1) exponent++;
  while (scaleOne(value, -exponent) < 0.5) exponent--;
  return exponent;
};

const scaleOne = (value: number, exponent: number): number => {
  const half = Math.trunc(exponent / 2);
  return value * 2 ** half * 2 ** (exponent - half);
};
