import type { Numbers } from '@drnn/tensor';

/**
 * Entry (i, j) of an operand is `values[offset + i * rowStride + j * columnStride]`: a transposed operand is one with
 * its strides exchanged.
 */
export interface Strided {
  readonly values: Numbers;
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** Where a product goes: entry (i, j) is `values[offset + i * rowStride + j]`. */
export interface Target {
  readonly values: Float64Array;
  readonly offset: number;
  readonly rowStride: number;
}

/** What a product may have beside its operands. */
export interface GemmOptions {
  readonly alpha: number;
  readonly beta: number;
  /** A diag(weights) B, weights [depth] from `weightsOffset`. */
  readonly weights?: Numbers;
  readonly weightsOffset?: number;
  /** Compute only tiles that touch the lower triangle; what is above the diagonal is undefined after. */
  readonly lower?: boolean;
}

/** C = alpha A B + beta C, with A [m, k], B [k, n]. */
export type Gemm = (m: number, n: number, k: number, a: Strided, b: Strided, c: Target, options: GemmOptions) => void;

/**
 * The register tile is 3 x 4: twelve sums. A larger one needs fewer loads, but spills the sixteen registers; both ends
 * of 2 x 4 to 6 x 4 measured slower.
 */
const tileRows = 3;
const tileColumns = 4;
/** Depth of a packed block: a panel of 4 x 256 numbers is 8 KiB, a quarter of a first-level cache. */
const depthBlock = 256;
/** Rows of A packed at once: 126 x 256 numbers, 252 KiB, stay in a second-level cache. */
const rowBlock = 126;
/** Columns of B packed at once: 512 x 256 numbers, 1 MiB. */
const columnBlock = 512;
/** Below this many multiplications packing does not pay. */
const directSize = 2048;

/**
 * A matrix product in the manner of Goto and van de Geijn (2008): blocks of A and B are packed into panels in the order
 * in which the register tile reads them, which also does the transposition and the widening of float32. The packing
 * buffers belong to the returned function, grow to their full size once, and are used again by every call.
 */
export const createGemm = (): Gemm => {
  // One array for both, B first: the compiler then knows one length and one base.
  let packed = new Float64Array(0);
  const sums = new Float64Array(tileRows * tileColumns);

  return (m, n, k, a, b, c, options) => {
    const { alpha, beta } = options;
    if (m === 0 || n === 0) return;
    if (k === 0) {
      scale(m, n, c, beta);
      return;
    }
    const { weights } = options;
    if (weights === undefined && (m < tileColumns || n < tileColumns || m * n * k <= directSize)) {
      scale(m, n, c, beta);
      direct(m, n, k, alpha, a, b, c);
      return;
    }
    const lower = options.lower === true;
    const weightsOffset = options.weightsOffset ?? 0;

    const depth = Math.min(k, depthBlock);
    const startA = padded(Math.min(n, columnBlock), tileColumns) * depth;
    const size = startA + padded(Math.min(m, rowBlock), tileRows) * depth;
    if (packed.length < size) packed = new Float64Array(size);

    for (let j0 = 0; j0 < n; j0 += columnBlock) {
      const columns = Math.min(columnBlock, n - j0);
      for (let p0 = 0; p0 < k; p0 += depthBlock) {
        const inner = Math.min(depthBlock, k - p0);
        const keep = p0 === 0 ? beta : 1;
        const cornerB = b.offset + p0 * b.rowStride + j0 * b.columnStride;
        packFours(packed, b.values, cornerB, b.columnStride, b.rowStride, columns, inner);
        if (weights !== undefined) weigh(packed, weights, weightsOffset + p0, columns, inner);
        for (let i0 = lower ? Math.floor(j0 / rowBlock) * rowBlock : 0; i0 < m; i0 += rowBlock) {
          const rows = Math.min(rowBlock, m - i0);
          const cornerA = a.offset + i0 * a.rowStride + p0 * a.columnStride;
          packThrees(packed, startA, a.values, cornerA, a.rowStride, a.columnStride, rows, inner);
          for (let j = 0; j < columns; j += tileColumns) {
            const wide = Math.min(tileColumns, columns - j);
            for (let i = 0; i < rows; i += tileRows) {
              if (lower && j0 + j >= i0 + i + tileRows) continue;
              const high = Math.min(tileRows, rows - i);
              const at = c.offset + (i0 + i) * c.rowStride + j0 + j;
              const panel = startA + i * inner;
              if (wide === tileColumns && high === tileRows) {
                multiplyTile(packed, panel, j * inner, inner, c.values, at, c.rowStride, alpha, keep);
              } else {
                multiplyTile(packed, panel, j * inner, inner, sums, 0, tileColumns, alpha, 0);
                addPart(sums, high, wide, c.values, at, c.rowStride, keep);
              }
            }
          }
        }
      }
    }
  };
};

const padded = (size: number, tile: number): number => Math.ceil(size / tile) * tile;

/** C = beta C; 0 overwrites, NaN included. */
const scale = (m: number, n: number, c: Target, beta: number): void => {
  if (beta === 1) return;
  const { values } = c;
  for (let i = 0; i < m; i++) {
    const start = c.offset + i * c.rowStride;
    if (beta === 0) values.fill(0, start, start + n);
    else for (let j = start; j < start + n; j++) values[j] = beta * values[j]!;
  }
};

/**
 * Packs the columns of B into panels of four: panel q holds columns 4q ... 4q + 3 of depth 0, then of depth 1, and so
 * on; absent columns are 0.
 */
const packFours = (
  to: Float64Array,
  from: Numbers,
  offset: number,
  laneStride: number,
  depthStride: number,
  lanes: number,
  depth: number,
): void => {
  const whole = lanes - (lanes % 4);
  let at = 0;
  for (let lane = 0; lane < whole; lane += 4) {
    let i0 = offset + lane * laneStride;
    let i1 = i0 + laneStride;
    let i2 = i1 + laneStride;
    let i3 = i2 + laneStride;
    for (let p = 0; p < depth; p++) {
      to[at] = from[i0]!;
      to[at + 1] = from[i1]!;
      to[at + 2] = from[i2]!;
      to[at + 3] = from[i3]!;
      at += 4;
      i0 += depthStride;
      i1 += depthStride;
      i2 += depthStride;
      i3 += depthStride;
    }
  }
  if (whole < lanes)
    packRest(to, at, 4, from, offset + whole * laneStride, laneStride, depthStride, lanes - whole, depth);
};

/** Packs the rows of A into panels of three, from `start`, as `packFours` does the columns of B. */
const packThrees = (
  to: Float64Array,
  start: number,
  from: Numbers,
  offset: number,
  laneStride: number,
  depthStride: number,
  lanes: number,
  depth: number,
): void => {
  const whole = lanes - (lanes % 3);
  let at = start;
  for (let lane = 0; lane < whole; lane += 3) {
    let i0 = offset + lane * laneStride;
    let i1 = i0 + laneStride;
    let i2 = i1 + laneStride;
    for (let p = 0; p < depth; p++) {
      to[at] = from[i0]!;
      to[at + 1] = from[i1]!;
      to[at + 2] = from[i2]!;
      at += 3;
      i0 += depthStride;
      i1 += depthStride;
      i2 += depthStride;
    }
  }
  if (whole < lanes)
    packRest(to, at, 3, from, offset + whole * laneStride, laneStride, depthStride, lanes - whole, depth);
};

/** The last panel, of fewer lanes than its width. */
const packRest = (
  to: Float64Array,
  start: number,
  width: number,
  from: Numbers,
  offset: number,
  laneStride: number,
  depthStride: number,
  lanes: number,
  depth: number,
): void => {
  let at = start;
  for (let p = 0; p < depth; p++) {
    for (let l = 0; l < width; l++) to[at++] = l < lanes ? from[offset + l * laneStride + p * depthStride]! : 0;
  }
};

/** Multiplies depth p of every packed panel of B by weight p. */
const weigh = (packed: Float64Array, weights: Numbers, offset: number, lanes: number, depth: number): void => {
  let at = 0;
  for (let lane = 0; lane < lanes; lane += 4) {
    for (let p = 0; p < depth; p++) {
      const w = weights[offset + p]!;
      packed[at] = packed[at]! * w;
      packed[at + 1] = packed[at + 1]! * w;
      packed[at + 2] = packed[at + 2]! * w;
      packed[at + 3] = packed[at + 3]! * w;
      at += 4;
    }
  }
};

/**
 * A 3 x 4 tile: C = beta C + alpha (panel of A) (panel of B). `| 0` tells the compiler that an index cannot overflow,
 * which saves a check a load.
 */
const multiplyTile = (
  packed: Float64Array,
  aStart: number,
  bStart: number,
  depth: number,
  c: Float64Array,
  at: number,
  rowStride: number,
  alpha: number,
  beta: number,
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
    const b0 = packed[j]!;
    const b1 = packed[(j + 1) | 0]!;
    const b2 = packed[(j + 2) | 0]!;
    const b3 = packed[(j + 3) | 0]!;
    const a0 = packed[i]!;
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    c03 += a0 * b3;
    const a1 = packed[(i + 1) | 0]!;
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
    const a2 = packed[(i + 2) | 0]!;
    c20 += a2 * b0;
    c21 += a2 * b1;
    c22 += a2 * b2;
    c23 += a2 * b3;
  }
  const r1 = at + rowStride;
  const r2 = r1 + rowStride;
  if (beta === 0) {
    c[at] = alpha * c00;
    c[at + 1] = alpha * c01;
    c[at + 2] = alpha * c02;
    c[at + 3] = alpha * c03;
    c[r1] = alpha * c10;
    c[r1 + 1] = alpha * c11;
    c[r1 + 2] = alpha * c12;
    c[r1 + 3] = alpha * c13;
    c[r2] = alpha * c20;
    c[r2 + 1] = alpha * c21;
    c[r2 + 2] = alpha * c22;
    c[r2 + 3] = alpha * c23;
  } else {
    c[at] = beta * c[at]! + alpha * c00;
    c[at + 1] = beta * c[at + 1]! + alpha * c01;
    c[at + 2] = beta * c[at + 2]! + alpha * c02;
    c[at + 3] = beta * c[at + 3]! + alpha * c03;
    c[r1] = beta * c[r1]! + alpha * c10;
    c[r1 + 1] = beta * c[r1 + 1]! + alpha * c11;
    c[r1 + 2] = beta * c[r1 + 2]! + alpha * c12;
    c[r1 + 3] = beta * c[r1 + 3]! + alpha * c13;
    c[r2] = beta * c[r2]! + alpha * c20;
    c[r2 + 1] = beta * c[r2 + 1]! + alpha * c21;
    c[r2 + 2] = beta * c[r2 + 2]! + alpha * c22;
    c[r2 + 3] = beta * c[r2 + 3]! + alpha * c23;
  }
};

