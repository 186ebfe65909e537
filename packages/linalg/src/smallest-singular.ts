import { matrix, type Matrix } from '@drnn/tensor';
import type { LinearMap } from './gmres.js';
import { largestSingularTriplet, type SingularTriplet } from './lanczos.js';
import { type LuFactor, luSolveInPlace } from './lu.js';
import { product } from './product.js';
import { svd } from './svd.js';

/** Up to this order the whole decomposition is quicker than the iteration. */
const smallOrder = 20;

/**
 * The smallest singular value of A from its LU factor, with vectors: 1 / value = |A^-1|_2. Golub-Kahan-Lanczos on A^-1
 * until the value is settled to `tolerance` (default 1e-10, relative; 1 / value is approached from below); where 160
 * steps do not do that, A is put together again from its factor and `svd` answers. A singular matrix has value 0 (to
 * rounding) and its null vectors. Of order 0: value Infinity. Cost 4 n^2 a step.
 */
export const smallestSingularTriplet = (factor: LuFactor, tolerance = 1e-10): SingularTriplet => {
  const n = factor.order;
  if (n === 0) return { value: Infinity, left: new Float64Array(0), right: new Float64Array(0) };
  if (factor.zeroPivot < 0 && n > smallOrder) {
    const solve =
      (transpose: boolean): LinearMap =>
      (x, out) => {
        out.set(x);
        luSolveInPlace(factor, { rows: n, columns: 1, data: out }, transpose);
      };
    const found = largestSingularTriplet(solve(false), solve(true), n, n, tolerance);
    // The inverse maps left vectors of A to right ones.
    if (found !== null) return { value: 1 / found.value, left: found.right, right: found.left };
  }
  const { values, left, right } = svd(matrixOfFactor(factor));
  const column = (data: Float64Array): Float64Array => Float64Array.from({ length: n }, (_, i) => data[i * n + n - 1]!);
  return { value: values[n - 1]!, left: column(left.data), right: column(right.data) };
};

/** P' L U. */
const matrixOfFactor = (factor: LuFactor): Matrix => {
  const { order: n, packed, pivots } = factor;
  const lower = matrix(n, n);
  const upper = matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (j < i) lower.data[i * n + j] = packed.data[i * n + j]!;
      else upper.data[i * n + j] = packed.data[i * n + j]!;
    }
    lower.data[i * n + i] = 1;
  }
  const a = product(lower, upper);
  for (let i = n - 1; i >= 0; i--) {
    const j = pivots[i]!;
    if (j === i) continue;
    const row = a.data.slice(i * n, (i + 1) * n);
    a.data.copyWithin(i * n, j * n, (j + 1) * n);
    a.data.set(row, j * n);
  }
  return a;
};
