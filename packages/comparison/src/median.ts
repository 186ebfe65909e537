/** The middle of the numbers, the mean of the two where they are even; null of none. */
export const median = (values: readonly number[]): number | null => {
  const sorted = values.toSorted((p, q) => p - q);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  // Two infinite ones have a sum but no difference.
  return low === undefined || high === undefined ? null : low === high ? low : (low + high) / 2;
};
