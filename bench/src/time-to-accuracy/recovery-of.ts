import type { Matrix } from '@drnn/tensor';

/** How near an estimate comes to the true weights, over all entries of W, the diagonal included. */
export interface Recovery {
  readonly correlation: number;
  /** sum W W^ / sum W W. */
  readonly slope: number;
  /** Root mean square error over the standard deviation of W: 1 is as bad as W^ = 0. */
  readonly relativeError: number;
}

/** W [unit, unit], row = target; theta [predictor, unit], whose first rows are its transpose. */
export const recoveryOf = (W: Matrix, theta: Matrix): Recovery => {
  const n = W.rows * W.columns;
  let [sw, st, ww, tt, wt, error] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < W.rows; i++) {
    for (let j = 0; j < W.columns; j++) {
      const w = W.data[i * W.columns + j]!;
      const t = theta.data[j * theta.columns + i]!;
      sw += w;
      st += t;
      ww += w * w;
      tt += t * t;
      wt += w * t;
      error += (w - t) ** 2;
    }
  }
  const variance = ww / n - (sw / n) ** 2;
  return {
    correlation: (wt / n - (sw / n) * (st / n)) / Math.sqrt(variance * (tt / n - (st / n) ** 2)),
    slope: wt / ww,
    relativeError: Math.sqrt(error / n / variance),
  };
};
