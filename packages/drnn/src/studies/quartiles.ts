/** The middle of a sample and its spread. */
export interface Quartiles {
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
  /** How many there are. */
  readonly count: number;
}

/** The quantile of sorted values, linear between the order statistics at (n - 1) p (type 7 of Hyndman & Fan 1996). */
const quantile = (sorted: readonly number[], p: number): number => {
  const place = (sorted.length - 1) * p;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
};

/** Quartiles of the finite values; NaN where there is none. */
export const quartiles = (values: readonly number[]): Quartiles => {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  return {
    lower: quantile(sorted, 0.25),
    median: quantile(sorted, 0.5),
    upper: quantile(sorted, 0.75),
    count: sorted.length,
  };
};
