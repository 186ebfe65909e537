import { matrix, type Matrix } from '@drnn/tensor';

/** A recording passed through the leak of its network. */
export interface LeakyFiltered {
  /** `[time, column]`: y of each frame, made of the frames before it alone. NaN where there is nothing to start from. */
  readonly values: Matrix;
  /** `[time]`: 1 where in every column at least `settle` frames went in since its start or its last gap. */
  readonly settled: Uint8Array;
}

export interface LeakyFilterOptions {
  /** a = dt / tau. */
  readonly alpha: number;
  /** `[time]`: 1 at the first frame of each trial, where every column starts anew. */
  readonly startsTrial: Uint8Array;
  /** Frames that must have gone in; what is left of a wrong start by then is (1-a)^settle of it. */
  readonly settle: number;
}

/** The frames after which (1-a)^k is 0.01: what is not known of the start is then a hundredth. */
export const settlingFrames = (alpha: number): number =>
  alpha >= 1 ? 1 : Math.ceil(Math.log(0.01) / Math.log1p(-alpha));

/** sum a (1-a)^k s[t+k] over the frames up to a gap or the trial's end, its weights made to sum to 1. */
const guessOfStart = (s: Matrix, column: number, from: number, startsTrial: Uint8Array, alpha: number): number => {
  let [sum, total, weight] = [0, 0, alpha];
  for (let t = from; t < s.rows && weight > 1e-6 * alpha && (t === from || startsTrial[t] === 0); t++) {
    const value = s.data[t * s.columns + column]!;
    if (!Number.isFinite(value)) break;
    sum += weight * value;
    total += weight;
    weight *= 1 - alpha;
  }
  return sum / total;
};

/**
 * The leak of a network as a filter of what was recorded,
 *
 *     y[t+1] = (1-a) y[t] + a s[t]
 *
 * column by column. A network in the current form, x[t+1] = (1-a) x[t] + a (W s[t] + Win u[t] + b) with s = phi(x), is one
 * in the rate form of y and v, where v is u filtered alike: s = phi(W y + Win v + b), but for a start that fades as
 * (1-a)^t. Where a trial or the frames after a gap (NaN) begin, y is guessed from the frames that follow, by the same
 * filter run backwards: right for a state that stays, and of the right size for noise. Cost O(time x column).
 */
export const leakyFilter = (s: Matrix, { alpha, startsTrial, settle }: LeakyFilterOptions): LeakyFiltered => {
  const { rows, columns } = s;
  const values = matrix(rows, columns);
  const settled = new Uint8Array(rows).fill(1);
  for (let j = 0; j < columns; j++) {
    let y = Number.NaN;
    let since = 0;
    for (let t = 0; t < rows; t++) {
      const now = s.data[t * columns + j]!;
      if (startsTrial[t] === 1) y = Number.NaN;
      if (Number.isNaN(y) && Number.isFinite(now)) {
        y = guessOfStart(s, j, t, startsTrial, alpha);
        since = 0;
      }
      values.data[t * columns + j] = y;
      if (!(since >= settle) || Number.isNaN(y)) settled[t] = 0;
      y = Number.isFinite(now) ? (1 - alpha) * y + alpha * now : Number.NaN;
      since++;
    }
  }
  return { values, settled };
};
