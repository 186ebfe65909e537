/** The share of starts that end at a point. */
export interface Basin {
  /** The index of the stable point; null for the starts that ended at none within the steps. */
  readonly point: number | null;
  readonly starts: number;
  readonly fraction: number;
  /** Wilson's 95% interval. */
  readonly interval: readonly [low: number, high: number];
}

/** Wilson 1927: the p with |p - k / n| <= 1.96 sqrt(p (1 - p) / n). */
const wilson = (hits: number, total: number): readonly [number, number] => {
  const z = 1.959963984540054;
  const p = hits / total;
  const centre = (p + (z * z) / (2 * total)) / (1 + (z * z) / total);
  const half = (z * Math.sqrt((p * (1 - p)) / total + (z * z) / (4 * total * total))) / (1 + (z * z) / total);
  // At 0 and 1 rounding would leave the share out.
  return [Math.max(0, Math.min(p, centre - half)), Math.min(1, Math.max(p, centre + half))];
};

/**
 * The shares of runs that ended at each point, by the index of the point that each came to, -1 for none: of all points in
 * `stable`, of others that were come to, and of no point where there are such runs. They sum up to 1. No run: no shares.
 */
export const basinShares = (ends: ArrayLike<number>, stable: readonly number[]): readonly Basin[] => {
  const total = ends.length;
  if (total === 0) return [];
  const counts = new Map<number, number>(stable.map((point) => [point, 0]));
  for (let k = 0; k < total; k++) counts.set(ends[k]!, (counts.get(ends[k]!) ?? 0) + 1);
  return [...counts].map(([point, hits]) => ({
    point: point < 0 ? null : point,
    starts: hits,
    fraction: hits / total,
    interval: wilson(hits, total),
  }));
};
