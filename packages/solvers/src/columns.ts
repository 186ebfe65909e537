import type { Matrix } from '@drnn/tensor';

/** Copies column j, in place. */
export const copyColumn = (from: Matrix, to: Matrix, j: number): void => {
  for (let i = j; i < from.data.length; i += from.columns) to.data[i] = from.data[i]!;
};

/** A diag(scale), in place. */
export const scaleColumns = (a: Matrix, scale: Float64Array): void => {
  for (let p = 0; p < a.rows; p++) {
    for (let j = 0; j < a.columns; j++) a.data[p * a.columns + j]! *= scale[j]!;
  }
};
