/**
 * Products of a rectangle of a matrix with a vector, and its change by outer products: rows [top, bottom), columns
 * [from, to) of A, whose rows are `stride` apart; vectors are indexed as the matrix is. Four rows at a time, so that
 * vectors are read a quarter as often and four sums run side by side.
 */

/** y[i] = sum_j A[i, j] v[j]. */
export const timesColumn = (
  a: Float64Array,
  stride: number,
  top: number,
  bottom: number,
  from: number,
  to: number,
  v: Float64Array,
  y: Float64Array,
): void => {
  let i = top;
  for (; i + 4 <= bottom; i += 4) {
    const r0 = (i * stride) | 0;
    const r1 = (r0 + stride) | 0;
    const r2 = (r1 + stride) | 0;
    const r3 = (r2 + stride) | 0;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let j = from | 0; j < to; j = (j + 1) | 0) {
      const x = v[j]!;
      s0 += a[(r0 + j) | 0]! * x;
      s1 += a[(r1 + j) | 0]! * x;
      s2 += a[(r2 + j) | 0]! * x;
      s3 += a[(r3 + j) | 0]! * x;
    }
    y[i] = s0;
    y[i + 1] = s1;
    y[i + 2] = s2;
    y[i + 3] = s3;
  }
  for (; i < bottom; i++) {
    let sum = 0;
    for (let j = from; j < to; j++) sum += a[i * stride + j]! * v[j]!;
    y[i] = sum;
  }
};

/** w[j] += sum_i u[i] A[i, j]. */
export const addTransposedTimes = (
  a: Float64Array,
  stride: number,
  top: number,
  bottom: number,
  from: number,
  to: number,
  u: Float64Array,
  w: Float64Array,
): void => {
  let i = top;
  for (; i + 4 <= bottom; i += 4) {
    const r0 = (i * stride) | 0;
    const r1 = (r0 + stride) | 0;
    const r2 = (r1 + stride) | 0;
    const r3 = (r2 + stride) | 0;
    const u0 = u[i]!;
    const u1 = u[i + 1]!;
    const u2 = u[i + 2]!;
    const u3 = u[i + 3]!;
    for (let j = from | 0; j < to; j = (j + 1) | 0) {
      w[j] = w[j]! + (u0 * a[(r0 + j) | 0]! + u1 * a[(r1 + j) | 0]!) + (u2 * a[(r2 + j) | 0]! + u3 * a[(r3 + j) | 0]!);
    }
  }
  for (; i < bottom; i++) {
    const ui = u[i]!;
    for (let j = from; j < to; j++) w[j] = w[j]! + ui * a[i * stride + j]!;
  }
};

/** A[i, j] -= u[i] w[j] + y[i] v[j]. */
export const subtractOuterProducts = (
  a: Float64Array,
  stride: number,
  top: number,
  bottom: number,
  from: number,
  to: number,
  u: Float64Array,
  w: Float64Array,
  y: Float64Array,
  v: Float64Array,
): void => {
  let i = top;
  for (; i + 2 <= bottom; i += 2) {
    const r0 = (i * stride) | 0;
    const r1 = (r0 + stride) | 0;
    const u0 = u[i]!;
    const u1 = u[i + 1]!;
    const y0 = y[i]!;
    const y1 = y[i + 1]!;
    for (let j = from | 0; j < to; j = (j + 1) | 0) {
      const wj = w[j]!;
      const vj = v[j]!;
      const k0 = (r0 + j) | 0;
      const k1 = (r1 + j) | 0;
      a[k0] = a[k0]! - u0 * wj - y0 * vj;
      a[k1] = a[k1]! - u1 * wj - y1 * vj;
    }
  }
  for (; i < bottom; i++) {
    const ui = u[i]!;
    const yi = y[i]!;
    for (let j = from; j < to; j++) {
      const k = i * stride + j;
      a[k] = a[k]! - ui * w[j]! - yi * v[j]!;
    }
  }
};

/** A[i, j] -= y[i] v[j]. */
export const subtractOuterProduct = (
  a: Float64Array,
  stride: number,
  top: number,
  bottom: number,
  from: number,
  to: number,
  y: Float64Array,
  v: Float64Array,
): void => {
  for (let i = top; i < bottom; i++) {
    const row = (i * stride) | 0;
    const yi = y[i]!;
    if (yi === 0) continue;
    for (let j = from | 0; j < to; j = (j + 1) | 0) {
      const k = (row + j) | 0;
      a[k] = a[k]! - yi * v[j]!;
    }
  }
};
