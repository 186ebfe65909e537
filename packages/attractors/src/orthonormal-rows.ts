/** Below this part of its length before, what is left of a row is rounding. */
const NOTHING = 1e-14;

/**
 * Makes the rows of V `[count, n]` orthonormal, in place, by Gram and Schmidt twice over: V = R Q with R lower triangular
 * and its diagonal not negative. `growth`, `[count]`, becomes ln R_dd, -Infinity for a row that depends on those before
 * it, which then becomes some other direction. `lower`, if given, becomes R, `[count, count]`. Cost 8 n count^2 / 2.
 */
export const orthonormaliseRows = (
  v: Float64Array,
  count: number,
  n: number,
  growth: Float64Array,
  lower?: Float64Array,
): void => {
  lower?.fill(0, 0, count * count);
  for (let d = 0; d < count; d++) {
    const row = d * n;
    const before = lengthOf(v, row, n);
    for (let round = 0; round < 2; round++) projectOut(v, d, n, lower, count);
    const length = lengthOf(v, row, n);
    if (length > NOTHING * before && length > 0) {
      growth[d] = Math.log(length);
      if (lower !== undefined) lower[d * count + d] = length;
      for (let j = 0; j < n; j++) v[row + j]! /= length;
    } else {
      growth[d] = Number.NEGATIVE_INFINITY;
      replace(v, d, n);
    }
  }
};

/** |row| from `at` on, without overflow of its square. */
const lengthOf = (v: Float64Array, at: number, n: number): number => {
  let sum = 0;
  for (let j = 0; j < n; j++) sum += v[at + j]! * v[at + j]!;
  if (sum > 1e-280 && sum < 1e280) return Math.sqrt(sum);
  let largest = 0;
  for (let j = 0; j < n; j++) largest = Math.max(largest, Math.abs(v[at + j]!));
  if (!(largest > 0 && largest < Infinity)) return largest;
  sum = 0;
  for (let j = 0; j < n; j++) sum += (v[at + j]! / largest) ** 2;
  return largest * Math.sqrt(sum);
};

/** Row d without its parts along the rows before it, one after the other. */
const projectOut = (v: Float64Array, d: number, n: number, lower: Float64Array | undefined, count: number): void => {
  const row = d * n;
  for (let e = 0; e < d; e++) {
    const other = e * n;
    let dot = 0;
    for (let j = 0; j < n; j = (j + 1) | 0) dot += v[(row + j) | 0]! * v[(other + j) | 0]!;
    for (let j = 0; j < n; j = (j + 1) | 0) v[(row + j) | 0] = v[(row + j) | 0]! - dot * v[(other + j) | 0]!;
    if (lower !== undefined) lower[d * count + e]! += dot;
  }
};

/** Row d becomes the first axis that the rows before it do not span, made orthonormal to them. */
const replace = (v: Float64Array, d: number, n: number): void => {
  const row = d * n;
  for (let axis = 0; axis < n; axis++) {
    v.fill(0, row, row + n);
    v[row + ((d + axis) % n)] = 1;
    projectOut(v, d, n, undefined, 0);
    projectOut(v, d, n, undefined, 0);
    const length = lengthOf(v, row, n);
    // Among n axes there is one of which as much as this is left, while d < n.
    if (length * length * 2 * n < 1) continue;
    for (let j = 0; j < n; j++) v[row + j]! /= length;
    return;
  }
};
