import { matrix, type Matrix, refuse } from '@drnn/tensor';

/** The inverse covariance that recursive least squares keeps, shared by all units that see the same predictors. */
export interface RecursiveLeastSquares {
  readonly order: number;
  /**
   * Takes a sample x `[predictor]` in: P <- P - P x x' P / (1 + x' P x). Writes the gain k = P x, with the new P, and
   * returns x' k in [0, 1). The update of parameters is theta <- theta - error k; it moves the unit's prediction of this
   * very sample by -error x' k. Nothing is allocated; `gain` may not be x. Cost 3 n^2 multiply-adds, one sweep over
   * half of P.
   */
  absorb(x: Float64Array, gain: Float64Array): number;
  /** P as of now, `[predictor, predictor]`, copied. */
  inverse(): Matrix;
  /** Back to P = I / lambda. */
  reset(): void;
}

/**
 * Recursive least squares without forgetting (Plackett 1950; Haykin, Adaptive Filter Theory): with errors taken before
 * each update, z - y, the parameters after the samples x_1 ... x_t are exactly those of ridge regression,
 *
 *     argmin_theta sum_s (x_s . theta - y_s)^2 + lambda |theta - theta_0|^2,   P = (lambda I + sum_s x_s x_s')^-1
 *
 * Only the lower triangle of P is kept, so P is symmetric by construction. The rank-1 update of one sample is applied in
 * the same sweep that forms P x of the next. Throws a `DrnnError` for an order that is not a whole number >= 0 or a
 * lambda that is not positive.
 */
export const recursiveLeastSquares = (order: number, lambda: number): RecursiveLeastSquares => {
  refuse([
    ...(Number.isSafeInteger(order) && order >= 0
      ? []
      : [{ path: 'order', seen: `${order}`, expected: 'a whole number, 0 or more' }]),
    ...(lambda > 0 && lambda < Number.POSITIVE_INFINITY
      ? []
      : [{ path: 'lambda', seen: `${lambda}`, expected: 'a positive number' }]),
  ]);
  const data = new Float64Array(order * order);
  /** g with P = (what `data` holds) - g g'. */
  const pending = new Float64Array(order);
  const reset = (): void => {
    data.fill(0);
    for (let i = 0; i < order; i++) data[i * order + i] = 1 / lambda;
    pending.fill(0);
  };
  reset();
  return {
    order,
    reset,
    absorb: (x, gain) => {
      updateThenMultiply(data, order, pending, x, gain);
      let size = 0;
      for (let i = 0; i < order; i++) size += x[i]! * gain[i]!;
      const shrink = 1 / (1 + size);
      const root = Math.sqrt(shrink);
      for (let i = 0; i < order; i++) {
        const k = gain[i]!;
        pending[i] = k * root;
        gain[i] = k * shrink;
      }
      return size * shrink;
    },
    inverse: () => {
      const result = matrix(order, order);
      for (let i = 0; i < order; i++) {
        for (let j = 0; j <= i; j++) {
          const value = data[i * order + j]! - pending[i]! * pending[j]!;
          result.data[i * order + j] = value;
          result.data[j * order + i] = value;
        }
      }
      return result;
    },
  };
};

/** P <- P - g g', then out = P x, on the lower triangle of P `[n, n]`: four rows at a time, each entry touched once. */
const updateThenMultiply = (
  data: Float64Array,
  n: number,
  g: Float64Array,
  x: Float64Array,
  out: Float64Array,
): void => {
  out.fill(0);
  let i = 0;
  for (; i + 3 < n; i += 4) {
    const g0 = g[i]!;
    const g1 = g[i + 1]!;
    const g2 = g[i + 2]!;
    const g3 = g[i + 3]!;
    const x0 = x[i]!;
    const x1 = x[i + 1]!;
    const x2 = x[i + 2]!;
    const x3 = x[i + 3]!;
    const r0 = i * n;
    const r1 = r0 + n;
    const r2 = r1 + n;
    const r3 = r2 + n;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let j = 0; j < i; j++) {
      const v = g[j]!;
      const u = x[j]!;
      const a0 = data[r0 + j]! - g0 * v;
      const a1 = data[r1 + j]! - g1 * v;
      const a2 = data[r2 + j]! - g2 * v;
      const a3 = data[r3 + j]! - g3 * v;
      data[r0 + j] = a0;
      data[r1 + j] = a1;
      data[r2 + j] = a2;
      data[r3 + j] = a3;
      s0 += a0 * u;
      s1 += a1 * u;
      s2 += a2 * u;
      s3 += a3 * u;
      out[j]! += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3;
    }
    out[i]! += s0;
    out[i + 1]! += s1;
    out[i + 2]! += s2;
    out[i + 3]! += s3;
    for (let row = i; row < i + 4; row++) finishRow(data, n, g, x, out, row, i);
  }
  for (; i < n; i++) finishRow(data, n, g, x, out, i, 0);
};

/** The columns `[from, row]` of one row, the diagonal included. */
const finishRow = (
  data: Float64Array,
  n: number,
  g: Float64Array,
  x: Float64Array,
  out: Float64Array,
  row: number,
  from: number,
): void => {
  const start = row * n;
  let sum = 0;
  for (let j = from; j < row; j++) {
    const a = data[start + j]! - g[row]! * g[j]!;
    data[start + j] = a;
    sum += a * x[j]!;
    out[j]! += a * x[row]!;
  }
  const diagonal = data[start + row]! - g[row]! * g[row]!;
  data[start + row] = diagonal;
  out[row]! += sum + diagonal * x[row]!;
};
