import { type Matrix, matrix } from '@drnn/tensor';
import { addProduct, type Block, blockOf, transposed } from './product.js';

/**
 * Reflections I - tau_k v_k v_k' in a row as one: I - V T V' (Schreiber and Van Loan 1989), which acts by products.
 * It touches rows from `start` on; V [rows, width] is unit lower trapezoidal, T [width, width] upper triangular.
 */
export interface BlockReflection {
  readonly start: number;
  readonly v: Matrix;
  readonly t: Matrix;
}

/**
 * The product of the reflections whose v_k are the columns of `stored`, below the diagonal, with 1 on it (what `stored`
 * has on and above the diagonal does not matter): T[:k, k] = -tau_k T V' v_k, T[k, k] = tau_k.
 */
export const blockReflection = (stored: Block, start: number, rows: number, tau: Float64Array): BlockReflection => {
  const width = tau.length;
  const v = matrix(rows, width);
  for (let i = 0; i < rows; i++) {
    const row = stored.offset + i * stored.rowStride;
    for (let j = 0; j < Math.min(i, width); j++) v.data[i * width + j] = stored.values[row + j * stored.columnStride]!;
    if (i < width) v.data[i * width + i] = 1;
  }
  const overlaps = matrix(width, width);
  addProduct(width, width, rows, 1, transposed(blockOf(v)), blockOf(v), blockOf(overlaps));
  const t = matrix(width, width);
  for (let k = 0; k < width; k++) {
    const scale = tau[k]!;
    t.data[k * width + k] = scale;
    for (let i = 0; i < k; i++) {
      let sum = 0;
      for (let j = i; j < k; j++) sum += t.data[i * width + j]! * overlaps.data[j * width + k]!;
      t.data[i * width + k] = -scale * sum;
    }
  }
  return { start, v, t };
};

/** Columns [from, ...) of C become (I - V T V') C, or its transpose times C. Cost 4 rows x width x columns. */
export const reflectBlock = ({ start, v, t }: BlockReflection, c: Matrix, from: number, transpose: boolean): void => {
  const width = v.columns;
  const columns = c.columns - from;
  const inner = matrix(width, columns);
  addProduct(width, columns, v.rows, 1, transposed(blockOf(v)), blockOf(c, start, from), blockOf(inner));
  const turned = matrix(width, columns);
  const middle = transpose ? transposed(blockOf(t)) : blockOf(t);
  addProduct(width, columns, width, 1, middle, blockOf(inner), blockOf(turned));
  addProduct(v.rows, columns, width, -1, blockOf(v), blockOf(turned), blockOf(c, start, from));
};

/** Reflections that are taken together. */
const blockWidth = 24;

/**
 * The product H_0 H_1 ... of reflections that are stored as the columns of `stored`, the first of which begins at row
 * `shift` of the result [order, order]. From the last block to the first, each touches only what is no longer the
 * identity. Cost 4/3 order^3.
 */
export const productOfReflections = (stored: Block, order: number, shift: number, tau: Float64Array): Matrix => {
  const result = matrix(order, order);
  for (let i = 0; i < order; i++) result.data[i * order + i] = 1;
  const blocks = Math.ceil(tau.length / blockWidth);
  for (let q = blocks - 1; q >= 0; q--) {
    const first = q * blockWidth;
    const last = Math.min(first + blockWidth, tau.length);
    const start = shift + first;
    const corner = { ...stored, offset: stored.offset + first * (stored.rowStride + stored.columnStride) };
    reflectBlock(blockReflection(corner, start, order - start, tau.subarray(first, last)), result, start, false);
  }
  return result;
};
