import type { Matrix } from '@drnn/tensor';

/** A rectangle inside an array: entry (i, j) is `values[offset + i * rowStride + j * columnStride]`. */
export interface Block {
  readonly values: Float64Array;
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** The part of a matrix from (row, column) on. */
export const blockOf = (a: Matrix, row = 0, column = 0): Block => ({
  values: a.data,
  offset: row * a.columns + column,
  rowStride: a.columns,
  columnStride: 1,
});

/** The same part, rows and columns exchanged. */
export const transposed = (a: Block): Block => ({ ...a, rowStride: a.columnStride, columnStride: a.rowStride });

/** Twelve sums fit the registers; depth x columns of B, 256 KiB, stay in a second-level cache. */
const tileRows = 3;
const tileColumns = 4;
const depthBlock = 128;
const columnBlock = 256;
/** Below this many multiplications packing does not pay. */
const directSize = 1500;

/**
 * C += alpha A B for blocks A [m, k], B [k, n], C [m, n], where C's column stride is 1 and C overlaps neither operand.
 * Panels of both operands are packed in the order in which a 3 x 4 tile reads them (Goto and van de Geijn 2008). Cost
 * 2 m n k flop.
 */
export const addProduct = (m: number, n: number, k: number, alpha: number, a: Block, b: Block, c: Block): void => {
  if (m === 0 || n === 0 || k === 0) return;
  if (m * n * k <= directSize || n < tileColumns) {
    addDirectly(m, n, k, alpha, a, b, c);
    return;
  }
  const depth = Math.min(k, depthBlock);
  const width = Math.ceil(Math.min(n, columnBlock) / tileColumns) * tileColumns;
  const panels = new Float64Array(depth * (width + tileRows));
  const startA = depth * width;
  const tile = new Float64Array(tileRows * tileColumns);
  for (let j0 = 0; j0 < n; j0 += columnBlock) {
    const columns = Math.min(columnBlock, n - j0);
    for (let p0 = 0; p0 < k; p0 += depthBlock) {
      const inner = Math.min(depthBlock, k - p0);
      for (let j = 0; j < columns; j += tileColumns) {
        const corner = b.offset + p0 * b.rowStride + (j0 + j) * b.columnStride;
        pack(panels, j * inner, tileColumns, b.values, corner, b.columnStride, b.rowStride, columns - j, inner);
      }
      for (let i = 0; i < m; i += tileRows) {
        const corner = a.offset + i * a.rowStride + p0 * a.columnStride;
        pack(panels, startA, tileRows, a.values, corner, a.rowStride, a.columnStride, m - i, inner);
        const high = Math.min(tileRows, m - i);
        for (let j = 0; j < columns; j += tileColumns) {
          const wide = Math.min(tileColumns, columns - j);
          const at = c.offset + i * c.rowStride + j0 + j;
          if (high === tileRows && wide === tileColumns) {
            multiplyTile(panels, startA, j * inner, inner, c.values, at, c.rowStride, alpha);
          } else {
            tile.fill(0);
            multiplyTile(panels, startA, j * inner, inner, tile, 0, tileColumns, alpha);
            addPart(tile, high, wide, c.values, at, c.rowStride);
          }
        }
      }
    }
  }
};

/** op(A) op(B) as a new matrix. Cost 2 m n k flop. */
export const product = (
  a: Matrix,
  b: Matrix,
  options: { readonly transposeA?: boolean; readonly transposeB?: boolean } = {},
): Matrix => {
  const left = options.transposeA === true ? transposed(blockOf(a)) : blockOf(a);
  const right = options.transposeB === true ? transposed(blockOf(b)) : blockOf(b);
  const [rows, inner] = options.transposeA === true ? [a.columns, a.rows] : [a.rows, a.columns];
  const columns = options.transposeB === true ? b.rows : b.columns;
  const result = { rows, columns, data: new Float64Array(rows * columns) };
  addProduct(rows, columns, inner, 1, left, right, blockOf(result));
  return result;
};

/** Packs up to `width` lanes so that one depth after the other follows; absent lanes are 0. */
const pack = (
  to: Float64Array,
  start: number,
  width: number,
  from: Float64Array,
  offset: number,
  laneStride: number,
  depthStride: number,
  lanes: number,
  depth: number,
): void => {
  const there = Math.min(width, lanes);
  for (let lane = 0; lane < there; lane++) {
    let at = offset + lane * laneStride;
    const end = start + depth * width;
    for (let into = start + lane; into < end; into += width) {
      to[into] = from[at]!;
      at += depthStride;
    }
  }
  for (let lane = there; lane < width; lane++) {
    for (let into = start + lane; into < start + depth * width; into += width) to[into] = 0;
  }
};

/** A 3 x 4 tile of C += alpha (panel of A) (panel of B). `| 0` spares an overflow check a load. */
const multiplyTile = (
  panels: Float64Array,
  aStart: number,
  bStart: number,
  depth: number,
  c: Float64Array,
  at: number,
  rowStride: number,
  alpha: number,
): void => {
  let c00 = 0;
  let c01 = 0;
  let c02 = 0;
  let c03 = 0;
  let c10 = 0;
  let c11 = 0;
  let c12 = 0;
  let c13 = 0;
  let c20 = 0;
  let c21 = 0;
  let c22 = 0;
  let c23 = 0;
  const end = (aStart + depth * 3) | 0;
  for (let i = aStart | 0, j = bStart | 0; i < end; i = (i + 3) | 0, j = (j + 4) | 0) {
    const b0 = panels[j]!;
    const b1 = panels[(j + 1) | 0]!;
    const b2 = panels[(j + 2) | 0]!;
    const b3 = panels[(j + 3) | 0]!;
    const a0 = panels[i]!;
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    c03 += a0 * b3;
    const a1 = panels[(i + 1) | 0]!;
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
    const a2 = panels[(i + 2) | 0]!;
    c20 += a2 * b0;
    c21 += a2 * b1;
    c22 += a2 * b2;
    c23 += a2 * b3;
  }
  const r1 = at + rowStride;
  const r2 = r1 + rowStride;
  c[at] = c[at]! + alpha * c00;
  c[at + 1] = c[at + 1]! + alpha * c01;
  c[at + 2] = c[at + 2]! + alpha * c02;
  c[at + 3] = c[at + 3]! + alpha * c03;
  c[r1] = c[r1]! + alpha * c10;
  c[r1 + 1] = c[r1 + 1]! + alpha * c11;
  c[r1 + 2] = c[r1 + 2]! + alpha * c12;
  c[r1 + 3] = c[r1 + 3]! + alpha * c13;
  c[r2] = c[r2]! + alpha * c20;
  c[r2 + 1] = c[r2 + 1]! + alpha * c21;
  c[r2 + 2] = c[r2 + 2]! + alpha * c22;
  c[r2 + 3] = c[r2 + 3]! + alpha * c23;
};

/** The part of a tile that lies inside C. */
const addPart = (
  tile: Float64Array,
  rows: number,
  columns: number,
  c: Float64Array,
  at: number,
  rowStride: number,
): void => {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const to = at + i * rowStride + j;
      c[to] = c[to]! + tile[i * tileColumns + j]!;
    }
  }
};

/** C += alpha A B without packing; down the columns of A where they are in line. */
const addDirectly = (m: number, n: number, k: number, alpha: number, a: Block, b: Block, c: Block): void => {
  const { values: x } = a;
  const { values: y } = b;
  const { values: out } = c;
  if (a.rowStride === 1 && a.columnStride !== 1) {
    for (let j = 0; j < n; j++) {
      for (let p = 0; p < k; p++) {
        const factor = alpha * y[b.offset + p * b.rowStride + j * b.columnStride]!;
        const from = a.offset + p * a.columnStride;
        for (let i = 0, to = c.offset + j; i < m; i++, to += c.rowStride) out[to] = out[to]! + factor * x[from + i]!;
      }
    }
    return;
  }
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let at = a.offset + i * a.rowStride;
      let from = b.offset + j * b.columnStride;
      let sum = 0;
      for (let p = 0; p < k; p++) {
        sum += x[at]! * y[from]!;
        at += a.columnStride;
        from += b.rowStride;
      }
      const to = c.offset + i * c.rowStride + j;
      out[to] = out[to]! + alpha * sum;
    }
  }
};
