import { type Issue, matrix, refuse, rowRange, type RowSource } from '@drnn/tensor';
import type { TransitionSource } from './transition-source.js';

/** Rows [from, to). */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Some rows of a source, in the order of the source, read through it: nothing is copied. Errors: ranges that overlap, do
 * not ascend, are empty or lie outside.
 */
export const restrict = (source: TransitionSource, ranges: readonly RowRange[]): TransitionSource => {
  refuse(rangeIssues(source.targets.rows, ranges));
  const { frames } = source;
  const restricted = (rows: RowSource): RowSource => restrictRows(rows, ranges);
  return {
    ...source,
    predictors: restricted(source.predictors),
    targets: restricted(source.targets),
    weights: source.weights === null ? null : restricted(source.weights),
    frames: Int32Array.from(
      ranges.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, k) => frames?.[from + k] ?? from + k)),
    ),
  };
};

const rangeIssues = (rows: number, ranges: readonly RowRange[]): readonly Issue[] => {
  let last = 0;
  for (const { from, to } of ranges) {
    const whole = Number.isInteger(from) && Number.isInteger(to);
    if (!(whole && from >= last && to > from && to <= rows)) {
      return [{ path: 'ranges', seen: `[${from}, ${to})`, expected: `ascending ranges inside [0, ${rows})` }];
    }
    last = to;
  }
  return ranges.length > 0 ? [] : [{ path: 'ranges', seen: 'no range', expected: 'at least 1 row' }];
};

const restrictRows = (rows: RowSource, ranges: readonly RowRange[]): RowSource => ({
  rows: ranges.reduce((total, { from, to }) => total + to - from, 0),
  columns: rows.columns,
  blocks: async function* (length) {
    const lastRow = ranges.at(-1)?.to ?? 0;
    let start = 0;
    for await (const piece of rows.blocks(length)) {
      const end = start + piece.rows;
      for (const { from, to } of ranges) {
        const [first, last] = [Math.max(from, start), Math.min(to, end)];
        if (last > first) yield rowRange(piece, first - start, last - start);
      }
      start = end;
      if (end >= lastRow) return;
    }
    if (start === 0) yield matrix(0, rows.columns);
  },
});
