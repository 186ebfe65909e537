import { failure } from '@drnn/tensor';

/**
 * What reading one file may allocate. Every array whose size a file declares is made through `allocate`, which asks
 * first and allocates after, so a lying header costs an error and no memory.
 */
export interface Budget {
  /** Bytes that may be allocated in all. */
  readonly limit: number;
  /** Bytes allocated so far; never above `limit`. */
  taken: number;
}

/** The largest ratio that DEFLATE can reach: 258 bytes from two bits (RFC 1951). */
const DEFLATE_RATIO = 1032;
const SLACK = 64 * 1024;
const SMALL_FILE = 64 * 1024 * 1024;
const TYPICAL_RATIO = 100;

/**
 * Bytes that a compressed file of `fileBytes` bytes may expand to: what DEFLATE can reach, 1032 x the file, up to
 * 64 MiB + 100 x the file. Recordings compress 2 to 20 times, masks and spike trains up to 100; more is a zip bomb.
 */
export const expansionLimit = (fileBytes: number): number =>
  Math.min(DEFLATE_RATIO * fileBytes + SLACK, SMALL_FILE + TYPICAL_RATIO * fileBytes);

/** A budget of `limit` bytes. */
export const budgetOf = (limit: number): Budget => ({ limit, taken: 0 });

/** Takes `bytes` from the budget, or throws when they are no size or too many. `path` names what is being read. */
export const take = (budget: Budget, bytes: number, path: string): void => {
  if (Number.isSafeInteger(bytes) && bytes >= 0 && budget.taken + bytes <= budget.limit) {
    budget.taken += bytes;
    return;
  }
  throw failure({
    path,
    seen: `a declared size of ${bytes} bytes`,
    expected: `at most ${budget.limit - budget.taken} more for a file of this size`,
    hint: 'the file is damaged, or it is compressed beyond what data reach',
  });
};

/** `bytes` zero bytes within the budget. */
export const allocate = (budget: Budget, bytes: number, path: string): ArrayBuffer => {
  take(budget, bytes, path);
  return new ArrayBuffer(bytes);
};
