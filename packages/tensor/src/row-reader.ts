import type { RowSource } from './backend.js';
import type { Numbers } from './blocks.js';
import { failure } from './error.js';
import { matrix, type Matrix, rowRange } from './matrix.js';
import { seekable } from './seekable.js';

/** Whether all are finite, without a branch: x - x is 0 but for infinities and NaN. */
const areFinite = (values: Float32Array, from: number, to: number): boolean => {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = to - 3;
  let i = from;
  for (; i < whole; i += 4) {
    s0 += values[i]! - values[i]!;
    s1 += values[i + 1]! - values[i + 1]!;
    s2 += values[i + 2]! - values[i + 2]!;
    s3 += values[i + 3]! - values[i + 3]!;
  }
  for (; i < to; i++) s0 += values[i]! - values[i]!;
  return s0 + s1 + s2 + s3 === 0;
};

/**
 * Rounds numbers to float32: `count` of `from`, from `start`, to `to`, from `at`. Refuses a finite number that float32
 * cannot hold.
 */
export const narrow = (
  path: string,
  from: Float64Array,
  start: number,
  count: number,
  to: Float32Array,
  at: number,
): void => {
  to.set(from.subarray(start, start + count), at);
  if (areFinite(to, at, at + count)) return;
  for (let i = 0; i < count; i++) {
    const value = to[at + i]!;
    if (Number.isFinite(value) || Number.isNaN(value) || Math.abs(from[start + i]!) === Infinity) continue;
    throw failure({
      path,
      seen: `the number ${from[start + i]}`,
      expected: 'numbers that float32 can hold (below 3.4e38)',
      hint: 'scale the data, or use precision float64',
    });
  }
};

/** The rows of a source, one run after the other, from the first to the last. */
export interface RowReader {
  /** The next `length` rows to `to`, from `at`, rounded where `to` is float32. A promise only where the source waits. */
  next(length: number, to: Numbers, at: number): void | Promise<void>;
  /** Checks that the source ends where it said. */
  finish(): void | Promise<void>;
  /** Tells a source that was left early. Always call it, once. */
  close(): void | Promise<void>;
}

/**
 * Reads a source, which may yield pieces of any size, in runs of the reader's choice; `blockLength` is what the source
 * is asked for. Errors: pieces of another width; fewer or more rows than the source said; its own.
 */
export const rowReader = (path: string, source: RowSource, blockLength: number): RowReader => {
  const { columns } = source;
  const iterable = source.blocks(blockLength);
  const iterator = Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
  let pending: Matrix | null = null;
  let used = 0;
  let taken = 0;
  let ended = false;

  const wrongCount = (seen: string) =>
    failure({ path, seen: `a source that yields ${seen}`, expected: `[time=${source.rows}, column=${columns}]` });

  /** Accepts what the iterator gave; false at the end. */
  const accept = (result: IteratorResult<Matrix, unknown>): boolean => {
    if (result.done === true) {
      ended = true;
      return false;
    }
    const block = result.value;
    if (block.columns !== columns || block.data.length !== block.rows * columns) {
      throw failure({
        path,
        seen: `a block [time=${block.rows}, column=${block.columns}] of ${block.data.length} numbers after row ${taken}`,
        expected: `blocks of ${columns} columns`,
      });
    }
    pending = block;
    used = 0;
    return true;
  };

  /** Copies rows of the pending block to row `row` of the run; how many there were. */
  const copy = (row: number, wanted: number, to: Numbers, at: number): number => {
    if (pending === null) return 0;
    const count = Math.min(wanted, pending.rows - used);
    const from = used * columns;
    if (to instanceof Float64Array) to.set(pending.data.subarray(from, from + count * columns), at + row * columns);
    else narrow(path, pending.data, from, count * columns, to, at + row * columns);
    used += count;
    taken += count;
    if (used === pending.rows) pending = null;
    return count;
  };

  const fill = (row: number, length: number, to: Numbers, at: number): void | Promise<void> => {
    let filled = row;
    while (filled < length) {
      filled += copy(filled, length - filled, to, at);
      if (filled === length) return;
      const result = iterator.next();
      if (result instanceof Promise) {
        const sofar = filled;
        return result.then((block) => {
          if (!accept(block)) throw wrongCount(`${taken} rows`);
          return fill(sofar, length, to, at);
        });
      }
      if (!accept(result)) throw wrongCount(`${taken} rows`);
    }
  };

  return {
    next: (length, to, at) => fill(0, length, to, at),
    finish: () => {
      if (pending !== null) throw wrongCount(`more than ${source.rows} rows`);
      const more = (result: IteratorResult<Matrix, unknown>): void => {
        if (accept(result) && pending !== null && pending.rows > 0) throw wrongCount(`more than ${source.rows} rows`);
      };
      const result = iterator.next();
      return result instanceof Promise ? result.then(more) : more(result);
    },
    close: async () => {
      if (!ended) await iterator.return?.();
    },
  };
};

/** Numbers of a block that a source is asked for: those that it makes anew for each block stay in a cache. */
const blockNumbers = 2 ** 16;

/** Reads all of a source into `to`, rounded where that is float32. */
export const readRows = async (path: string, source: RowSource, to: Numbers): Promise<void> => {
  const reader = rowReader(path, source, Math.max(16, Math.floor(blockNumbers / Math.max(1, source.columns))));
  try {
    await reader.next(source.rows, to, 0);
    await reader.finish();
  } finally {
    await reader.close();
  }
};

/** All of a source in memory. */
export const collect = async (source: RowSource): Promise<Matrix> => {
  const result = matrix(source.rows, source.columns);
  await readRows('rows', source, result.data);
  return result;
};

/** A matrix as a source: its rows are shared, not copied. */
export const rowSourceOf = (values: Matrix): RowSource => {
  const source: RowSource = {
    rows: values.rows,
    columns: values.columns,
    blocks: function* (length) {
      for (let row = 0; row < values.rows; row += length)
        yield rowRange(values, row, Math.min(values.rows, row + length));
    },
  };
  return seekable(source, (row) => rowSourceOf(rowRange(values, row, values.rows)));
};
