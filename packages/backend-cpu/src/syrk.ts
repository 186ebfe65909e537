import type { Numbers } from '@drnn/tensor';
import type { Gemm, Strided } from './gemm.js';

/**
 * The lower triangle of G = A' diag(w) A + beta G for `rows` rows of A [row, column] that start at `offset`: half the
 * work of a product. `mirrorLower` completes it. Cost rows x columns^2 flop.
 */
export const syrkLower = (
  gemm: Gemm,
  rows: number,
  columns: number,
  values: Numbers,
  offset: number,
  g: Float64Array,
  beta: number,
  weights?: Numbers,
  weightsOffset = 0,
): void => {
  const transposed: Strided = { values, offset, rowStride: 1, columnStride: columns };
  const plain: Strided = { values, offset, rowStride: columns, columnStride: 1 };
  const target = { values: g, offset: 0, rowStride: columns };
  gemm(columns, columns, rows, transposed, plain, target, {
    alpha: 1,
    beta,
    lower: true,
    ...(weights === undefined ? {} : { weights, weightsOffset }),
  });
};

/** Copies the lower triangle to the upper one. In blocks, so that neither side walks memory in long strides. */
export const mirrorLower = (g: Float64Array, n: number): void => {
  const block = 32;
  for (let i0 = 0; i0 < n; i0 += block) {
    for (let j0 = 0; j0 <= i0; j0 += block) {
      for (let i = i0; i < Math.min(i0 + block, n); i++) {
        for (let j = j0; j < Math.min(j0 + block, i); j++) g[j * n + i] = g[i * n + j]!;
      }
    }
  }
};
