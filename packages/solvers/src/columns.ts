import { type Host, matrix, type Matrix } from '@drnn/tensor';

/** Matrices of this height in the same memory, one after the other: each holds what the one before left there. */
export const columnRoom = (host: Pick<Host, 'zeros'>, rows: number): ((columns: number) => Matrix) => {
  let memory: Float64Array = new Float64Array();
  return (columns) => {
    if (memory.length < rows * columns) memory = host.zeros(rows, columns).data;
    return matrix(rows, columns, memory.subarray(0, rows * columns));
  };
};

/** Copies column j, in place. */
export const copyColumn = (from: Matrix, to: Matrix, j: number): void => {
  for (let i = j; i < from.data.length; i += from.columns) to.data[i] = from.data[i]!;
};

/** Whether both name the same units in the same order. */
export const sameUnits = (a: Int32Array, b: Int32Array): boolean =>
  a.length === b.length && a.every((j, c) => j === b[c]);

/** Writes columns to where they are in the whole: column c of `part` is column units[c] of `whole`. */
export const scatterColumns = (part: Matrix, units: Int32Array, whole: Matrix): void => {
  const width = part.columns;
  for (let p = 0; p < part.rows; p++) {
    for (let c = 0; c < width; c++) whole.data[p * whole.columns + units[c]!] = part.data[p * width + c]!;
  }
};

/** A diag(scale), in place. */
export const scaleColumns = (a: Matrix, scale: Float64Array): void => {
  for (let p = 0; p < a.rows; p++) {
    for (let j = 0; j < a.columns; j++) a.data[p * a.columns + j]! *= scale[j]!;
  }
};

// Sweeps take two rows at a time, whose lengths and sums are read once: up to twice as fast.

/** a_c' b_c and d_c' e_c of each column in one sweep. */
export const twoColumnDots = (
  { columns, data: a }: Matrix,
  { data: b }: Matrix,
  { data: d }: Matrix,
  { data: e }: Matrix,
): readonly [first: Float64Array, second: Float64Array] => {
  const [first, second] = [new Float64Array(columns), new Float64Array(columns)];
  let i = 0;
  for (const pairs = a.length - columns; i < pairs; i += 2 * columns) {
    const k = i + columns;
    for (let c = 0; c < columns; c++) {
      first[c]! += a[i + c]! * b[i + c]! + a[k + c]! * b[k + c]!;
      second[c]! += d[i + c]! * e[i + c]! + d[k + c]! * e[k + c]!;
    }
  }
  for (let c = 0; i < a.length; i++, c++) {
    first[c]! += a[i]! * b[i]!;
    second[c]! += d[i]! * e[i]!;
  }
  return [first, second];
};

/** x + p diag(length) and r - q diag(length), both in place, in one sweep: a step of conjugate gradients. */
export const stepColumns = (
  length: Float64Array,
  { columns, data: p }: Matrix,
  { data: x }: Matrix,
  { data: q }: Matrix,
  { data: r }: Matrix,
): void => {
  let i = 0;
  for (const pairs = p.length - columns; i < pairs; i += 2 * columns) {
    const k = i + columns;
    for (let c = 0; c < columns; c++) {
      const step = length[c]!;
      x[i + c]! += step * p[i + c]!;
      r[i + c]! -= step * q[i + c]!;
      x[k + c]! += step * p[k + c]!;
      r[k + c]! -= step * q[k + c]!;
    }
  }
  for (let c = 0; i < p.length; i++, c++) {
    x[i]! += length[c]! * p[i]!;
    r[i]! -= length[c]! * q[i]!;
  }
};

/** p = z diag(taken) + p diag(beta), in place on p. */
export const turnColumns = (taken: Float64Array, z: Matrix, beta: Float64Array, p: Matrix): void => {
  const { rows, columns } = p;
  for (let i = 0; i < rows; i++) {
    const row = i * columns;
    for (let c = 0; c < columns; c++) p.data[row + c] = taken[c]! * z.data[row + c]! + beta[c]! * p.data[row + c]!;
  }
};
