/** Numbers from 0 to below a size, of which the least is known at once. */
export interface OrderedSet {
  /** In if it was out, out if it was in. */
  readonly toggle: (key: number) => void;
  /** The least, or -1. */
  readonly first: () => number;
  readonly clear: () => void;
}

/**
 * A tree of bits, each above 32 below, that says whether any of those is set. Cost of a change a few words; size / 31 words
 * of memory. Source: van Emde Boas 1975; as a column of a coboundary matrix Bauer et al. 2017 (PHAT).
 */
export const orderedSet = (size: number): OrderedSet => {
  const levels: Uint32Array[] = [];
  let length = Math.max(1, size);
  do {
    length = Math.ceil(length / 32);
    levels.push(new Uint32Array(length));
  } while (length > 1);
  const leaves = levels[0]!;
  const height = levels.length;
  const toggle = (key: number): void => {
    let at = key >>> 5;
    const before = leaves[at]!;
    const after = (before ^ (1 << (key & 31))) >>> 0;
    leaves[at] = after;
    if (before !== 0 && after !== 0) return;
    const isIn = after !== 0;
    for (let level = 1; level < height; level++) {
      const words = levels[level]!;
      const bit = 1 << (at & 31);
      at >>>= 5;
      const old = words[at]!;
      const now = (isIn ? old | bit : old & ~bit) >>> 0;
      words[at] = now;
      if (isIn ? old !== 0 : now !== 0) return;
    }
  };
  const first = (): number => {
    let at = 0;
    for (let level = height - 1; level >= 0; level--) {
      const word = levels[level]![at]!;
      if (word === 0) return -1;
      at = at * 32 + 31 - Math.clz32(word & -word);
    }
    return at;
  };
  return {
    toggle,
    first,
    clear: () => {
      for (let key = first(); key >= 0; key = first()) {
        // A whole word at once.
        const word = key >>> 5;
        leaves[word] = (1 << (key & 31)) >>> 0;
        toggle(key);
      }
    },
  };
};
