import type { FreePattern } from '@drnn/objectives';
import { matrix, type Matrix } from '@drnn/tensor';

/**
 * Sets the fixed coordinates of a [predictor, unit] matrix to 0, in place. Its columns are those of `units`, by default of
 * all.
 */
export const projectOut = (free: FreePattern, a: Matrix, units?: Int32Array): void => {
  const { rows, columns, data } = a;
  if (free.kind === 'one-fixed') {
    for (let c = 0; c < columns; c++) data[free.fixed[units?.[c] ?? c]! * columns + c] = 0;
  } else if (free.kind === 'sets') {
    for (let c = 0; c < columns; c++) {
      const set = free.sets[units?.[c] ?? c]!;
      let next = 0;
      for (let p = 0; p < rows; p++) {
        if (set[next] === p) next++;
        else data[p * columns + c] = 0;
      }
    }
  }
};

/** A_SS of a square matrix, for an ascending set: copied by runs of neighbours, as a set is most often all but one. */
export const principalSubmatrix = ({ columns, data }: Matrix, set: Int32Array): Matrix => {
  const order = set.length;
  const result = matrix(order, order);
  const ends = new Array<number>();
  for (let a = 1; a <= order; a++) if (a === order || set[a]! !== set[a - 1]! + 1) ends.push(a);
  for (let a = 0; a < order; a++) {
    const row = set[a]! * columns;
    let from = 0;
    for (const to of ends) {
      result.data.set(data.subarray(row + set[from]!, row + set[to - 1]! + 1), a * order + from);
      from = to;
    }
  }
  return result;
};

/** The free predictors of unit j, ascending. */
export const freeSet = (free: FreePattern, predictors: number, j: number): Int32Array => {
  if (free.kind === 'sets') return free.sets[j]!;
  const all = Int32Array.from({ length: predictors }, (_, p) => p);
  return free.kind === 'all' ? all : all.filter((p) => p !== free.fixed[j]);
};
