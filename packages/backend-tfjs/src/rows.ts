import {
  failure,
  firstNonFinite,
  type Matrix,
  narrow,
  rowReader,
  type RowReader,
  type RowShape,
  type RowSource,
} from '@drnn/tensor';
import type { DeviceArray, TfjsEngine } from './engine.js';

/** What a handle stands for. Chunks are those of `chunkLengths`; without columns there are none. */
export type Stored = RowShape &
  (
    | { readonly kind: 'resident'; readonly chunks: readonly DeviceArray[] }
    | { readonly kind: 'streamed'; readonly source: RowSource }
  );

/** How rows fall into chunks, the same for all of one height: full ones, whole sums of the rest, the rest of that. */
const chunkLengths = ({ chunkRows, sumRows }: TfjsEngine, rows: number): readonly number[] => {
  const lengths = Array.from({ length: Math.floor(rows / chunkRows) }, () => chunkRows);
  const rest = rows % chunkRows;
  return [...lengths, rest - (rest % sumRows), rest % sumRows].filter((length) => length > 0);
};

/** Refuses what the device does not take in one piece. */
export const checkPiece = (engine: TfjsEngine, path: string, shape: string, count: number): void => {
  if (4 * count <= engine.limits.array) return;
  throw failure({
    path,
    seen: `${shape}, ${4 * count} bytes in one piece`,
    expected: `at most ${engine.limits.array}, as the device of backend-${engine.name} allows`,
    hint: 'fit the units in groups, or take another backend',
  });
};

/** Refuses rows so wide that a chunk of them is too large for the device. */
export const checkWidth = (engine: TfjsEngine, path: string, rows: number, columns: number): void => {
  const length = Math.min(rows, engine.chunkRows);
  checkPiece(engine, path, `${length} rows of [time=${rows}, column=${columns}]`, length * columns);
};

/** Refuses what an engine that loses NaN cannot be given; `start` is the first row of `values`. */
export const checkFinite = (
  engine: TfjsEngine,
  path: string,
  values: Float32Array,
  columns: number,
  start: number,
): void => {
  if (engine.accuracy.propagatesNaN) return;
  const at = firstNonFinite(values);
  if (at < 0) return;
  throw failure({
    path,
    seen: `${values[at]} at [time=${start + Math.floor(at / columns)}, column=${at % columns}]`,
    expected: `finite numbers: on backend-${engine.name} NaN and infinity may be lost in silence`,
    hint: 'give missing values weight 0 and a number, or take @drnn/backend-wasm or @drnn/backend-cpu',
  });
};

/** A matrix as chunks on the device: rounded to float32, checked, and copied. */
export const upload = (engine: TfjsEngine, path: string, { rows, columns, data }: Matrix): readonly DeviceArray[] => {
  const chunks: DeviceArray[] = [];
  if (columns === 0) return chunks;
  try {
    let start = 0;
    for (const length of chunkLengths(engine, rows)) {
      const values = new Float32Array(length * columns);
      narrow(path, data, start * columns, values.length, values, 0);
      checkFinite(engine, path, values, columns, start);
      chunks.push(engine.burst(() => engine.upload(values, length, columns)));
      start += length;
    }
    return chunks;
  } catch (error) {
    chunks.forEach(engine.dispose);
    throw error;
  }
};

/** One chunk of several rows in lockstep. */
export interface Chunk {
  readonly start: number;
  readonly length: number;
  /** In the order asked for; null for rows without columns. Streamed ones live until the next chunk. */
  readonly arrays: readonly (DeviceArray | null)[];
}

interface Window {
  next(index: number, start: number, length: number): DeviceArray | null | Promise<DeviceArray | null>;
  /** Gives up what `next` gave. */
  leave(array: DeviceArray): void;
  readonly reader: RowReader | null;
}

const windowOn = (engine: TfjsEngine, stored: Stored): Window => {
  if (stored.kind === 'resident') {
    return { next: (index) => stored.chunks[index] ?? null, leave: () => undefined, reader: null };
  }
  const { columns, source } = stored;
  const reader = rowReader('rows', source, engine.chunkRows);
  return {
    next: async (_, start, length) => {
      const values = new Float32Array(length * columns);
      await reader.next(length, values, 0);
      checkFinite(engine, 'rows', values, columns, start);
      return columns === 0 ? null : engine.burst(() => engine.upload(values, length, columns));
    },
    leave: engine.dispose,
    reader,
  };
};

/** Goes over rows of equal height in lockstep. A source that is left early is told, and all are held to their ends. */
export const chunksOf = async function* (engine: TfjsEngine, stored: readonly Stored[]): AsyncGenerator<Chunk> {
  const time = stored[0]?.rows ?? 0;
  const windows: Window[] = [];
  try {
    for (const item of stored) windows.push(windowOn(engine, item));
    let start = 0;
    for (const [index, length] of chunkLengths(engine, time).entries()) {
      const arrays: (DeviceArray | null)[] = [];
      try {
        for (const window of windows) arrays.push(await window.next(index, start, length));
        yield { start, length, arrays };
      } finally {
        arrays.forEach((array, k) => {
          if (array !== null) windows[k]?.leave(array);
        });
      }
      start += length;
    }
    for (const { reader } of windows) await reader?.finish();
  } finally {
    for (const { reader } of windows) await reader?.close();
  }
};
