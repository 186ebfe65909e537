import { matrix, type Matrix } from '@drnn/tensor';

/** Units in groups: the name of each group, and the place of each unit's among them. */
export interface Groups {
  readonly names: readonly string[];
  /** [unit]. */
  readonly index: Int32Array;
}

/** Weights by pair of groups, [target group, source group], self-connections left out; NaN where there is no pair of units. */
export interface GroupWeights {
  readonly mean: Matrix;
  /** Root mean square. */
  readonly size: Matrix;
  /** Units of each group. */
  readonly units: Int32Array;
}

/** Averages W [unit, unit], row = target, over the units of each pair of groups. */
export const groupWeights = (W: Matrix, { names, index }: Groups): GroupWeights => {
  const count = names.length;
  const [mean, size, pairs] = [matrix(count, count), matrix(count, count), matrix(count, count)];
  const units = new Int32Array(count);
  for (let i = 0; i < W.rows; i++) {
    units[index[i]!]!++;
    for (let j = 0; j < W.columns; j++) {
      if (i === j) continue;
      const at = index[i]! * count + index[j]!;
      const w = W.data[i * W.columns + j]!;
      mean.data[at]! += w;
      size.data[at]! += w * w;
      pairs.data[at]!++;
    }
  }
  for (let at = 0; at < mean.data.length; at++) {
    mean.data[at]! /= pairs.data[at]!;
    size.data[at] = Math.sqrt(size.data[at]! / pairs.data[at]!);
  }
  return { mean, size, units };
};
