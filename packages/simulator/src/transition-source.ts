import {
  beginningOf,
  failure,
  firstNonFinite,
  type Issue,
  matrix,
  type Matrix,
  refuse,
  rowRange,
  type RowSource,
  rowSourceOf,
  seekable,
  stackRows,
} from '@drnn/tensor';
import { type Observations, shapeIssues, valueIssues } from './observations.js';
import { invertRow, type Transitions, transitions } from './transitions.js';

/**
 * The regression problem of a recording that need not be in memory: rows of predictors and targets, each read anew, in
 * pieces, by whatever needs them.
 */
export interface TransitionSource {
  /** `[transition, unit + input]`: R, then U. There is no bias column. */
  readonly predictors: RowSource;
  /** `[transition, unit]`: d, not clipped. */
  readonly targets: RowSource;
  /** `[transition, unit]` of 0 and 1, or null when every target is observed. */
  readonly weights: RowSource | null;
  /** `[transition]`: the frame of the predictors; null where row t is frame t. */
  readonly frames: Int32Array | null;
  readonly units: number;
  readonly inputs: number;
  /** `[unit]` dt / tau. */
  readonly alpha: Float64Array;
}

/** A recording larger than memory, observed throughout and of one trial. */
export interface StreamedObservations {
  /** `[time, unit]` activity, finite: the rows of a file, say. */
  readonly rates: RowSource;
  /** dt / tau in (0, 1], one number or one per unit `[unit]`. */
  readonly alpha: number | Float64Array;
}

/** Transitions in memory as a source; nothing is copied. */
export const sourceOfTransitions = (from: Transitions): TransitionSource => ({
  predictors: rowSourceOf(from.predictors),
  targets: rowSourceOf(from.targets),
  weights: from.weights === null ? null : rowSourceOf(from.weights),
  frames: from.frames,
  units: from.units,
  inputs: from.inputs,
  alpha: from.alpha,
});

/**
 * A recording in memory as a source. Of one trial with nothing missing and no inputs, in the rate form, nothing is copied:
 * targets are made as they are read, each time. Any other goes through `transitions`. Errors: all that `transitions`
 * refuses.
 */
export const sourceOfRecording = (observations: Observations): TransitionSource => {
  const { rates, alpha, inputs, observed, form } = observations;
  const trials = new Set(Array.from(observations.trials ?? []));
  if (inputs !== undefined || observed !== undefined || form === 'current' || trials.size > 1)
    return sourceOfTransitions(transitions(observations));
  refuse([...shapeIssues(observations), ...valueIssues(observations, new Uint8Array())]);
  return streamTransitions({ rates: rowSourceOf(rates), alpha });
};

/**
 * Inverts a recording into targets as it is read, d[t] = (r[t+1] - (1 - a) r[t]) / a: what `transitions` does for one in
 * memory, of one trial with nothing missing and no inputs, without ever holding more than a piece. Errors: alpha outside
 * (0, 1], fewer than 2 frames; as it is read, a rate that is not finite.
 */
export const streamTransitions = ({ rates, alpha: given }: StreamedObservations): TransitionSource => {
  const { rows: frames, columns: units } = rates;
  const alpha = typeof given === 'number' ? new Float64Array(units).fill(given) : given.slice();
  const issues: Issue[] = [];
  if (frames < 2 || units < 1)
    issues.push({ path: 'rates', seen: `[time=${frames}, unit=${units}]`, expected: 'at least 2 frames and 1 unit' });
  if (alpha.length !== units)
    issues.push({ path: 'alpha', seen: `[unit=${alpha.length}]`, expected: `[unit=${units}] or one number` });
  const bad = alpha.find((a) => !(a > 0 && a <= 1));
  if (bad !== undefined) issues.push({ path: 'alpha', seen: `${bad}`, expected: 'dt / tau in (0, 1]' });
  refuse(issues);

  const predictors = predictorsOf(rates, 0);
  const targets = targetsOf(rates, alpha, 0);
  return { predictors, targets, weights: null, frames: null, units, inputs: 0, alpha };
};

/** Frames that were read, the first of them number `frame`; refuses what is not finite. */
const checked = (piece: Matrix, frame: number): Matrix => {
  const at = firstNonFinite(piece.data);
  if (at < 0) return piece;
  const { columns } = piece;
  throw failure({
    path: 'rates',
    seen: `${piece.data[at]} at frame ${frame + Math.floor(at / columns)}, unit ${at % columns}`,
    expected: 'finite numbers',
    hint: 'a recording with missing samples must be read whole: see transitions',
  });
};

/** All rates but the last, the first of which is frame `frame`. */
const predictorsOf = (rates: RowSource, frame: number): RowSource => {
  const [count, units] = [rates.rows - 1, rates.columns];
  const source: RowSource = {
    rows: count,
    columns: units,
    blocks: async function* (length) {
      let row = 0;
      for await (const piece of rates.blocks(length)) {
        checked(piece, frame + row);
        const own = Math.min(piece.rows, count - row);
        if (own > 0) yield matrix(own, units, piece.data.subarray(0, own * units));
        row += piece.rows;
      }
    },
  };
  const begin = beginningOf(rates);
  return begin === null ? source : seekable(source, (row) => predictorsOf(begin(row), frame + row));
};

/** The targets of the transitions between these rates, the first of which is frame `frame`. */
const targetsOf = (rates: RowSource, alpha: Float64Array, frame: number): RowSource => {
  const units = rates.columns;
  const source: RowSource = {
    rows: rates.rows - 1,
    columns: units,
    blocks: async function* (length) {
      const last = matrix(1, units);
      let row = 0;
      for await (const piece of rates.blocks(length)) {
        checked(piece, frame + row);
        const result = row === 0 ? invertedRows(piece, alpha) : invertedAfter(last, piece, alpha);
        if (piece.rows > 0) last.data.set(piece.data.subarray((piece.rows - 1) * units, piece.rows * units));
        row += piece.rows;
        if (result.rows > 0) yield result;
      }
    },
  };
  const begin = beginningOf(rates);
  return begin === null ? source : seekable(source, (row) => targetsOf(begin(row), alpha, frame + row));
};

/** The targets of transitions between these frames, one fewer. */
const invertedRows = ({ rows, columns, data }: Matrix, alpha: Float64Array): Matrix => {
  const result = matrix(Math.max(0, rows - 1), columns);
  for (let at = 0; at < result.data.length; at += columns) invertRow(data, at, alpha, result.data, at);
  return result;
};

/** The targets of transitions to these frames, the first of them from `last`. */
const invertedAfter = (last: Matrix, piece: Matrix, alpha: Float64Array): Matrix => {
  const { rows, columns, data } = piece;
  const result = matrix(rows, columns);
  if (rows === 0) return result;
  invertRow(stackRows([last, rowRange(piece, 0, 1)]).data, 0, alpha, result.data, 0);
  for (let at = 0; at < (rows - 1) * columns; at += columns) invertRow(data, at, alpha, result.data, at + columns);
  return result;
};
