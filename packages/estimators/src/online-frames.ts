import type { TransitionSource } from '@drnn/simulator';
import { firstNonFinite, type Issue, matrix, type Matrix, refuse, rowSourceOf, stackRows } from '@drnn/tensor';

/** Some transitions of a window. */
export interface Piece {
  readonly predictors: Matrix;
  readonly targets: Matrix;
}

/** Refuses frames that are no continuation: all that is wrong with them. */
export const checkFrames = (frames: Matrix, inputRows: Matrix | undefined, units: number, inputs: number): void => {
  const issues: Issue[] = [];
  const checkMatrix = (path: string, a: Matrix, rows: number, columns: number, name: string): void => {
    if (a.columns !== columns || a.rows !== rows || a.data.length !== a.rows * a.columns) {
      issues.push({
        path,
        seen: `[time=${a.rows}, ${name}=${a.columns}] with ${a.data.length} numbers`,
        expected: `[time=${rows}, ${name}=${columns}]`,
        ...(a.rows === columns && a.columns === rows ? { hint: 'transpose it' } : {}),
      });
    }
    const at = firstNonFinite(a.data);
    if (at < 0) return;
    issues.push({
      path,
      seen: `${a.data[at]} at frame ${Math.floor(at / a.columns)} of these, ${name} ${at % a.columns}`,
      expected: 'finite numbers',
      hint: 'leave bad frames out and call endTrial() where they were',
    });
  };
  checkMatrix('frames', frames, frames.rows, units, 'unit');
  if (inputs > 0 && inputRows === undefined)
    issues.push({ path: 'inputs', seen: 'none', expected: `[time=${frames.rows}, input=${inputs}]` });
  if (inputRows !== undefined) checkMatrix('inputs', inputRows, frames.rows, inputs, 'input');
  refuse(issues);
};

/** The frame before the next ones, with the input that drives it on. */
export interface LastFrame {
  readonly frame: Float64Array;
  readonly input: Float64Array;
}

/** The transitions to these frames: from the last one before them to the first, and on. */
export const pieceOf = (
  frames: Matrix,
  inputRows: Matrix | undefined,
  last: LastFrame | null,
  alpha: Float64Array,
  inputs: number,
): Piece => {
  const units = frames.columns;
  const width = units + inputs;
  const before = last === null ? 0 : 1;
  const rows = Math.max(0, frames.rows - 1 + before);
  const predictors = matrix(rows, width);
  const targets = matrix(rows, units);
  for (let row = 0; row < rows; row++) {
    const t = row - before;
    const own = predictors.data.subarray(row * width, (row + 1) * width);
    own.set(t < 0 && last !== null ? last.frame : frames.data.subarray(t * units, (t + 1) * units));
    if (t < 0 && last !== null) own.set(last.input, units);
    else if (inputRows !== undefined) own.set(inputRows.data.subarray(t * inputs, (t + 1) * inputs), units);
    for (let j = 0; j < units; j++) {
      const a = alpha[j]!;
      targets.data[row * units + j] = (frames.data[(t + 1) * units + j]! - (1 - a) * own[j]!) / a;
    }
  }
  return { predictors, targets };
};

/** The last of these frames. */
export const lastOf = (frames: Matrix, inputRows: Matrix | undefined, inputs: number): LastFrame => ({
  frame: frames.data.slice((frames.rows - 1) * frames.columns, frames.rows * frames.columns),
  input: inputRows?.data.slice((frames.rows - 1) * inputs, frames.rows * inputs) ?? new Float64Array(inputs),
});

/** Rows [from, to), copied. */
export const slice = ({ predictors, targets }: Piece, from: number, to: number): Piece => {
  const part = (a: Matrix): Matrix => matrix(to - from, a.columns, a.data.slice(from * a.columns, to * a.columns));
  return { predictors: part(predictors), targets: part(targets) };
};

/** One after the other. */
export const concatenate = (pieces: readonly Piece[]): Piece => {
  const joined = (of: (piece: Piece) => Matrix): Matrix => stackRows(pieces.map(of));
  return { predictors: joined((piece) => piece.predictors), targets: joined((piece) => piece.targets) };
};

/** Rows as the source of a problem. */
export const sourceOf = (piece: Piece, alpha: Float64Array, units: number, inputs: number): TransitionSource => ({
  predictors: rowSourceOf(piece.predictors),
  targets: rowSourceOf(piece.targets),
  weights: null,
  frames: null,
  units,
  inputs,
  alpha,
});

/** X as the backend holds it: rounded to float32 in mixed precision, so that what leaves X'X is what joined it. */
export const designOf = ({ predictors }: Piece, bias: boolean, rounded: boolean): Matrix => {
  const { rows, columns } = predictors;
  const width = columns + (bias ? 1 : 0);
  const result = matrix(rows, width);
  for (let t = 0; t < rows; t++) {
    for (let p = 0; p < columns; p++) {
      const value = predictors.data[t * columns + p]!;
      result.data[t * width + p] = rounded ? Math.fround(value) : value;
    }
    if (bias) result.data[t * width + columns] = 1;
  }
  return result;
};
