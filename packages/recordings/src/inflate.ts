import { failure } from '@drnn/tensor';
import { Inflate, inflateSync } from 'fflate';
import { allocate, type Budget } from './budget.js';

const damaged = (path: string, seen: string, expected: string, cause?: unknown): Error =>
  failure({ path, seen, expected, hint: 'the file is damaged or cut short' }, cause);

/**
 * Inflates a raw DEFLATE stream that must give exactly `bytes` bytes. The output is allocated once, within the budget,
 * with one byte to spare that shows a stream longer than declared.
 */
export const inflateExactly = (
  compressed: Uint8Array,
  bytes: number,
  budget: Budget,
  path: string,
): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array(allocate(budget, bytes + 1, path));
  let inflated: Uint8Array<ArrayBuffer>;
  try {
    inflated = inflateSync(compressed, { out });
  } catch (cause) {
    throw damaged(path, 'compressed data that do not decode', `${bytes} bytes`, cause);
  }
  if (inflated.length !== bytes) {
    const seen = inflated.length > bytes ? 'more bytes than declared' : `${inflated.length} bytes`;
    throw damaged(path, seen, `${bytes} bytes after decompression`);
  }
  return inflated;
};

/**
 * The first `bytes` bytes of a raw DEFLATE stream, or all of them when there are fewer. The stream is fed in small
 * pieces and left as soon as there is enough, so the cost does not depend on what follows.
 */
export const inflatePrefix = (compressed: Uint8Array, bytes: number, path: string): Uint8Array<ArrayBuffer> => {
  const prefix = new Uint8Array(bytes);
  let filled = 0;
  const stream = new Inflate((chunk) => {
    const part = chunk.subarray(0, bytes - filled);
    prefix.set(part, filled);
    filled += part.length;
  });
  const piece = 512;
  try {
    for (let at = 0; at < compressed.length && filled < bytes; at += piece) {
      stream.push(compressed.subarray(at, at + piece), at + piece >= compressed.length);
    }
  } catch (cause) {
    throw damaged(path, 'compressed data that do not decode', 'a DEFLATE stream', cause);
  }
  return prefix.subarray(0, filled);
};
