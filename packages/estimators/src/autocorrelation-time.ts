import type { Matrix } from '@drnn/tensor';

/** Lags that may be summed: half of a run of the sample. */
const mostLags = 128;
/** Sokal's window: the sum ends at the first lag of at least so many times itself. */
const window = 5;

/**
 * The integrated autocorrelation time of residuals, tau = 1 + 2 sum over k of rho_k, at least 1: how many frames make
 * one independent sample. rho_k is pooled over units, between rows whose frames lie k apart; the sum ends by Sokal's
 * window (Sokal 1997, section 3) at the first lag k >= 5 tau, at the first correlation below .05, or
 * after 128. `residuals` [row, unit] are standardised, 0 where there is none.
 */
export const autocorrelationTime = (residuals: Matrix, frames: Int32Array): number => {
  const { rows, columns, data } = residuals;
  let power = 0;
  for (let i = 0; i < data.length; i++) power += data[i]! ** 2;
  if (power === 0) return 1;
  const variance = power / data.length;
  let tau = 1;
  for (let lag = 1; lag <= mostLags && lag < rows; lag++) {
    let product = 0;
    let pairs = 0;
    for (let t = 0; t + lag < rows; t++) {
      if (frames[t + lag]! - frames[t]! !== lag) continue;
      pairs += columns;
      const [now, then] = [t * columns, (t + lag) * columns];
      for (let j = 0; j < columns; j++) product += data[now + j]! * data[then + j]!;
    }
    if (pairs === 0) break;
    const rho = product / pairs / variance;
    if (rho < 0.05) break;
    tau += 2 * rho;
    if (lag >= window * tau) break;
  }
  return tau;
};
