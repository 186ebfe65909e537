import { multiply, packB } from './gemm';
import { runProgram } from './program';

/**
 * One block of time rows of a pass: every current Z_b = X_b Theta, the program, then G += X_b' E_b and the column sums.
 *
 * Words of a block: 0 rows, 1 predictors, 2 units, 3 X_b, 4 scratch of a product, 5 room for a packed E_b, 6 currents,
 * 7 back-projections, 8 column sums (how many of each), 9 the program or 0; then for every current the packed Theta and
 * Z_b; for every back-projection E_b and G; for every column sum E_b and the sums (f64).
 */
export function passBlock<T>(block: usize): void {
  const rows = load<i32>(block, 0);
  const predictors = load<i32>(block, 4);
  const units = load<i32>(block, 8);
  const x = load<u32>(block, 12) as usize;
  const scratch = load<u32>(block, 16) as usize;
  const packed = load<u32>(block, 20) as usize;
  const currents = load<i32>(block, 24);
  const back = load<i32>(block, 28);
  const sums = load<i32>(block, 32);
  const program = load<u32>(block, 36) as usize;
  const width = units as usize;
  const depth = predictors as usize;
  let at = block + 40;

  for (let k = 0; k < currents; ++k) {
    const theta = load<u32>(at, 0) as usize;
    const z = load<u32>(at, 4) as usize;
    multiply<T, T>(rows, units, predictors, x, depth, 1, theta, z, width, 1 as T, 0 as T, false, 0, scratch);
    at += 8;
  }
  if (program != 0) runProgram<T>(program, rows * units);
  for (let k = 0; k < back; ++k) {
    const e = load<u32>(at, 0) as usize;
    const g = load<u32>(at, 4) as usize;
    packB<T, T>(packed, e, width, 1, rows, units, 0);
    multiply<T, T>(predictors, units, rows, x, 1, depth, packed, g, width, 1 as T, 1 as T, false, 0, scratch);
    at += 8;
  }
  for (let k = 0; k < sums; ++k) {
    addRows<T>(load<u32>(at, 0) as usize, rows, units, load<u32>(at, 4) as usize);
    at += 8;
  }
}

/** sums += part in float64, and part = 0. */
export function fold<T>(sums: usize, part: usize, count: i32): void {
  const zero = v128.splat<f64>(0);
  let k = 0;
  if (sizeof<T>() == 4) {
    for (; k + 4 <= count; k += 4) {
      const four = v128.load(part);
      v128.store(sums, f64x2.add(v128.load(sums), f64x2.promote_low_f32x4(four)));
      const high = f64x2.promote_low_f32x4(v128.shuffle<u64>(four, four, 1, 1));
      v128.store(sums, f64x2.add(v128.load(sums, 16), high), 16);
      v128.store(part, zero);
      part += 16;
      sums += 32;
    }
  } else {
    for (; k + 2 <= count; k += 2) {
      v128.store(sums, f64x2.add(v128.load(sums), v128.load(part)));
      v128.store(part, zero);
      part += 16;
      sums += 16;
    }
  }
  for (; k < count; ++k) {
    store<f64>(sums, load<f64>(sums) + (load<T>(part) as f64));
    store<T>(part, 0 as T);
    part += sizeof<T>();
    sums += 8;
  }
}

/** Rows summed before their sum is added on: a long running sum would lose digits. */
const CHUNK: i32 = 64;

/** sums [column] += the sum of the rows, in float64. */
function addRows<T>(from: usize, rows: i32, columns: i32, sums: usize): void {
  const stride = (columns as usize) * sizeof<T>();
  for (let j = 0; j < columns; ++j) {
    let at = from + (j as usize) * sizeof<T>();
    let total: f64 = 0;
    for (let start = 0; start < rows; start += CHUNK) {
      const end = min(rows, start + CHUNK);
      let part: f64 = 0;
      for (let i = start; i < end; ++i) {
        part += load<T>(at) as f64;
        at += stride;
      }
      total += part;
    }
    const to = sums + ((j as usize) << 3);
    store<f64>(to, load<f64>(to) + total);
  }
}

/**
 * One block of rows of X' diag(w_j) X, lower triangles in float64, for some columns j of the weights.
 *
 * Words of a block: 0 rows, 1 predictors, 2 X_b, 3 scratch of a product, 4 room for a packed X_b, 5 the sums (f64, one
 * matrix after the other), 6 weights (row 0 of the first column) or 0, 7 columns of the weights, 8 how many matrices,
 * 9 room for one column of weights.
 */
export function gramBlock<S>(block: usize): void {
  const rows = load<i32>(block, 0);
  const predictors = load<i32>(block, 4);
  const x = load<u32>(block, 8) as usize;
  const scratch = load<u32>(block, 12) as usize;
  const packed = load<u32>(block, 16) as usize;
  let g = load<u32>(block, 20) as usize;
  let weights = load<u32>(block, 24) as usize;
  const stride = (load<u32>(block, 28) as usize) * sizeof<S>();
  const count = load<i32>(block, 32);
  const column = load<u32>(block, 36) as usize;
  const depth = predictors as usize;

  for (let k = 0; k < count; ++k) {
    if (weights != 0) {
      for (let i = 0; i < rows; ++i) {
        const at = (i as usize) * sizeof<S>();
        store<S>(column + at, load<S>(weights + (i as usize) * stride));
      }
      weights += sizeof<S>();
    }
    packB<S, f64>(packed, x, depth, 1, rows, predictors, weights == 0 ? 0 : column);
    multiply<S, f64>(predictors, predictors, rows, x, 1, depth, packed, g, depth, 1, 1, true, 0, scratch);
    g += depth * depth * 8;
  }
}
