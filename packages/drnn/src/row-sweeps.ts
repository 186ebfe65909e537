import type { TransitionSource } from '@drnn/simulator';
import { matrix, type Matrix, rowReader } from '@drnn/tensor';

/** Some transitions, which follow those of the piece before. */
export interface TransitionPiece {
  readonly predictors: Matrix;
  readonly targets: Matrix;
  /** Null where all are observed. */
  readonly weights: Matrix | null;
}

/**
 * Something that is made of all transitions in one sweep over them or several: each `yield` gives what looks at every
 * piece of a sweep, in order. So it is written once for transitions in memory and for those that are read from a file.
 */
export type RowSweeps<Result> = Generator<(piece: TransitionPiece) => void, Result, void>;

/** Over transitions in memory, which are a single piece. */
export const sweepMemory = <Result>(sweeps: RowSweeps<Result>, all: TransitionPiece): Result => {
  for (;;) {
    const next = sweeps.next();
    if (next.done === true) return next.value;
    next.value(all);
  }
};

/** Over transitions as they are read, anew for every sweep. */
export const sweepSource = async <Result>(sweeps: RowSweeps<Result>, source: TransitionSource): Promise<Result> => {
  for (;;) {
    const next = sweeps.next();
    if (next.done === true) return next.value;
    for await (const piece of piecesOf(source)) next.value(piece);
  }
};

/** Rows of a piece: 16 MB for 2,000 units. */
const pieceRows = 1024;

async function* piecesOf({ predictors, targets, weights }: TransitionSource): AsyncGenerator<TransitionPiece> {
  const named = { predictors, targets, ...(weights === null ? {} : { weights }) };
  const readers = Object.entries(named).map(([name, rows]) => ({
    columns: rows.columns,
    reader: rowReader(name, rows, pieceRows),
  }));
  try {
    for (let row = 0; row < targets.rows; row += pieceRows) {
      const count = Math.min(pieceRows, targets.rows - row);
      const parts: Matrix[] = [];
      for (const { reader, columns } of readers) {
        const part = matrix(count, columns);
        await reader.next(count, part.data, 0);
        parts.push(part);
      }
      const [x, d, w] = parts;
      if (x !== undefined && d !== undefined) yield { predictors: x, targets: d, weights: w ?? null };
    }
  } finally {
    for (const { reader } of readers) await reader.close();
  }
}

/** Reads the rows from `from` on into memory: a trial's end. */
export const rowsFrom = async (source: TransitionSource, from: number): Promise<TransitionPiece> => {
  const { predictors, targets, weights } = source;
  const count = targets.rows - from;
  const tail = (columns: number): Matrix => matrix(count, columns);
  const whole = {
    predictors: tail(predictors.columns),
    targets: tail(targets.columns),
    weights: weights === null ? null : tail(weights.columns),
  };
  let row = 0;
  for await (const piece of piecesOf(source)) {
    const skipped = Math.min(piece.targets.rows, Math.max(0, from - row));
    const at = Math.max(0, row - from);
    copyRows(piece.predictors, skipped, whole.predictors, at);
    copyRows(piece.targets, skipped, whole.targets, at);
    if (piece.weights !== null && whole.weights !== null) copyRows(piece.weights, skipped, whole.weights, at);
    row += piece.targets.rows;
  }
  return whole;
};

const copyRows = (from: Matrix, skipped: number, to: Matrix, at: number): void =>
  to.data.set(from.data.subarray(skipped * from.columns), at * to.columns);
