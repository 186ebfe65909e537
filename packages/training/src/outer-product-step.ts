import type { Matrix } from '@drnn/tensor';

/**
 * A <- A - left right', then out += A x, in one sweep over A `[row, column]`: a rank-1 step of weights taken when they
 * are needed next. Nothing is allocated. Cost 2 rows x columns multiply-adds.
 */
export const outerProductStep = (
  a: Matrix,
  left: Float64Array,
  right: Float64Array,
  x: Float64Array,
  out: Float64Array,
): void => {
  const { rows, columns, data } = a;
  let i = 0;
  for (; i + 3 < rows; i += 4) {
    const l0 = left[i]!;
    const l1 = left[i + 1]!;
    const l2 = left[i + 2]!;
    const l3 = left[i + 3]!;
    const r0 = i * columns;
    const r1 = r0 + columns;
    const r2 = r1 + columns;
    const r3 = r2 + columns;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let j = 0; j < columns; j++) {
      const v = right[j]!;
      const u = x[j]!;
      const a0 = data[r0 + j]! - l0 * v;
      const a1 = data[r1 + j]! - l1 * v;
      const a2 = data[r2 + j]! - l2 * v;
      const a3 = data[r3 + j]! - l3 * v;
      data[r0 + j] = a0;
      data[r1 + j] = a1;
      data[r2 + j] = a2;
      data[r3 + j] = a3;
      s0 += a0 * u;
      s1 += a1 * u;
      s2 += a2 * u;
      s3 += a3 * u;
    }
    out[i]! += s0;
    out[i + 1]! += s1;
    out[i + 2]! += s2;
    out[i + 3]! += s3;
  }
  for (; i < rows; i++) {
    const start = i * columns;
    let sum = 0;
    for (let j = 0; j < columns; j++) {
      const value = data[start + j]! - left[i]! * right[j]!;
      data[start + j] = value;
      sum += value * x[j]!;
    }
    out[i]! += sum;
  }
};
