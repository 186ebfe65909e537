import { failure } from './error.js';

/**
 * A float64 matrix on the host, row-major: entry (i, j) is `data[i * columns + j]`. Parameters (`[predictor, unit]`),
 * gradients and factors are of this kind; so are recordings (`[time, unit]`) before a backend takes them.
 */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/**
 * A `[rows, columns]` matrix over `data` (not copied), or of zeros. Errors: sizes that are not whole numbers of at least 0;
 * another length.
 */
export const matrix = (rows: number, columns: number, data?: Float64Array): Matrix => {
  if (!isSize(rows) || !isSize(columns)) {
    throw failure({
      path: 'matrix',
      seen: `[row=${rows}, column=${columns}]`,
      expected: 'whole numbers of at least 0',
    });
  }
  if (data !== undefined && data.length !== rows * columns) {
    throw failure({
      path: 'matrix',
      seen: `${data.length} numbers`,
      expected: `${rows * columns} for [row=${rows}, column=${columns}]`,
    });
  }
  return { rows, columns, data: data ?? new Float64Array(rows * columns) };
};

const isSize = (count: number): boolean => Number.isSafeInteger(count) && count >= 0;

/** A matrix from nested rows, for tests and small literals. */
export const matrixOf = (rows: readonly (readonly number[])[]): Matrix => {
  const columns = rows[0]?.length ?? 0;
  const ragged = rows.findIndex((row) => row.length !== columns);
  if (ragged >= 0) {
    throw failure({
      path: 'matrixOf',
      seen: `row ${ragged} with ${rows[ragged]?.length} entries`,
      expected: `${columns} entries, as in row 0`,
    });
  }
  return { rows: rows.length, columns, data: Float64Array.from(rows.flat()) };
};

/** The identity of order `n`. */
export const identity = (n: number): Matrix => {
  const result = matrix(n, n);
  for (let i = 0; i < n; i++) result.data[i * n + i] = 1;
  return result;
};

/** A copy that shares nothing. */
export const copyMatrix = (a: Matrix): Matrix => ({ rows: a.rows, columns: a.columns, data: a.data.slice() });

/** The transpose, copied. */
export const transpose = (a: Matrix): Matrix => {
  const result = matrix(a.columns, a.rows);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < a.columns; j++) result.data[j * a.rows + i] = a.data[i * a.columns + j] ?? 0;
  }
  return result;
};

/** Rows `[from, to)` as a view: no copy, writes go through. */
export const rowRange = (a: Matrix, from: number, to: number): Matrix => ({
  rows: to - from,
  columns: a.columns,
  data: a.data.subarray(from * a.columns, to * a.columns),
});

/** Copies columns of row-major rows, `columns` wide, into `to`, as wide as `chosen`. Cost one move an entry. */
export const gatherColumns = <Values extends Float32Array | Float64Array>(
  from: Values,
  columns: number,
  chosen: Int32Array,
  to: Values,
): Values => {
  const width = chosen.length;
  const whole = width - 3;
  for (let i = 0, row = 0; i < to.length; i += width, row += columns) {
    // Four at a time: twice as fast.
    let c = 0;
    for (; c < whole; c += 4) {
      to[i + c] = from[row + chosen[c]!]!;
      to[i + c + 1] = from[row + chosen[c + 1]!]!;
      to[i + c + 2] = from[row + chosen[c + 2]!]!;
      to[i + c + 3] = from[row + chosen[c + 3]!]!;
    }
    for (; c < width; c++) to[i + c] = from[row + chosen[c]!]!;
  }
  return to;
};

/** Some columns in the order given, copied. */
export const columnsOf = (a: Matrix, chosen: Int32Array): Matrix =>
  matrix(a.rows, chosen.length, gatherColumns(a.data, a.columns, chosen, new Float64Array(a.rows * chosen.length)));

/** The rows of all, one below the other, copied; all of as many columns, which `columns` names where there may be none. */
export const stackRows = (parts: readonly Matrix[], columns = parts[0]?.columns ?? 0): Matrix => {
  const result = matrix(
    parts.reduce((sum, { rows }) => sum + rows, 0),
    columns,
  );
  let filled = 0;
  for (const { data } of parts) {
    result.data.set(data, filled);
    filled += data.length;
  }
  return result;
};

/** The index of the first entry that is NaN or infinite, or -1. */
export const firstNonFinite = (values: ArrayLike<number>): number => {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
};
