/**
 * Weights exp(-1 / (s (1 - s))) at s = (k + 1/2) / count, which sum up to 1. Averages with them along a quasi-periodic
 * orbit converge faster than any power of its length, where plain ones have an error of 1 / length (Das, Saiki, Sander and
 * Yorke 2017); along a chaotic one they are no better.
 */
export const bumpWeights = (count: number): Float64Array => {
  const weights = Float64Array.from({ length: count }, (_, k) => {
    const s = (k + 0.5) / count;
    return Math.exp(-1 / (s * (1 - s)));
  });
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
};
