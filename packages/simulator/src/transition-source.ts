import {
  failure,
  firstNonFinite,
  type Issue,
  matrix,
  type Matrix,
  refuse,
  type RowSource,
  rowSourceOf,
} from '@drnn/tensor';
import type { Transitions } from './transitions.js';

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

  const transitionCount = frames - 1;
  const checked = (piece: Matrix, row: number): Matrix => {
    const at = firstNonFinite(piece.data);
    if (at < 0) return piece;
    throw failure({
      path: 'rates',
      seen: `${piece.data[at]} at frame ${row + Math.floor(at / units)}, unit ${at % units}`,
      expected: 'finite numbers',
      hint: 'a recording with missing samples must be read whole: see transitions',
    });
  };
  const predictors: RowSource = {
    rows: transitionCount,
    columns: units,
    blocks: async function* (length) {
      let row = 0;
      for await (const piece of rates.blocks(length)) {
        checked(piece, row);
        const count = Math.min(piece.rows, transitionCount - row);
        if (count > 0) yield matrix(count, units, piece.data.subarray(0, count * units));
        row += piece.rows;
      }
    },
  };
  const targets: RowSource = {
    rows: transitionCount,
    columns: units,
    blocks: async function* (length) {
      const last = new Float64Array(units);
      let row = 0;
      for await (const piece of rates.blocks(length)) {
        checked(piece, row);
        const first = row === 0 ? 1 : 0;
        const result = matrix(Math.max(0, piece.rows - first), units);
        for (let t = first; t < piece.rows; t++) {
          for (let j = 0; j < units; j++) {
            const a = alpha[j]!;
            const now = t === 0 ? last[j]! : piece.data[(t - 1) * units + j]!;
            result.data[(t - first) * units + j] = (piece.data[t * units + j]! - (1 - a) * now) / a;
          }
        }
        if (piece.rows > 0) last.set(piece.data.subarray((piece.rows - 1) * units, piece.rows * units));
        row += piece.rows;
        if (result.rows > 0) yield result;
      }
    },
  };
  return { predictors, targets, weights: null, frames: null, units, inputs: 0, alpha };
};
