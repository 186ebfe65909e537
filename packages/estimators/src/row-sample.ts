import { restrict, type RowRange, type TransitionSource } from '@drnn/simulator';
import { designOf } from '@drnn/solvers';
import { collect, columnsOf, type Matrix, type RowSource } from '@drnn/tensor';

/** Some rows of a recording on the host: enough to judge residuals by, in runs that follow each other in time. */
export interface RowSample {
  /** X [row, predictor]. */
  readonly design: Matrix;
  /** The columns of Theta whose targets are here, ascending. */
  readonly columns: Int32Array;
  /** d [row, one of `columns`]. */
  readonly targets: Matrix;
  /** [row, one of `columns`] of 0 and 1, or null. */
  readonly observed: Matrix | null;
  /** The frame of each row, [row]. */
  readonly frames: Int32Array;
}

/** Entries of the targets: the median absolute deviation of a twelfth of them is good to 1 %. */
const mostEntries = 200_000;
/** Rows of one run: residuals of a recording seldom remember longer than a half of that. */
const runLength = 256;

/** Rows enough for the autocorrelation, where units are many: then some of them do. */
const fewestRows = 4 * runLength;

export interface RowSampleOptions {
  /** The units that Theta has, ascending. Default all. */
  readonly among?: Int32Array;
  /** About how many targets. Default 200,000. */
  readonly entries?: number;
}

/**
 * Evenly spaced runs of rows and, where 1024 rows have more entries than asked for, of units. Cost: reads the source once;
 * memory rows x (predictor + unit).
 */
export const sampleRows = async (
  source: TransitionSource,
  bias: boolean,
  { among, entries = mostEntries }: RowSampleOptions = {},
): Promise<RowSample> => {
  const { rows, columns } = source.targets;
  const present = among?.length ?? columns;
  const wanted = Math.min(rows, Math.max(fewestRows, Math.ceil(entries / present)));
  const chosen = restrict(source, runs(rows, wanted));
  const taken = evenly(present, Math.ceil(entries / wanted));
  const units = taken.map((c) => among?.[c] ?? c);
  const ofUnits = async (from: RowSource): Promise<Matrix> => {
    const all = await collect(from);
    return units.length === columns ? all : columnsOf(all, units);
  };
  return {
    design: await collect(designOf(chosen, bias)),
    columns: taken,
    targets: await ofUnits(chosen.targets),
    observed: chosen.weights === null ? null : await ofUnits(chosen.weights),
    frames: chosen.frames ?? new Int32Array(),
  };
};

/** At most `most` of the numbers below `count`, evenly spaced. */
export const evenly = (count: number, most: number): Int32Array => {
  const taken = Math.min(count, most);
  return Int32Array.from({ length: taken }, (_, k) => Math.floor(((k + 0.5) * count) / taken));
};

const runs = (rows: number, wanted: number): readonly RowRange[] => {
  if (2 * wanted > rows) return [{ from: 0, to: rows }];
  const count = Math.max(1, Math.round(wanted / runLength));
  const length = Math.floor(wanted / count);
  return Array.from({ length: count }, (_, k) => {
    const from = Math.floor(((k + 0.5) * rows) / count - length / 2);
    return { from, to: from + length };
  });
};
