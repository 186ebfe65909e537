import { failure, type Matrix, type Numbers, type Precision, type Rows, type RowSource } from '@drnn/tensor';
import type { Buffers } from './buffers.js';

/** What a handle stands for. */
export type Stored =
  | { readonly kind: 'resident'; readonly rows: number; readonly columns: number; readonly values: Numbers }
  | { readonly kind: 'streamed'; readonly rows: number; readonly columns: number; readonly source: RowSource };

/** The handles of one backend. A handle is an empty object; what it stands for is known only here. */
export interface RowStore {
  admit(stored: Stored): Rows;
  /** What a handle stands for; an error for one that is released or not of this backend. */
  open(path: string, rows: Rows): Stored;
  memory(): { readonly handles: number; readonly bytes: number };
  releaseAll(): void;
}

const bytesOf = (stored: Stored): number => (stored.kind === 'resident' ? stored.values.byteLength : 0);

export const createRowStore = (): RowStore => {
  const live = new Map<Rows, Stored>();
  const released = new WeakSet<Rows>();
  let bytes = 0;
  const release = (handle: Rows): void => {
    const stored = live.get(handle);
    if (stored === undefined) return;
    live.delete(handle);
    released.add(handle);
    bytes -= bytesOf(stored);
  };
  return {
    admit: (stored) => {
      const handle: Rows = Object.freeze({
        rows: stored.rows,
        columns: stored.columns,
        release: () => release(handle),
      });
      live.set(handle, stored);
      bytes += bytesOf(stored);
      return handle;
    },
    open: (path, handle) => {
      const stored = live.get(handle);
      if (stored !== undefined) return stored;
      throw failure(
        released.has(handle)
          ? {
              path,
              seen: `rows [time=${handle.rows}, column=${handle.columns}] that were released`,
              expected: 'live rows',
              hint: 'a scope releases what its result does not hold',
            }
          : { path, seen: 'rows that this backend did not make', expected: 'rows of this backend', hint: 'see rows()' },
      );
    },
    memory: () => ({ handles: live.size, bytes }),
    releaseAll: () => [...live.keys()].forEach(release),
  };
};

/** The numbers as this precision stores them, copied. A finite number that float32 cannot hold is refused. */
export const storedValues = (path: string, values: Float64Array, precision: Precision): Numbers => {
  if (precision === 'float64') return values.slice();
  const narrow = new Float32Array(values.length);
  narrowInto(path, values, 0, values.length, narrow, 0);
  return narrow;
};

/** Rounds a run of numbers to float32. */
const narrowInto = (
  path: string,
  from: Float64Array,
  start: number,
  count: number,
  to: Float32Array,
  at: number,
): void => {
  for (let i = 0; i < count; i++) {
    const value = from[start + i]!;
    to[at + i] = value;
    if (Math.abs(to[at + i]!) === Infinity && Math.abs(value) !== Infinity) {
      throw failure({
        path,
        seen: `the number ${value}`,
        expected: 'numbers that float32 can hold (below 3.4e38)',
        hint: 'scale the data, or use precision float64',
      });
    }
  }
};

/** A moving window on rows: after `advance(length)` the next `length` rows are `values` from `offset`. */
interface Window {
  values: Numbers;
  offset: number;
  advance(length: number): void | Promise<void>;
  /** Checks that a source ended where it said. */
  finish(): void | Promise<void>;
  /** Gives buffers back and tells a source that was left early. */
  close(): void | Promise<void>;
}

const residentWindow = (values: Numbers, columns: number): Window => {
  let next = 0;
  const window: Window = {
    values,
    offset: 0,
    advance: (length) => {
      window.offset = next;
      next += length * columns;
    },
    finish: () => undefined,
    close: () => undefined,
  };
  return window;
};

/** Pools of both widths. */
export interface Pools {
  readonly double: Buffers<Float64Array>;
  readonly single: Buffers<Float32Array>;
}

/** Collects what a source yields, in pieces of any size, into blocks of the size asked for. */
const streamedWindow = (
  path: string,
  source: RowSource,
  blockLength: number,
  precision: Precision,
  pools: Pools,
): Window => {
  const { columns } = source;
  const iterable = source.blocks(blockLength);
  const iterator = Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
  const size = blockLength * columns;
  const double = precision === 'float64' ? pools.double.take(size) : null;
  const single = precision === 'float64' ? null : pools.single.take(size);
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

  /** Copies rows from the pending block to row `at` of the window; how many there were. */
  const copy = (at: number, wanted: number): number => {
    if (pending === null) return 0;
    const count = Math.min(wanted, pending.rows - used);
    const from = used * columns;
    if (double !== null) double.set(pending.data.subarray(from, from + count * columns), at * columns);
    if (single !== null) narrowInto(path, pending.data, from, count * columns, single, at * columns);
    used += count;
    taken += count;
    if (used === pending.rows) pending = null;
    return count;
  };

  const fill = (at: number, length: number): void | Promise<void> => {
    let filled = at;
    while (filled < length) {
      filled += copy(filled, length - filled);
      if (filled === length) return;
      const result = iterator.next();
      if (result instanceof Promise) {
        const sofar = filled;
        return result.then((block) => {
          if (!accept(block)) throw wrongCount(`${taken} rows`);
          return fill(sofar, length);
        });
      }
      if (!accept(result)) throw wrongCount(`${taken} rows`);
    }
  };

  return {
    values: double ?? single ?? new Float64Array(0),
    offset: 0,
    advance: (length) => fill(0, length),
    finish: () => {
      if (pending !== null) throw wrongCount(`more than ${source.rows} rows`);
      const more = (result: IteratorResult<Matrix, unknown>): void => {
        if (accept(result) && pending !== null && pending.rows > 0) throw wrongCount(`more than ${source.rows} rows`);
      };
      const result = iterator.next();
      return result instanceof Promise ? result.then(more) : more(result);
    },
    close: async () => {
      if (double !== null) pools.double.give(double);
      if (single !== null) pools.single.give(single);
      if (!ended) await iterator.return?.();
    },
  };
};

/** One array of rows as a block sees it: row i of the block starts at `values[offset + i * columns]`. */
export interface BlockView {
  readonly values: Numbers;
  readonly offset: number;
}

/**
 * Goes over several rows of equal height in lockstep, `blockLength` at a time, and calls `visit` for each block; it
 * waits only where a source is asynchronous. The views are reused from block to block; the first of `stored` comes apart.
 */
export const sweep = async (
  stored: readonly Stored[],
  blockLength: number,
  precision: Precision,
  pools: Pools,
  visit: (start: number, length: number, first: BlockView, others: readonly BlockView[]) => void,
): Promise<void> => {
  const time = stored[0]?.rows ?? 0;
  const windows: Window[] = [];
  try {
    for (const item of stored) {
      windows.push(
        item.kind === 'resident'
          ? residentWindow(item.values, item.columns)
          : streamedWindow('rows', item.source, blockLength, precision, pools),
      );
    }
    const [first, ...others] = windows;
    if (first === undefined) return;
    for (let start = 0; start < time; start += blockLength) {
      const length = Math.min(blockLength, time - start);
      for (const window of windows) {
        const wait = window.advance(length);
        if (wait !== undefined) await wait;
      }
      visit(start, length, first, others);
    }
    for (const window of windows) await window.finish();
  } finally {
    for (const window of windows) await window.close();
  }
};