/** The part of a tile that lies inside C. */
const addPart = (
  part: Float64Array,
  rows: number,
  columns: number,
  c: Float64Array,
  at: number,
  rowStride: number,
  beta: number,
): void => {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const k = at + i * rowStride + j;
      c[k] = beta === 0 ? part[i * tileColumns + j]! : beta * c[k]! + part[i * tileColumns + j]!;
    }
  }
};

/** C += alpha A B without packing, for products too small or too thin for it, in the order that reads memory in line. */
const direct = (m: number, n: number, k: number, alpha: number, a: Strided, b: Strided, c: Target): void => {
  const { values: x, rowStride: xRow, columnStride: xColumn } = a;
  const { values: y, rowStride: yRow, columnStride: yColumn } = b;
  const { values: out } = c;
  if (n < m && n < tileColumns && xRow === 1 && xColumn !== 1) {
    // A thin result from a transposed A: down the columns of the result.
    for (let j = 0; j < n; j++) {
      for (let p = 0; p < k; p++) {
        const f = alpha * y[b.offset + p * yRow + j * yColumn]!;
        let at = a.offset + p * xColumn;
        for (let i = 0, to = c.offset + j; i < m; i++, to += c.rowStride) out[to] = out[to]! + x[at++]! * f;
      }
    }
  } else if (yColumn === 1 && n >= tileColumns) {
    for (let i = 0; i < m; i++) {
      const start = c.offset + i * c.rowStride;
      for (let p = 0; p < k; p++) {
        const f = alpha * x[a.offset + i * xRow + p * xColumn]!;
        let at = b.offset + p * yRow;
        for (let to = start; to < start + n; to++) out[to] = out[to]! + f * y[at++]!;
      }
    }
  } else {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let at = a.offset + i * xRow;
        let from = b.offset + j * yColumn;
        let s0 = 0;
        let s1 = 0;
        let s2 = 0;
        let s3 = 0;
        let p = 0;
        for (; p + 3 < k; p += 4) {
          s0 += x[at]! * y[from]!;
          s1 += x[at + xColumn]! * y[from + yRow]!;
          s2 += x[at + 2 * xColumn]! * y[from + 2 * yRow]!;
          s3 += x[at + 3 * xColumn]! * y[from + 3 * yRow]!;
          at += 4 * xColumn;
          from += 4 * yRow;
        }
        for (; p < k; p++) {
          s0 += x[at]! * y[from]!;
          at += xColumn;
          from += yRow;
        }
        const to = c.offset + i * c.rowStride + j;
        out[to] = out[to]! + alpha * (s0 + s1 + (s2 + s3));
      }
    }
  }
};
