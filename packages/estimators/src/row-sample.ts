import { restrict, type RowRange, type TransitionSource } from '@drnn/simulator';
import { designOf } from '@drnn/solvers';
import { collect, type Matrix } from '@drnn/tensor';

/** Some rows of a recording on the host: enough to judge residuals by, in runs that follow each other in time. */
export interface RowSample {
  /** X [row, predictor]. */
  readonly design: Matrix;
  /** d [row, unit]. */
  readonly targets: Matrix;
  /** [row, unit] of 0 and 1, or null. */
  readonly observed: Matrix | null;
  /** The frame of each row, [row]. */
  readonly frames: Int32Array;
}

/** Entries of the targets: the median absolute deviation of a twelfth of them is good to 1 %. */
const mostEntries = 200_000;
/** Rows of one run: residuals of a recording seldom remember longer than a half of that. */
const runLength = 256;

/**
 * Evenly spaced runs of rows, at least `fewest` of them, about 200,000 targets in all. Cost: reads the source once;
 * memory rows x (predictor + unit).
 */
export const sampleRows = async (
  source: TransitionSource,
  bias: boolean,
  fewest = 4 * runLength,
): Promise<RowSample> => {
  const { rows, columns } = source.targets;
  const wanted = Math.min(rows, Math.max(fewest, Math.ceil(mostEntries / columns)));
  const chosen = restrict(source, runs(rows, wanted));
  return {
    design: await collect(designOf(chosen, bias)),
    targets: await collect(chosen.targets),
    observed: chosen.weights === null ? null : await collect(chosen.weights),
    frames: chosen.frames ?? new Int32Array(),
  };
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
