import type { Numbers, Precision } from '@drnn/tensor';
import type { Layout, Views } from './machine.js';
import type { Strip } from './rows.js';

/**
 * Rows, rounded up to whole tiles. Copies of them start at whole words, whatever the number of columns: where float32 do
 * not, engines copy into shared memory byte by byte, at an eighth of the speed (V8 11.3).
 */
export const wholeRows = (rows: number): number => Math.ceil(rows / 4) * 4;

/** Rows that one thread takes in one block. */
const fewestRows = 256;
const mostRows = 2048;
/** Elements of a block of currents that a second-level cache holds beside the rest. */
const blockElements = 65_536;

/**
 * Rows of a block: few enough that what a block touches stays in a second-level cache; more where rows are short, so
 * that a round is worth its start; no more than there are for each thread.
 */
export const blockRowsFor = (columns: number, time: number, threads: number): number => {
  const rows = Math.min(mostRows, Math.max(fewestRows, blockElements / Math.max(1, columns)));
  return Math.max(4, wholeRows(Math.min(rows, time / threads)));
};

/** Operations of some half a second, and rows beside which a burst's beginning and end cost little: parameters and sums. */
const burstOperations = 2.5e10;
const fewestBurstRows = 2048;

/** Rows of a burst, in whole blocks: about as many as others can wait for, and the same in all, so that none is short. */
export const burstRowsFor = (time: number, operationsARow: number, blockRows: number, threads: number): number => {
  const rows = threads * Math.max(fewestBurstRows, burstOperations / Math.max(1, operationsARow));
  const bursts = Math.max(1, Math.round(time / rows));
  return blockRows * Math.ceil(time / bursts / blockRows);
};

/** Rows of the last parts of a sweep: some tenths of a millisecond of work, and enough for a block to be worth its start. */
export const leastRows = (operationsARow: number): number => Math.min(mostRows, Math.max(64, 6e6 / operationsARow));

/**
 * What each thread has: places for rows, of which one is filled while the kernel reads another; and sums, of which some
 * wait until those of earlier rows have been folded while another grows: few where they are large.
 */
export const sharesOf = (threads: number, sumBytes: number): { readonly slots: number; readonly sums: number } => {
  if (threads === 1) return { slots: 1, sums: 1 };
  const bytes = Math.max(1, threads * sumBytes);
  return { slots: 2, sums: bytes > 2 ** 29 ? 1 : Math.max(2, Math.min(4, Math.floor(2 ** 28 / bytes))) };
};

/** Room for numbers of this precision. */
export const takeNumbers = (layout: Layout, precision: Precision, count: number): number =>
  precision === 'float64' ? layout.doubles(count) : layout.singles(count);

/** The view that holds numbers of this precision, and the index of an address in it. */
export const numbersAt = (views: Views, precision: Precision): { readonly view: Numbers; readonly size: number } =>
  precision === 'float64' ? { view: views.doubles, size: 8 } : { view: views.singles, size: 4 };

/** Copies `count` numbers of a strip, from its row `row`, into the kernels' memory. */
export const copyIn = (
  { view, size }: { readonly view: Numbers; readonly size: number },
  strip: Strip,
  row: number,
  columns: number,
  rows: number,
  to: number,
): void => {
  const from = strip.offset + row * columns;
  view.set(strip.values.subarray(from, from + rows * columns), to / size);
};
