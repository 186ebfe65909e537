/**
 * LU with partial pivoting where it lies, without allocation: what Newton's method takes thousands of times. L has a unit
 * diagonal; whole rows are exchanged.
 */

/** Columns that are eliminated before the rest of the matrix is updated, once for all of them. */
const PANEL = 8;

/**
 * Factors a `[n, n]`; row i was exchanged with row pivots[i]. Returns the sign of the determinant: 0 when a pivot is
 * exactly 0, after which the factor is not to be solved with. Cost 2/3 n^3.
 */
export const factor = (a: Float64Array, n: number, pivots: Int32Array): number => {
  let sign = 1;
  for (let start = 0; start < n; start += PANEL) {
    const end = Math.min(start + PANEL, n);
    for (let j = start; j < end; j++) {
      let pivot = j;
      let largest = Math.abs(a[j * n + j]!);
      for (let i = j + 1; i < n; i++) {
        const size = Math.abs(a[i * n + j]!);
        if (size > largest) {
          largest = size;
          pivot = i;
        }
      }
      pivots[j] = pivot;
      // NaN never compares as larger, so that it is caught here too.
      if (!(largest > 0)) return 0;
      const rowJ = j * n;
      if (pivot !== j) {
        sign = -sign;
        const rowP = pivot * n;
        for (let c = 0; c < n; c++) {
          const kept = a[rowJ + c]!;
          a[rowJ + c] = a[rowP + c]!;
          a[rowP + c] = kept;
        }
      }
      const diagonal = a[rowJ + j]!;
      if (diagonal < 0) sign = -sign;
      const reciprocal = 1 / diagonal;
      for (let i = j + 1; i < n; i++) {
        const row = i * n;
        const l = a[row + j]! * reciprocal;
        a[row + j] = l;
        for (let c = j + 1; c < end; c++) a[row + c]! -= l * a[rowJ + c]!;
      }
    }
    if (end === n) break;
    for (let i = start + 1; i < end; i++) {
      const row = i * n;
      for (let k = start; k < i; k++) {
        const l = a[row + k]!;
        const rowK = k * n;
        for (let c = end; c < n; c++) a[row + c]! -= l * a[rowK + c]!;
      }
    }
    updateRest(a, n, start, end);
  }
  return sign;
};

/** A22 -= L21 U12 for a full panel of 8 columns: two rows at a time, each entry touched once. */
const updateRest = (a: Float64Array, n: number, start: number, end: number): void => {
  const u0 = start * n;
  const u1 = u0 + n;
  const u2 = u1 + n;
  const u3 = u2 + n;
  const u4 = u3 + n;
  const u5 = u4 + n;
  const u6 = u5 + n;
  const u7 = u6 + n;
  let i = end;
  for (; i + 1 < n; i += 2) {
    const p = i * n;
    const q = p + n;
    const l = p + start;
    const m = q + start;
    const p0 = a[l]!;
    const p1 = a[l + 1]!;
    const p2 = a[l + 2]!;
    const p3 = a[l + 3]!;
    const p4 = a[l + 4]!;
    const p5 = a[l + 5]!;
    const p6 = a[l + 6]!;
    const p7 = a[l + 7]!;
    const q0 = a[m]!;
    const q1 = a[m + 1]!;
    const q2 = a[m + 2]!;
    const q3 = a[m + 3]!;
    const q4 = a[m + 4]!;
    const q5 = a[m + 5]!;
    const q6 = a[m + 6]!;
    const q7 = a[m + 7]!;
    for (let c = end; c < n; c++) {
      const v0 = a[u0 + c]!;
      const v1 = a[u1 + c]!;
      const v2 = a[u2 + c]!;
      const v3 = a[u3 + c]!;
      let s = a[p + c]! - p0 * v0 - p1 * v1 - p2 * v2 - p3 * v3;
      let t = a[q + c]! - q0 * v0 - q1 * v1 - q2 * v2 - q3 * v3;
      const v4 = a[u4 + c]!;
      const v5 = a[u5 + c]!;
      const v6 = a[u6 + c]!;
      const v7 = a[u7 + c]!;
      s -= p4 * v4 + p5 * v5 + p6 * v6 + p7 * v7;
      t -= q4 * v4 + q5 * v5 + q6 * v6 + q7 * v7;
      a[p + c] = s;
      a[q + c] = t;
    }
  }
  for (; i < n; i++) {
    const p = i * n;
    for (let c = end; c < n; c++) {
      let s = a[p + c]!;
      for (let k = start; k < end; k++) s -= a[p + k]! * a[k * n + c]!;
      a[p + c] = s;
    }
  }
};

/** x <- A^-1 x with a factor of `factor`. Cost 2 n^2. */
export const solve = (lu: Float64Array, n: number, pivots: Int32Array, x: Float64Array): void => {
  for (let i = 0; i < n; i++) {
    const pivot = pivots[i]!;
    const kept = x[pivot]!;
    x[pivot] = x[i]!;
    x[i] = kept;
  }
  for (let i = 1; i < n; i++) {
    const row = i * n;
    let s = x[i]!;
    for (let k = 0; k < i; k++) s -= lu[row + k]! * x[k]!;
    x[i] = s;
  }
  for (let i = n - 1; i >= 0; i--) {
    const row = i * n;
    let s = x[i]!;
    for (let k = i + 1; k < n; k++) s -= lu[row + k]! * x[k]!;
    x[i] = s / lu[row + i]!;
  }
};

/** x <- A'^-1 x with a factor of `factor`: rows of the factor are read as they lie. Cost 2 n^2. */
export const solveTransposed = (lu: Float64Array, n: number, pivots: Int32Array, x: Float64Array): void => {
  for (let i = 0; i < n; i++) {
    const row = i * n;
    const v = x[i]! / lu[row + i]!;
    x[i] = v;
    for (let k = i + 1; k < n; k++) x[k]! -= lu[row + k]! * v;
  }
  for (let i = n - 1; i > 0; i--) {
    const row = i * n;
    const v = x[i]!;
    for (let k = 0; k < i; k++) x[k]! -= lu[row + k]! * v;
  }
  for (let i = n - 1; i >= 0; i--) {
    const pivot = pivots[i]!;
    const kept = x[pivot]!;
    x[pivot] = x[i]!;
    x[i] = kept;
  }
};
