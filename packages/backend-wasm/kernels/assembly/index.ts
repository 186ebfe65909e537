import { multiply, MULTIPLY_BYTES, packB, packedBytes } from './gemm';
import { eigen } from './eigen';
import { cholesky, triangularSolve } from './factor';
import { fold, gramBlock, passBlock } from './pass';
import { multiplyPairs } from './pairs';
import { runProgram } from './program';
import { madd } from './vector';

export { cholesky, eigen };

export function packedBytes32(depth: i32, columns: i32): usize {
  return packedBytes<f32>(depth, columns);
}
export function packedBytes64(depth: i32, columns: i32): usize {
  return packedBytes<f64>(depth, columns);
}
/** Enough for a product in either precision. */
export function scratchBytes(): usize {
  return MULTIPLY_BYTES;
}
/** Packs parameters, which are float64 on the host. */
export function packParameters32(to: usize, from: usize, depth: i32, columns: i32): void {
  packB<f64, f32>(to, from, columns as usize, 1, depth, columns, 0);
}
export function packParameters64(to: usize, from: usize, depth: i32, columns: i32): void {
  packB<f64, f64>(to, from, columns as usize, 1, depth, columns, 0);
}
export function pack64(to: usize, from: usize, stepStride: usize, columnStride: usize, depth: i32, columns: i32): void {
  packB<f64, f64>(to, from, stepStride, columnStride, depth, columns, 0);
}
/**
 * Some rows of a product C = beta C + alpha A B. Words: 0 rows, 1 columns, 2 depth, 3 A, 4 its row stride, 5 its step
 * stride, 6 packed B, 7 C, 8 whether only the lower triangle, 9 the rows above in the whole, 10 scratch; then, from byte
 * 48, alpha and beta (f64).
 */
export function productBlock(block: usize): void {
  const columns = load<i32>(block, 4);
  multiply<f64, f64>(
    load<i32>(block, 0),
    columns,
    load<i32>(block, 8),
    load<u32>(block, 12) as usize,
    load<u32>(block, 16) as usize,
    load<u32>(block, 20) as usize,
    load<u32>(block, 24) as usize,
    load<u32>(block, 28) as usize,
    columns as usize,
    load<f64>(block, 48),
    load<f64>(block, 56),
    load<u32>(block, 32) != 0,
    load<i32>(block, 36),
    load<u32>(block, 40) as usize,
  );
}

/**
 * Some columns of a triangular solve in place. Words: 0 order, 1 columns, 2 L, 3 B, 4 the stride of B, 5 bits: 1 solve
 * with L, 2 then with L'; 6 scratch of a product, 7 room for a packed B.
 */
export function solveBlock(block: usize): void {
  const order = load<i32>(block, 0);
  const columns = load<i32>(block, 4);
  const lower = load<u32>(block, 8) as usize;
  const b = load<u32>(block, 12) as usize;
  const stride = load<u32>(block, 16) as usize;
  const ways = load<u32>(block, 20);
  const scratch = load<u32>(block, 24) as usize;
  const packed = load<u32>(block, 28) as usize;
  if ((ways & 1) != 0) triangularSolve(order, columns, lower, b, stride, false, scratch, packed);
  if ((ways & 2) != 0) triangularSolve(order, columns, lower, b, stride, true, scratch, packed);
}

/** A program over elements. Words: 0 the program, 1 how many elements. */
export function programBlock32(block: usize): void {
  runProgram<f32>(load<u32>(block, 0) as usize, load<i32>(block, 4));
}
export function programBlock64(block: usize): void {
  runProgram<f64>(load<u32>(block, 0) as usize, load<i32>(block, 4));
}

export function passBlock32(block: usize): void {
  passBlock<f32>(block);
}
export function passBlock64(block: usize): void {
  passBlock<f64>(block);
}
/** Adds a part of `count` numbers to a sum in float64; the part starts again from 0. */
export function fold32(sums: usize, part: usize, count: i32): void {
  fold<f32>(sums, part, count);
}
export function fold64(sums: usize, part: usize, count: i32): void {
  fold<f64>(sums, part, count);
}
export function pairsBlock(block: usize): void {
  multiplyPairs(block);
}
export function gramBlock32(block: usize): void {
  gramBlock<f32>(block);
}
export function gramBlock64(block: usize): void {
  gramBlock<f64>(block);
}
/**
 * Turns of 12 vector multiply-adds on registers alone, as many at once as hide their latency: the arithmetic peak. The
 * operands are arguments, as engines make constants anew at every use.
 */
function peak<T>(turns: i32, scale: T, shift: T): T {
  const x = v128.splat<T>(scale);
  const y = v128.splat<T>(shift);
  let a = v128.splat<T>(0.05 as T);
  let b = v128.splat<T>(0.10 as T);
  let c = v128.splat<T>(0.15 as T);
  let d = v128.splat<T>(0.20 as T);
  let e = v128.splat<T>(0.25 as T);
  let f = v128.splat<T>(0.30 as T);
  let g = v128.splat<T>(0.35 as T);
  let h = v128.splat<T>(0.40 as T);
  let i = v128.splat<T>(0.45 as T);
  let j = v128.splat<T>(0.50 as T);
  let k = v128.splat<T>(0.55 as T);
  let l = v128.splat<T>(0.60 as T);
  for (let turn = 0; turn < turns; ++turn) {
    a = madd<T>(a, x, y);
    b = madd<T>(b, x, y);
    c = madd<T>(c, x, y);
    d = madd<T>(d, x, y);
    e = madd<T>(e, x, y);
    f = madd<T>(f, x, y);
    g = madd<T>(g, x, y);
    h = madd<T>(h, x, y);
    i = madd<T>(i, x, y);
    j = madd<T>(j, x, y);
    k = madd<T>(k, x, y);
    l = madd<T>(l, x, y);
  }
  let total = v128.add<T>(a, b);
  total = v128.add<T>(total, c);
  total = v128.add<T>(total, d);
  total = v128.add<T>(total, e);
  total = v128.add<T>(total, f);
  total = v128.add<T>(total, g);
  total = v128.add<T>(total, h);
  total = v128.add<T>(total, i);
  total = v128.add<T>(total, j);
  total = v128.add<T>(total, k);
  total = v128.add<T>(total, l);
  return v128.extract_lane<T>(total, 0);
}
export function peak32(turns: i32, scale: f32, shift: f32): f32 {
  return peak<f32>(turns, scale, shift);
}
export function peak64(turns: i32, scale: f64, shift: f64): f64 {
  return peak<f64>(turns, scale, shift);
}
