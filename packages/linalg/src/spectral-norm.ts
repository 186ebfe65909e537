import { type Matrix, transpose } from '@drnn/tensor';
import type { LinearMap } from './gmres.js';
import { largestSingularTriplet } from './lanczos.js';
import { expectFinite } from './operand.js';
import { scaledByPowerOfTwo } from './scaling.js';
import { singularValues } from './svd.js';

/**
 * |A|_2, the largest singular value, by Golub-Kahan-Lanczos to `tolerance` (default 1e-10, relative, from below); where
 * it does not settle in 160 steps, by all singular values. Cost 4 m n a step. Of an empty matrix: 0. Errors: not finite.
 */
export const spectralNorm = (a: Matrix, tolerance = 1e-10): number => {
  expectFinite('spectralNorm', a);
  if (a.data.every((value) => value === 0)) return 0;
  const { scaled, exponent } = scaledByPowerOfTwo(a);
  const times =
    ({ rows, columns, data }: Matrix): LinearMap =>
    (x, out) => {
      for (let i = 0; i < rows; i++) {
        let sum = 0;
        for (let j = 0; j < columns; j++) sum += data[i * columns + j]! * x[j]!;
        out[i] = sum;
      }
    };
  const found = largestSingularTriplet(times(scaled), times(transpose(scaled)), a.rows, a.columns, tolerance);
  const half = Math.trunc(exponent / 2);
  return found === null ? singularValues(a)[0]! : found.value * 2 ** half * 2 ** (exponent - half);
};
