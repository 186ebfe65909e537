import type { Matrix } from '@drnn/tensor';

/** Sizes of the weights that may differ from zero. */
export interface WeightStatistics {
  readonly count: number;
  readonly mean: number;
  readonly deviation: number;
  readonly largest: number;
  /** Every entry of the diagonal is exactly zero. */
  readonly zeroDiagonal: boolean;
  /** Entries off the diagonal that are exactly zero. */
  readonly zeros: number;
}

/** Mean, standard deviation and largest size over the entries of W that are not exactly zero. */
export const weightStatistics = (W: Matrix): WeightStatistics => {
  let [count, sum, squares, largest, zeros, zeroDiagonal] = [0, 0, 0, 0, 0, W.rows > 0];
  for (let i = 0; i < W.rows; i++) {
    for (let j = 0; j < W.columns; j++) {
      const value = W.data[i * W.columns + j]!;
      if (value === 0) {
        if (i !== j) zeros++;
        continue;
      }
      if (i === j) zeroDiagonal = false;
      if (!Number.isFinite(value)) continue;
      count++;
      sum += value;
      squares += value * value;
      largest = Math.max(largest, Math.abs(value));
    }
  }
  const mean = count > 0 ? sum / count : Number.NaN;
  const deviation = count > 0 ? Math.sqrt(Math.max(0, squares / count - mean * mean)) : Number.NaN;
  return { count, mean, deviation, largest: count > 0 ? largest : Number.NaN, zeroDiagonal, zeros };
};

/** A histogram: how many of `values` that are not exactly zero fall into each of `bins` equal bins of [-limit, limit]. */
export const symmetricHistogram = (
  values: Float64Array,
  limit: number,
  bins: number,
): readonly { readonly from: number; readonly to: number; readonly count: number }[] => {
  const counts = new Float64Array(bins);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value === 0 || !Number.isFinite(value)) continue;
    const bin = Math.floor(((value / limit + 1) / 2) * bins);
    counts[Math.min(bins - 1, Math.max(0, bin))]! += 1;
  }
  const edge = (index: number): number => limit * ((2 * index) / bins - 1);
  return Array.from(counts, (count, index) => ({ from: edge(index), to: edge(index + 1), count }));
};
