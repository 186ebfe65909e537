import { randomStream, uniform } from '@drnn/simulator';
import { failure, type Matrix, matrix } from '@drnn/tensor';
import { principalComponents } from './principal-components.js';

export interface ParallelAnalysis {
  /** How many of the first components have more variance than chance gives them. */
  readonly rank: number;
  readonly variances: Float64Array;
  /** What each would have by chance: the quantile over surrogates. */
  readonly thresholds: Float64Array;
}

export interface ParallelAnalysisOptions {
  /** Default 50. */
  readonly surrogates?: number;
  /** Default 0.95. */
  readonly quantile?: number;
  /**
   * How surrogates are made of each unit on its own: `shift` turns its time by a random number of frames, which keeps how
   * smooth it is; `shuffle` puts frames in any order, for states that are no time series. Default shift.
   */
  readonly surrogate?: 'shift' | 'shuffle';
  /** Default 1. */
  readonly seed?: number;
}

/**
 * How many dimensions activity `[time, unit]` has beyond those that units have each on their own: components count while
 * their variance is above that of surrogates in which units know nothing of each other. Smooth activity needs `shift`:
 * shuffled frames have no slow directions at all, so that every slow one would count. Cost: as many principal components.
 * Errors: those of `principalComponents`; no surrogates. Source: Horn 1965.
 */
export const parallelAnalysis = (states: Matrix, options: ParallelAnalysisOptions = {}): ParallelAnalysis => {
  const { surrogates = 50, quantile = 0.95, surrogate = 'shift', seed = 1 } = options;
  if (!(Number.isInteger(surrogates) && surrogates >= 1)) {
    throw failure({ path: 'surrogates', seen: `${surrogates}`, expected: 'a whole number, 1 or more' });
  }
  const { rows, columns, data } = states;
  const { variances } = principalComponents(states);
  const stream = randomStream(seed, 'parallel analysis');
  const found = Array.from({ length: surrogates }, (_, k) => {
    const generator = stream(k);
    const other = matrix(rows, columns);
    const order = Int32Array.from({ length: rows }, (__, t) => t);
    for (let j = 0; j < columns; j++) {
      const shift = surrogate === 'shift' ? Math.floor(uniform(generator) * rows) : 0;
      if (surrogate === 'shuffle') {
        for (let t = rows - 1; t > 0; t--) {
          const from = Math.floor(uniform(generator) * (t + 1));
          [order[t], order[from]] = [order[from]!, order[t]!];
        }
      }
      for (let t = 0; t < rows; t++) other.data[t * columns + j] = data[order[(t + shift) % rows]! * columns + j]!;
    }
    return principalComponents(other).variances;
  });
  const thresholds = variances.map((_, k) => {
    const sorted = Float64Array.from(found, (each) => each[k]!).toSorted();
    return sorted[Math.min(surrogates - 1, Math.ceil(quantile * surrogates) - 1)] ?? 0;
  });
  const below = variances.findIndex((variance, k) => !(variance > thresholds[k]!));
  return { rank: below < 0 ? variances.length : below, variances, thresholds };
};
