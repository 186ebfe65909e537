import { narrow, type Numbers, type Precision, rowReader, type RowSource } from '@drnn/tensor';

/** What a handle stands for: rows in ordinary memory, outside the kernels' own, or a source. */
export type Stored =
  | { readonly kind: 'resident'; readonly rows: number; readonly columns: number; readonly values: Numbers }
  | { readonly kind: 'streamed'; readonly rows: number; readonly columns: number; readonly source: RowSource };

/** What is done to a new array of numbers before it is touched. */
export type Prepare = <Values extends Numbers>(values: Values) => Values;

/** Nothing is done. */
export const asItIs: Prepare = (values) => values;

/** An array for rows in this precision. */
export const numbers = (precision: Precision, count: number, prepare = asItIs): Numbers =>
  precision === 'float64' ? prepare(new Float64Array(count)) : prepare(new Float32Array(count));

/** The numbers as this precision stores them, copied. A finite number that float32 cannot hold is refused. */
export const storedValues = (path: string, values: Float64Array, precision: Precision, prepare = asItIs): Numbers => {
  const stored = numbers(precision, values.length, prepare);
  if (stored instanceof Float32Array) narrow(path, values, 0, values.length, stored, 0);
  else stored.set(values);
  return stored;
};

/** Some rows in memory: row i of a burst starts at `values[offset + i * columns]`. */
export interface Strip {
  readonly values: Numbers;
  readonly offset: number;
}

/** Moves over rows, a burst at a time. */
interface Window {
  /** The next `length` rows; a promise only where a source waits. */
  advance(length: number): Strip | Promise<Strip>;
  finish(): void | Promise<void>;
  close(): void | Promise<void>;
}

const residentWindow = (values: Numbers, columns: number): Window => {
  let next = 0;
  return {
    advance: (length) => {
      const offset = next;
      next += length * columns;
      return { values, offset };
    },
    finish: () => undefined,
    close: () => undefined,
  };
};

const streamedWindow = (source: RowSource, rowsAtOnce: number, precision: Precision): Window => {
  const reader = rowReader('rows', source, rowsAtOnce);
  const strip = { values: numbers(precision, rowsAtOnce * source.columns), offset: 0 };
  return {
    advance: (length) => {
      const wait = reader.next(length, strip.values, 0);
      return wait === undefined ? strip : wait.then(() => strip);
    },
    finish: reader.finish,
    close: reader.close,
  };
};

/** Lets timers and other work run. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Rows of a source held at once: some 32 MiB of float64. */
const stagingNumbers = 2 ** 22;

/**
 * Goes over several rows of equal height in lockstep, at most `burstRows` at a time, and calls `visit` for each strip;
 * between two of them others may run. Nothing of a visit may be needed by the next one.
 */
export const inBursts = async (
  stored: readonly Stored[],
  burstRows: number,
  precision: Precision,
  visit: (start: number, length: number, strips: readonly Strip[]) => void,
): Promise<void> => {
  const time = stored[0]?.rows ?? 0;
  const widest = stored.reduce((most, { kind, columns }) => (kind === 'streamed' ? Math.max(most, columns) : most), 0);
  const atOnce = Math.max(1, Math.min(time, burstRows, widest === 0 ? time : Math.ceil(stagingNumbers / widest)));
  const windows: Window[] = [];
  try {
    for (const item of stored) {
      windows.push(
        item.kind === 'resident'
          ? residentWindow(item.values, item.columns)
          : streamedWindow(item.source, atOnce, precision),
      );
    }
    for (let start = 0; start < time; start += atOnce) {
      if (start > 0) await turn();
      const length = Math.min(atOnce, time - start);
      const strips: Strip[] = [];
      for (const window of windows) {
        const strip = window.advance(length);
        strips.push(strip instanceof Promise ? await strip : strip);
      }
      visit(start, length, strips);
    }
    for (const window of windows) await window.finish();
  } finally {
    for (const window of windows) await window.close();
  }
};
