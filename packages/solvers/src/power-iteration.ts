import { type Host, matrix, type Matrix } from '@drnn/tensor';

/**
 * The largest eigenvalue of a symmetric positive semidefinite matrix, from below, by power iteration from a fixed start
 * without structure. After k products the quotient lacks a part of about ln(n) / k at most, whatever the spectrum
 * (Kuczynski & Wozniakowski 1992). Default 100 products. Cost 2 n^2 each.
 */
export const largestEigenvalue = (host: Pick<Host, 'matMul'>, a: Matrix, products = 100): number => {
  let v = matrix(
    a.rows,
    1,
    Float64Array.from({ length: a.rows }, (_, p) => 1 + 0.5 * Math.sin(12.9898 * (p + 1))),
  );
  let largest = 0;
  for (let k = 0; k < products; k++) {
    const next = host.matMul(a, v);
    let [along, square, before] = [0, 0, 0];
    for (let p = 0; p < a.rows; p++) {
      along += v.data[p]! * next.data[p]!;
      square += next.data[p]! ** 2;
      before += v.data[p]! ** 2;
    }
    if (!(square > 0)) return largest;
    largest = Math.max(largest, along / before);
    const norm = Math.sqrt(square);
    for (let p = 0; p < a.rows; p++) next.data[p]! /= norm;
    v = next;
  }
  return largest;
};
