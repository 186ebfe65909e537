/** z = A x + c for A `[row, column]`: four rows at a time, so that x is read once for them. `c` absent is 0. */
export const currentsOf = (
  a: Float64Array,
  rows: number,
  columns: number,
  x: Float64Array,
  c: Float64Array | null,
  z: Float64Array,
): void => {
  let i = 0;
  for (; i + 3 < rows; i += 4) {
    const r0 = i * columns;
    const r1 = r0 + columns;
    const r2 = r1 + columns;
    const r3 = r2 + columns;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let j = 0; j < columns; j++) {
      const v = x[j]!;
      s0 += a[r0 + j]! * v;
      s1 += a[r1 + j]! * v;
      s2 += a[r2 + j]! * v;
      s3 += a[r3 + j]! * v;
    }
    z[i] = s0;
    z[i + 1] = s1;
    z[i + 2] = s2;
    z[i + 3] = s3;
  }
  for (; i < rows; i++) {
    let s = 0;
    for (let j = 0; j < columns; j++) s += a[i * columns + j]! * x[j]!;
    z[i] = s;
  }
  if (c !== null) for (let k = 0; k < rows; k++) z[k]! += c[k]!;
};

/** z = A' y for A `[row, column]`: four rows of A at a time. */
export const transposedTimes = (
  a: Float64Array,
  rows: number,
  columns: number,
  y: Float64Array,
  z: Float64Array,
): void => {
  z.fill(0, 0, columns);
  let i = 0;
  for (; i + 3 < rows; i += 4) {
    const r0 = i * columns;
    const r1 = r0 + columns;
    const r2 = r1 + columns;
    const r3 = r2 + columns;
    const y0 = y[i]!;
    const y1 = y[i + 1]!;
    const y2 = y[i + 2]!;
    const y3 = y[i + 3]!;
    for (let j = 0; j < columns; j++) {
      z[j]! += a[r0 + j]! * y0 + a[r1 + j]! * y1 + a[r2 + j]! * y2 + a[r3 + j]! * y3;
    }
  }
  for (; i < rows; i++) {
    const v = y[i]!;
    for (let j = 0; j < columns; j++) z[j]! += a[i * columns + j]! * v;
  }
};
