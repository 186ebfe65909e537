import type { Precision } from '@drnn/tensor';
import { find, type Measurement, type Peaks, peakOf } from './measurement.js';
import { labelOf, type Operation } from './operations.js';
import { milliseconds, percent, tableLines } from './table.js';

const distinct = <Item>(items: readonly Item[]): readonly Item[] => [...new Set(items)];

const cellsOf = (found: Measurement | undefined, peak: number | null): readonly string[] => {
  if (found === undefined) return ['-', '', '', ''];
  const { median, best, gflops, nanosecondsAnElement, threads } = found;
  const rate = Number.isNaN(gflops) ? `${nanosecondsAnElement.toFixed(2)} ns/el` : `${gflops.toFixed(1)} GF`;
  const part = Number.isNaN(gflops) || peak === null ? '' : percent(gflops / (peak * threads));
  return [milliseconds(median), milliseconds(best), rate, part];
};

/** The table of one that took part, in one precision: a row an operation, columns for each number of threads. */
const tableOf = (
  name: string,
  precision: Precision,
  operations: readonly Operation[],
  measurements: readonly Measurement[],
  peaks: Peaks,
): readonly string[] => {
  const own = measurements.filter((each) => each.name === name && each.precision === precision);
  const counts = distinct(own.map((each) => each.threads)).toSorted((a, b) => a - b);
  const peak = peakOf(name, precision, measurements, peaks);
  const [first, last] = [counts[0] ?? 1, counts.at(-1) ?? 1];
  const rows = operations
    .map((operation) => ({ operation, found: counts.map((count) => find(own, name, precision, count, operation)) }))
    .filter(({ found }) => found.some((each) => each !== undefined))
    .map(({ operation, found }) => {
      const [one, most] = [found[0], found.at(-1)];
      const scaling = one === undefined || most === undefined ? '' : `${(one.median / most.median).toFixed(2)}x`;
      const note = distinct(found.flatMap((each) => each?.note ?? [])).join(', ');
      return [
        `  ${labelOf(operation, precision)}${note === '' ? '' : ` (${note})`}`,
        ...found.flatMap((each) => cellsOf(each, peak)),
        ...(counts.length > 1 ? [scaling] : []),
      ];
    });
  const header = [
    `${name} ${precision}`,
    ...counts.flatMap((count) => [`${count} thr: ms`, 'best', 'rate', 'of peak']),
    ...(counts.length > 1 ? [`${last} over ${first}`] : []),
  ];
  const said =
    peak === null
      ? 'no peak to compare with'
      : name.startsWith('blas') || name.startsWith('NumPy')
        ? `peak: ${peak.toFixed(1)} GFLOP/s a thread, from the library's own largest product at its best${name.startsWith('blas') && precision === 'mixed' ? ', twice that in float64' : ''}`
        : `peak: ${peak.toFixed(1)} GFLOP/s a thread, vector arithmetic on registers in this engine`;
  return [...tableLines(header, rows), `  ${said}`, ''];
};

/** A table for each that took part. */
export const operationTables = (
  operations: readonly Operation[],
  measurements: readonly Measurement[],
  precision: Precision,
  peaks: Peaks,
): readonly string[] =>
  distinct(measurements.filter((each) => each.precision === precision).map((each) => each.name)).flatMap((name) =>
    tableOf(name, precision, operations, measurements, peaks),
  );
