import { beginningOf, type Issue, type Matrix, refuse, rowRange, type RowSource } from '@drnn/tensor';
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
    const begin = beginningOf(rows);
    if (begin === null) yield* inside(rows, 0, ranges, length);
    else for (const range of ranges) yield* inside(begin(range.from), range.from, [range], length);
  },
});

/** The rows of a source, whose first is row `start`, that lie in these ranges. */
async function* inside(
  rows: RowSource,
  start: number,
  ranges: readonly RowRange[],
  length: number,
): AsyncGenerator<Matrix> {
  const lastRow = ranges.at(-1)?.to ?? 0;
  let begun = start;
  for await (const piece of rows.blocks(length)) {
    const end = begun + piece.rows;
    for (const { from, to } of ranges) {
      const [first, last] = [Math.max(from, begun), Math.min(to, end)];
      if (last > first) yield rowRange(piece, first - begun, last - begun);
    }
    begun = end;
    if (end >= lastRow) return;
  }
}
