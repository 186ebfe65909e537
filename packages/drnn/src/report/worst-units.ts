/** The `count` units with the lowest scores, worst first; units without a score are left out. */
export const worstUnits = (scores: Float64Array, count: number): readonly number[] =>
  Array.from(scores.keys())
    .filter((unit) => Number.isFinite(scores[unit]))
    .sort((a, b) => scores[a]! - scores[b]! || a - b)
    .slice(0, count);
