import { ROWS, tile, VECTORS } from './tile';
import { lanes } from './vector';

/**
 * Products in the manner of Goto and van de Geijn (2008). Operands are strided views of S numbers (a transposed operand
 * has its strides exchanged); packing puts them into panels in the order in which the tile reads them, which also does
 * the transposition and the widening of float32. All strides and leading dimensions are in numbers, not bytes.
 */

/** Depth of a packed panel: B's panel of a tile then stays in a first-level cache. */
export const DEPTH: i32 = 256;
/** Rows of A packed at once: a multiple of 3 and 4; 96 x 256 numbers stay in a second-level cache. */
const HEIGHT: i32 = 96;

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

/** One whole panel; runs along memory whichever way it lies. */
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
  let l = 0;
  for (; l + 4 <= width; l += 4) {
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
  if (width - l == 3) {
    let f0 = from + (l as usize) * laneBytes;
    let f1 = f0 + laneBytes;
    let f2 = f1 + laneBytes;
    let at = to + (l as usize) * sizeof<T>();
    for (let p = 0; p < depth; ++p) {
      store<T>(at, widened<S, T>(f0));
      store<T>(at, widened<S, T>(f1), sizeof<T>());
      store<T>(at, widened<S, T>(f2), 2 * sizeof<T>());
      at += step;
      f0 += stepBytes;
      f1 += stepBytes;
      f2 += stepBytes;
    }
    return;
  }
  for (; l < width; ++l) {
    let f = from + (l as usize) * laneBytes;
    let at = to + (l as usize) * sizeof<T>();
    for (let p = 0; p < depth; ++p) {
      store<T>(at, widened<S, T>(f));
      at += step;
      f += stepBytes;
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
export function multiplyBytes<T>(): usize {
  return (((HEIGHT + ROWS) * DEPTH) as usize) * sizeof<T>() + ((ROWS * VECTORS * 16) as usize);
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
  const part = scratch + (((HEIGHT + ROWS) * DEPTH) as usize) * sizeof<T>();
  const stride = cStride * sizeof<T>();
  for (let p = 0; p < depth; p += DEPTH) {
    const inner = min(DEPTH, depth - p);
    const keep = p == 0 ? beta : (1 as T);
    for (let i0 = 0; i0 < rows; i0 += HEIGHT) {
      const high = min(HEIGHT, rows - i0);
      const from = a + ((i0 as usize) * rowStride + (p as usize) * stepStride) * sizeof<S>();
      pack<S, T>(scratch, from, rowStride, stepStride, high, inner, ROWS, 0);
      let panel = packed;
      const last = lower ? min(columns, above + i0 + high) : columns;
      for (let j = 0; j < last; j += wide<T>()) {
        const width = min(wide<T>(), columns - j);
        let lanesOfA = scratch;
        let to = c + (i0 as usize) * stride + (j as usize) * sizeof<T>();
        for (let i = 0; i < high; i += ROWS) {
          const present = min(ROWS, high - i);
          if (!lower || j < above + i0 + i + present) {
            if (width == wide<T>() && present == ROWS) {
              tile<T>(inner, lanesOfA, panel, to, stride, alpha, keep);
            } else {
              tile<T>(inner, lanesOfA, panel, part, (VECTORS * 16) as usize, alpha, 0 as T);
              addPart<T>(part, present, width, to, stride, keep);
            }
          }
          lanesOfA += ((ROWS * inner) as usize) * sizeof<T>();
          to += (ROWS as usize) * stride;
        }
        panel += ((wide<T>() * inner) as usize) * sizeof<T>();
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
