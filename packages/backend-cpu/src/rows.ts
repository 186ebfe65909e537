import { narrow, type Numbers, type Precision, rowReader, type RowSource } from '@drnn/tensor';
import type { Buffers } from './buffers.js';

/** What a handle stands for. */
export type Stored =
  | { readonly kind: 'resident'; readonly rows: number; readonly columns: number; readonly values: Numbers }
  | { readonly kind: 'streamed'; readonly rows: number; readonly columns: number; readonly source: RowSource };

/** The numbers as this precision stores them, copied. A finite number that float32 cannot hold is refused. */
export const storedValues = (path: string, values: Float64Array, precision: Precision): Numbers => {
  if (precision === 'float64') return values.slice();
  const single = new Float32Array(values.length);
  narrow(path, values, 0, values.length, single, 0);
  return single;
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
const streamedWindow = (source: RowSource, blockLength: number, precision: Precision, pools: Pools): Window => {
  const reader = rowReader('rows', source, blockLength);
  const pool = precision === 'float64' ? pools.double : pools.single;
  const values = pool.take(blockLength * source.columns);
  return {
    values,
    offset: 0,
    advance: (length) => reader.next(length, values, 0),
    finish: reader.finish,
    close: () => {
      if (values instanceof Float64Array) pools.double.give(values);
      else pools.single.give(values);
      return reader.close();
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
          : streamedWindow(item.source, blockLength, precision, pools),
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
