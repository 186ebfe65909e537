import { failure, type Matrix } from '@drnn/tensor';
import { distancesOf } from './distances.js';

export interface CorrelationDimensionOptions {
  /** The part of all distances that are small. Default 0.02. */
  readonly part?: number;
  /** Frames nearer in time than this are no pair: they are near for that alone. Default 0, all pairs. */
  readonly apart?: number;
}

/**
 * The dimension of a cloud `[state, unit]` by how the number of pairs grows with their distance, C(r) ~ r^D: D = -1 / <ln
 * (d / r)> over pairs nearer than r. Noise has the dimension of the space: where it is as large as r, D says so. Cost T^2 N /
 * 2. Errors: fewer than 10 states; all of them equal. Source: Grassberger and Procaccia 1983; Takens 1985.
 */
export const correlationDimension = (states: Matrix, options: CorrelationDimensionOptions = {}): number => {
  const { part = 0.02, apart = 0 } = options;
  const { rows: n, data } = distancesOf(states);
  const near: number[] = [];
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++) if (i - j > apart && data[i * n + j]! > 0) near.push(data[i * n + j]!);
  if (n < 10 || near.length < 10) {
    throw failure({ path: 'states', seen: `${near.length} pairs apart`, expected: 'ten states or more that differ' });
  }
  const sorted = Float64Array.from(near).sort();
  const count = Math.max(5, Math.floor(part * sorted.length));
  const reach = sorted[count]!;
  let sum = 0;
  for (let k = 0; k < count; k++) sum += Math.log(sorted[k]! / reach);
  return -count / sum;
};
