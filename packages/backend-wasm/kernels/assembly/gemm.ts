import { ROWS, spreadRows, tile, VECTORS } from './tile';
import { lanes } from './vector';

/**
 * Products in the manner of Goto and van de Geijn (2008). Operands are strided views of S numbers (a transposed operand
 * has its strides exchanged); packing puts them into panels in the order in which the tile reads them, which also does
 * the transposition and the widening of float32. All strides and leading dimensions are in numbers, not bytes.
 */

/** Depth of a packed panel: A's panel of a tile, 16 bytes a number, then stays in a first-level cache. */
export const DEPTH: i32 = 256;
/** Rows of A packed at once, and bytes of B's columns of one step: both, times the depth, share a second-level cache. */
const HEIGHT: i32 = 48;
const CHUNK_BYTES: i32 = 1024;
/** Bytes of a number of a panel of A. */
const SPREAD: i32 = 16;

// @ts-ignore: decorator
@inline
function wide<T>(): i32 {
  return VECTORS * lanes<T>();
}

// @ts-ignore: decorator
@inline
function padded(count: i32, tile: i32): i32 {
  return ((count + tile - 1) / tile) * tile;
}

// @ts-ignore: decorator
@inline
function widened<S, T>(from: usize): T {
  return load<S>(from) as T;
}

/**
 * Packs `count` lanes by `depth` steps into panels of `width` lanes: panel q holds lanes q width ... of step 0, then of
 * step 1. Absent lanes are 0. Steps are multiplied by `weights` (S numbers, or 0 for none).
 */
function pack<S, T>(
  to: usize,
  from: usize,
  laneStride: usize,
  stepStride: usize,
  count: i32,
  depth: i32,
  width: i32,
  weights: usize,
): void {
  const laneBytes = laneStride * sizeof<S>();
  const stepBytes = stepStride * sizeof<S>();
  for (let lane = 0; lane < count; lane += width) {
    const panel = from + (lane as usize) * laneBytes;
    const present = min(width, count - lane);
    if (present == width) packWhole<S, T>(to, panel, laneBytes, stepBytes, depth, width);
    else packPart<S, T>(to, panel, laneBytes, stepBytes, depth, width, present);
    if (weights != 0) weigh<S, T>(to, weights, depth, width);
    to += ((depth * width) as usize) * sizeof<T>();
  }
}

/** One whole panel, of a multiple of four lanes; runs along memory whichever way it lies. */
function packWhole<S, T>(
  to: usize,
  from: usize,
  laneBytes: usize,
  stepBytes: usize,
  depth: i32,
  width: i32,
): void {
  if (laneBytes == sizeof<S>()) {
    if (sizeof<S>() == sizeof<T>() && (width as usize) * sizeof<T>() % 16 == 0) {
      const bytes = (width as usize) * sizeof<T>();
      for (let p = 0; p < depth; ++p) {
        for (let at: usize = 0; at < bytes; at += 16) v128.store(to + at, v128.load(from + at));
        to += bytes;
        from += stepBytes;
      }
      return;
    }
    for (let p = 0; p < depth; ++p) {
      let at = from;
      for (let l = 0; l < width; ++l) {
        store<T>(to, widened<S, T>(at));
        to += sizeof<T>();
        at += sizeof<S>();
      }
      from += stepBytes;
    }
    return;
  }
  // Four lanes a turn, each read along its own run of memory.
  const step = (width as usize) * sizeof<T>();
  for (let l = 0; l < width; l += 4) {
    let f0 = from + (l as usize) * laneBytes;
    let f1 = f0 + laneBytes;
    let f2 = f1 + laneBytes;
    let f3 = f2 + laneBytes;
    let at = to + (l as usize) * sizeof<T>();
    for (let p = 0; p < depth; ++p) {
      store<T>(at, widened<S, T>(f0));
      store<T>(at, widened<S, T>(f1), sizeof<T>());
      store<T>(at, widened<S, T>(f2), 2 * sizeof<T>());
      store<T>(at, widened<S, T>(f3), 3 * sizeof<T>());
      at += step;
      f0 += stepBytes;
      f1 += stepBytes;
      f2 += stepBytes;
      f3 += stepBytes;
    }
  }
}

/** The last panel, of fewer lanes than its width. */
function packPart<S, T>(
  to: usize,
  from: usize,
  laneBytes: usize,
  stepBytes: usize,
  depth: i32,
  width: i32,
  present: i32,
): void {
  for (let p = 0; p < depth; ++p) {
    let at = from;
    for (let l = 0; l < width; ++l) {
      store<T>(to, l < present ? widened<S, T>(at) : (0 as T));
      to += sizeof<T>();
      at += laneBytes;
    }
    from += stepBytes;
  }
}

function weigh<S, T>(panel: usize, weights: usize, depth: i32, width: i32): void {
  for (let p = 0; p < depth; ++p) {
    const w = widened<S, T>(weights);
    for (let l = 0; l < width; ++l) {
      store<T>(panel, load<T>(panel) * w);
      panel += sizeof<T>();
    }
    weights += sizeof<S>();
  }
}

/** Bytes that a packed B of [depth, columns] takes. */
export function packedBytes<T>(depth: i32, columns: i32): usize {
  return (depth as usize) * (padded(columns, wide<T>()) as usize) * sizeof<T>();
}

