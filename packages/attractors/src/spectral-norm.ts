import type { Matrix } from '@drnn/tensor';
import { largestRowSum } from './equations.js';

/** Up to here the products of a sharp bound cost less than a few steps of Newton's method. */
const SHARP_UP_TO = 200;

const columnSums = ({ rows, columns, data }: Matrix): number => {
  const sums = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) sums[j]! += Math.abs(data[i * columns + j]!);
  return sums.reduce((largest, sum) => Math.max(largest, sum), 0);
};

/**
 * |A|_2 from above. Never less than |A|_2 but for rounding, which a factor 1 + 1e-12 covers; at most min(|A|_F,
 * sqrt(|A|_1 |A|_inf)), and up to 200 columns within a factor n^(1/128) (1.04 of 100 columns): with B = A'A / s,
 * |A|^2 <= s (tr B^64)^(1/64). Cost 7 n^3 below 200 columns, else n^2.
 */
export const spectralNormBound = (a: Matrix): number => {
  const { rows, columns, data } = a;
  let sum = 0;
  for (const value of data) sum += value * value;
  const frobenius = Math.sqrt(sum);
  const simple = Math.min(frobenius, Math.sqrt(columnSums(a) * largestRowSum(data, rows, columns)));
  if (simple === 0 || columns > SHARP_UP_TO || columns === 1) return simple * (1 + 1e-12);
  const n = columns;
  let b = new Float64Array(n * n);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < n; j++) {
      const v = data[i * n + j]! / simple;
      for (let k = 0; k < n; k++) b[j * n + k]! += v * (data[i * n + k]! / simple);
    }
  }
  // tr B^(2^k) as exp(log scale) tr b, rescaled before each squaring so that it can neither overflow nor vanish.
  let logScale = 0;
  let power = 1;
  let squared = new Float64Array(n * n);
  for (let k = 0; k < 6; k++) {
    let trace = 0;
    for (let i = 0; i < n; i++) trace += b[i * n + i]!;
    logScale = 2 * (logScale + Math.log(trace));
    for (let i = 0; i < n * n; i++) b[i]! /= trace;
    squared.fill(0);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const v = b[i * n + j]!;
        if (v === 0) continue;
        for (let c = 0; c < n; c++) squared[i * n + c]! += v * b[j * n + c]!;
      }
    }
    [b, squared] = [squared, b];
    power *= 2;
  }
  let trace = 0;
  for (let i = 0; i < n; i++) trace += b[i * n + i]!;
  const sharp = simple * Math.exp((logScale + Math.log(trace)) / (2 * power));
  return Math.min(simple, sharp) * (1 + 1e-12);
};
