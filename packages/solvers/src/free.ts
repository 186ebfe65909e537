import type { FreePattern } from '@drnn/objectives';
import type { Matrix } from '@drnn/tensor';

/** Sets the fixed coordinates of a [predictor, unit] matrix to 0, in place. */
export const projectOut = (free: FreePattern, a: Matrix): void => {
  const { rows, columns, data } = a;
  if (free.kind === 'zero-diagonal') {
    for (let j = 0; j < columns; j++) data[j * columns + j] = 0;
  } else if (free.kind === 'sets') {
    free.sets.forEach((set, j) => {
      let next = 0;
      for (let p = 0; p < rows; p++) {
        if (set[next] === p) next++;
        else data[p * columns + j] = 0;
      }
    });
  }
};

/** The free predictors of unit j, ascending. */
export const freeSet = (free: FreePattern, predictors: number, j: number): Int32Array => {
  if (free.kind === 'sets') return free.sets[j]!;
  const all = Int32Array.from({ length: predictors }, (_, p) => p);
  return free.kind === 'all' ? all : all.filter((p) => p !== j);
};
