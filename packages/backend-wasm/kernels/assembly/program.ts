import { operate } from './operations';

/**
 * Runs a program of the pointwise language over `count` elements, block by block: every register is 4 KiB, so that some
 * eight of them stay in a 32 KiB first-level cache, and every instruction is one loop of SIMD instructions over a block.
 *
 * Words of a program: 0 instructions, 1 their count, 2 registers (addresses of scratch), 3 inputs (addresses), 4 outputs
 * (pairs: register, address), 5 their count, 6 constants (f64), 7 the current address of every register (scratch), 8 how
 * many registers. An instruction is eight words: operation, four arguments, target, and two of padding; a load has
 * operation -1 and the input's number, a constant -2 and its number.
 */
const BLOCK: usize = 4096;

// @ts-ignore: decorator
@inline
function word(at: usize, index: i32): usize {
  return load<u32>(at + ((index as usize) << 2)) as usize;
}

export function runProgram<T>(program: usize, count: i32): void {
  const instructions = word(program, 0);
  const steps = word(program, 1) as i32;
  const scratch = word(program, 2);
  const inputs = word(program, 3);
  const outputs = word(program, 4);
  const outputCount = word(program, 5) as i32;
  const constants = word(program, 6);
  const current = word(program, 7);
  const registers = word(program, 8) as i32;
  const total = (count as usize) * sizeof<T>();

  for (let k = 0; k < registers; ++k) store<u32>(current + ((k as usize) << 2), word(scratch, k) as u32);
  for (let k = 0; k < steps; ++k) {
    const step = instructions + ((k as usize) << 5);
    if ((word(step, 0) as i32) != -2) continue;
    const value = load<f64>(constants + (word(step, 1) << 3)) as T;
    const to = word(scratch, word(step, 5) as i32);
    const bytes = min(BLOCK, (total + 15) & ~15);
    for (let at: usize = 0; at < bytes; at += 16) v128.store(to + at, v128.splat<T>(value));
  }

  for (let start: usize = 0; start < total; start += BLOCK) {
    const length = min(BLOCK, total - start);
    for (let k = 0; k < steps; ++k) {
      const step = instructions + ((k as usize) << 5);
      const code = word(step, 0) as i32;
      if (code == -2) continue;
      const target = word(step, 5) as i32;
      if (code == -1) {
        store<u32>(current + ((target as usize) << 2), (word(inputs, word(step, 1) as i32) + start) as u32);
        continue;
      }
      const to = word(scratch, target);
      operate<T>(
        code,
        word(current, word(step, 1) as i32),
        word(current, word(step, 2) as i32),
        word(current, word(step, 3) as i32),
        word(current, word(step, 4) as i32),
        to,
        length,
      );
      store<u32>(current + ((target as usize) << 2), to as u32);
    }
    for (let k = 0; k < outputCount; ++k) {
      const from = word(current, word(outputs, 2 * k) as i32);
      memory.copy(word(outputs, 2 * k + 1) + start, from, length);
    }
  }
}
