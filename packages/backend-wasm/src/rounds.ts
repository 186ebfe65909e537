import type { Numbers, Precision } from '@drnn/tensor';
import type { Layout, Views } from './machine.js';
import type { Strip } from './rows.js';

/** Rows that one thread takes in one round. */
const fewestRows = 256;
const mostRows = 2048;
/** Elements of a block of currents that a second-level cache holds beside the rest. */
const blockElements = 65_536;

/**
 * Rows of a block: few enough that what a block touches stays in a second-level cache; more where rows are short, so
 * that a round is worth its start; no more than there are for each thread.
 */
export const blockRowsFor = (columns: number, time: number, threads: number): number => {
  const rows = Math.min(mostRows, Math.max(fewestRows, Math.floor(blockElements / Math.max(1, columns))));
  return Math.max(1, Math.min(rows, Math.ceil(time / threads)));
};

/** Rows of a burst that takes some half a second, in whole rounds: others wait no longer. */
export const burstRowsFor = (operationsARow: number, roundRows: number): number =>
  roundRows * Math.max(1, Math.ceil(1e10 / Math.max(1, operationsARow * roundRows)));

/** The rows of a strip cut into rounds, and each round into equal shares for the threads. */
export const shares = (start: number, length: number, blockRows: number, threads: number): readonly number[] => {
  const left = Math.min(length - start, blockRows * threads);
  const each = Math.ceil(left / threads);
  return Array.from({ length: threads }, (_, k) => Math.max(0, Math.min(each, left - k * each)));
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
