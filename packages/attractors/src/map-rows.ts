/**
 * Row d of `out` is A times row d of `v`, for A `[rows, columns]` and v `[count, columns]`: V A'. Four rows of A with two
 * of v at a time.
 */
export const mapRows = (
  a: Float64Array,
  rows: number,
  columns: number,
  v: Float64Array,
  count: number,
  out: Float64Array,
): void => {
  let d = 0;
  for (; d + 1 < count; d += 2) {
    const v0 = d * columns;
    const v1 = v0 + columns;
    const out0 = d * rows;
    const out1 = out0 + rows;
    let i = 0;
    for (; i + 3 < rows; i += 4) {
      const r0 = i * columns;
      const r1 = r0 + columns;
      const r2 = r1 + columns;
      const r3 = r2 + columns;
      let s00 = 0;
      let s01 = 0;
      let s02 = 0;
      let s03 = 0;
      let s10 = 0;
      let s11 = 0;
      let s12 = 0;
      let s13 = 0;
      for (let j = 0; j < columns; j = (j + 1) | 0) {
        const x = v[(v0 + j) | 0]!;
        const y = v[(v1 + j) | 0]!;
        const a0 = a[(r0 + j) | 0]!;
        s00 += a0 * x;
        s10 += a0 * y;
        const a1 = a[(r1 + j) | 0]!;
        s01 += a1 * x;
        s11 += a1 * y;
        const a2 = a[(r2 + j) | 0]!;
        s02 += a2 * x;
        s12 += a2 * y;
        const a3 = a[(r3 + j) | 0]!;
        s03 += a3 * x;
        s13 += a3 * y;
      }
      out[out0 + i] = s00;
      out[out0 + i + 1] = s01;
      out[out0 + i + 2] = s02;
      out[out0 + i + 3] = s03;
      out[out1 + i] = s10;
      out[out1 + i + 1] = s11;
      out[out1 + i + 2] = s12;
      out[out1 + i + 3] = s13;
    }
    for (; i < rows; i++) {
      const row = i * columns;
      let s0 = 0;
      let s1 = 0;
      for (let j = 0; j < columns; j++) {
        s0 += a[row + j]! * v[v0 + j]!;
        s1 += a[row + j]! * v[v1 + j]!;
      }
      out[out0 + i] = s0;
      out[out1 + i] = s1;
    }
  }
  if (d < count) {
    const v0 = d * columns;
    const out0 = d * rows;
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
      for (let j = 0; j < columns; j = (j + 1) | 0) {
        const x = v[(v0 + j) | 0]!;
        s0 += a[(r0 + j) | 0]! * x;
        s1 += a[(r1 + j) | 0]! * x;
        s2 += a[(r2 + j) | 0]! * x;
        s3 += a[(r3 + j) | 0]! * x;
      }
      out[out0 + i] = s0;
      out[out0 + i + 1] = s1;
      out[out0 + i + 2] = s2;
      out[out0 + i + 3] = s3;
    }
    for (; i < rows; i++) {
      let s = 0;
      for (let j = 0; j < columns; j++) s += a[i * columns + j]! * v[v0 + j]!;
      out[out0 + i] = s;
    }
  }
};
