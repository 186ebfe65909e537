import type { Numbers } from './blocks.js';
import { matrix, type Matrix } from './matrix.js';

/** Means of so many consecutive rows, the last of those that are left; rows come in order, in pieces of any height. */
export interface RowMeans {
  /** The next rows: `length` of them, from `values[offset]`. */
  add(values: Numbers, offset: number, length: number): void;
  /** [ceil(time / group), column], once all rows were added. */
  result(): Matrix;
}

/** `group` >= 1 rows a mean; sums in float64. */
export const rowMeans = (time: number, columns: number, group: number): RowMeans => {
  const means = matrix(Math.ceil(time / group), columns);
  let row = 0;
  return {
    add: (values, offset, length) => {
      for (let i = 0, from = offset; i < length; i++, row++, from += columns) {
        const to = Math.floor(row / group) * columns;
        for (let c = 0; c < columns; c++) means.data[to + c]! += values[from + c]!;
      }
    },
    result: () => {
      for (let k = 0; k < means.rows; k++) {
        const weight = 1 / Math.min(group, time - k * group);
        for (let i = k * columns; i < (k + 1) * columns; i++) means.data[i]! *= weight;
      }
      return means;
    },
  };
};