/** Bytes of scratch that `multiply` takes: a packed block of A and one tile. */
export const MULTIPLY_BYTES: usize = (HEIGHT + ROWS) * DEPTH * SPREAD + ROWS * VECTORS * 16;

/** Packs rows of A into panels of a tile's rows, every number in all lanes of a vector; absent rows are 0. */
function packA<S, T>(to: usize, from: usize, rowStride: usize, stepStride: usize, rows: i32, depth: i32): void {
  const rowBytes = rowStride * sizeof<S>();
  const stepBytes = stepStride * sizeof<S>();
  for (let row = 0; row < rows; row += ROWS) {
    const panel = from + (row as usize) * rowBytes;
    if (row + ROWS <= rows) {
      spreadRows<S, T>(to, panel, rowBytes, stepBytes, depth);
      to += (depth * ROWS * SPREAD) as usize;
      continue;
    }
    for (let p = 0; p < depth; ++p) {
      let at = panel + (p as usize) * stepBytes;
      for (let i = row; i < row + ROWS; ++i) {
        v128.store(to, v128.splat<T>(i < rows ? widened<S, T>(at) : (0 as T)));
        at += rowBytes;
        to += SPREAD;
      }
    }
  }
}

/** Packs B [depth, columns]: for every 256 steps, all panels of its columns. */
export function packB<S, T>(
  to: usize,
  from: usize,
  stepStride: usize,
  columnStride: usize,
  depth: i32,
  columns: i32,
  weights: usize,
): void {
  for (let p = 0; p < depth; p += DEPTH) {
    const inner = min(DEPTH, depth - p);
    const start = from + (p as usize) * stepStride * sizeof<S>();
    const w = weights == 0 ? 0 : weights + (p as usize) * sizeof<S>();
    pack<S, T>(to, start, columnStride, stepStride, columns, inner, wide<T>(), w);
    to += packedBytes<T>(inner, columns);
  }
}

/**
 * C = beta C + alpha A B with B packed ahead. With `lower`, only tiles that touch C's lower triangle, whose first row
 * is row `above` of the whole, are computed.
 */
export function multiply<S, T>(
  rows: i32,
  columns: i32,
  depth: i32,
  a: usize,
  rowStride: usize,
  stepStride: usize,
  packed: usize,
  c: usize,
  cStride: usize,
  alpha: T,
  beta: T,
  lower: bool,
  above: i32,
  scratch: usize,
): void {
  const part = scratch + (((HEIGHT + ROWS) * DEPTH * SPREAD) as usize);
  const stride = cStride * sizeof<T>();
  const chunk: i32 = CHUNK_BYTES / sizeof<T>();
  for (let p = 0; p < depth; p += DEPTH) {
    const inner = min(DEPTH, depth - p);
    const keep = p == 0 ? beta : (1 as T);
    for (let i0 = 0; i0 < rows; i0 += HEIGHT) {
      const high = min(HEIGHT, rows - i0);
      const from = a + ((i0 as usize) * rowStride + (p as usize) * stepStride) * sizeof<S>();
      packA<S, T>(scratch, from, rowStride, stepStride, high, inner);
      const last = lower ? min(columns, above + i0 + high) : columns;
      for (let j0 = 0; j0 < last; j0 += chunk) {
        let rowsOfA = scratch;
        for (let i = i0; i < i0 + high; i += ROWS) {
          const present = min(ROWS, rows - i);
          const end = min(j0 + chunk, lower ? min(columns, above + i + present) : columns);
          let panel = packed + ((j0 * inner) as usize) * sizeof<T>();
          let to = c + (i as usize) * stride + (j0 as usize) * sizeof<T>();
          for (let j = j0; j < end; j += wide<T>()) {
            const width = min(wide<T>(), columns - j);
            if (width == wide<T>() && present == ROWS) {
              tile<T>(inner, rowsOfA, panel, to, stride, alpha, keep);
            } else {
              tile<T>(inner, rowsOfA, panel, part, (VECTORS * 16) as usize, alpha, 0 as T);
              addPart<T>(part, present, width, to, stride, keep);
            }
            panel += ((wide<T>() * inner) as usize) * sizeof<T>();
            to += (VECTORS * 16) as usize;
          }
          rowsOfA += (ROWS * inner * SPREAD) as usize;
        }
      }
    }
    packed += packedBytes<T>(inner, columns);
  }
  if (depth == 0) scale<T>(rows, columns, c, stride, beta);
}

/** C = beta C, where 0 overwrites. */
function scale<T>(rows: i32, columns: i32, c: usize, stride: usize, beta: T): void {
  for (let i = 0; i < rows; ++i) {
    for (let j = 0; j < columns; ++j) {
      const at = c + (j as usize) * sizeof<T>();
      store<T>(at, beta == (0 as T) ? (0 as T) : load<T>(at) * beta);
    }
    c += stride;
  }
}

/** The part of a tile that lies inside C. */
function addPart<T>(part: usize, rows: i32, columns: i32, c: usize, stride: usize, beta: T): void {
  for (let i = 0; i < rows; ++i) {
    for (let j = 0; j < columns; ++j) {
      const at = (j as usize) * sizeof<T>();
      const value = load<T>(part + at);
      store<T>(c + at, beta == (0 as T) ? value : load<T>(c + at) * beta + value);
    }
    part += (VECTORS * 16) as usize;
    c += stride;
  }
}
