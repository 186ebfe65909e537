/** The median of finite numbers; NaN of none. The values stay as they are. Cost O(n) on average. */
export const medianOf = (values: Float64Array): number => {
  const { length } = values;
  if (length === 0) return Number.NaN;
  const own = values.slice();
  const middle = length >> 1;
  const upper = select(own, middle);
  if (length % 2 === 1) return upper;
  let lower = -Infinity;
  for (let i = 0; i < middle; i++) lower = Math.max(lower, own[i]!);
  return (lower + upper) / 2;
};

/** The k-th smallest, from 0; afterwards those before it are no larger, those behind no smaller (Hoare 1961). */
const select = (values: Float64Array, k: number): number => {
  let from = 0;
  let to = values.length - 1;
  while (from < to) {
    const pivot = middleOf(values[from]!, values[(from + to) >> 1]!, values[to]!);
    let [i, j] = [from, to];
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const value = values[i]!;
      values[i++] = values[j]!;
      values[j--] = value;
    }
    if (k <= j) to = j;
    else if (k >= i) from = i;
    else break;
  }
  return values[k]!;
};

const middleOf = (a: number, b: number, c: number): number => Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
