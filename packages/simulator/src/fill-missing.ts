import { matrix, type Matrix, refuse } from '@drnn/tensor';
import { applyTransfer } from './transfer.js';

/** A network that predicts; it acts on scaled units (r - offset) / scale. */
export interface FillingNetwork {
  /** `[unit, unit]`, row = target. */
  readonly W: Matrix;
  /** `[unit, input x lag]`: all inputs at the first lag, then at the next. */
  readonly Win: Matrix;
  readonly inputLags: Int32Array;
  /** `[unit]`. */
  readonly b: Float64Array;
  readonly alpha: Float64Array;
  readonly scale: Float64Array;
  readonly offset: Float64Array;
  /** Replaces currents by phi of them. Default tanh. */
  readonly transfer?: (currents: Float64Array) => void;
}

/** What is known of a recording that has gaps. */
export interface Gaps {
  /** `[time, unit]`. */
  readonly rates: Matrix;
  /** `[time, unit]`, 1 where observed, 0 where missing. */
  readonly observed: Matrix;
  /** `[time, input]`, or without the last row. */
  readonly inputs?: Matrix;
  /** `[time]`, the trial of each frame. */
  readonly trials?: ArrayLike<number>;
}

/** The first value of every unit in the trial that starts at frame `start`; its offset where there is none. */
const firstSeen = (
  { rates, observed, trials }: Gaps,
  start: number,
  offset: Float64Array,
  into: Float64Array,
): void => {
  for (let j = 0; j < rates.columns; j++) {
    let t = start;
    const inTrial = (): boolean => t < rates.rows && (trials === undefined || trials[t] === trials[start]);
    while (inTrial() && observed.data[t * rates.columns + j] === 0) t++;
    into[j] = inTrial() ? rates.data[t * rates.columns + j]! : offset[j]!;
  }
};

const tanh = (currents: Float64Array): void => applyTransfer('tanh', currents);

/**
 * Predicts every missing value one step ahead from the frame before, in which missing values are predicted ones:
 *
 *     r[t, j] = (1 - a) r[t-1, j] + a phi(W r[t-1] + Win u[t-1] + b)_j
 *
 * so that a value does not know of later frames. Returns `[time, unit]` in the recording's units, NaN where a value is
 * observed and where nothing can be said: while a unit was not yet seen in a trial, and where the inputs have no full
 * history. A unit that was not yet seen counts for the others with its first value of the trial. Throws for shapes that do not fit the network. Cost: missing values
 * times predictors.
 */
export const fillMissing = (gaps: Gaps, network: FillingNetwork): Matrix => {
  const { rates, observed, inputs, trials } = gaps;
  const { W, Win, inputLags, b, alpha, scale, offset, transfer = tanh } = network;
  const { rows: frames, columns: units } = rates;
  const inputCount = inputs?.columns ?? 0;
  refuse([
    ...(W.rows === units && W.columns === units
      ? []
      : [{ path: 'network', seen: `[unit=${W.rows}]`, expected: `[unit=${units}], as the recording` }]),
    ...(observed.rows === frames && observed.columns === units
      ? []
      : [
          {
            path: 'observed',
            seen: `[time=${observed.rows}, unit=${observed.columns}]`,
            expected: `[time=${frames}, unit=${units}]`,
          },
        ]),
    ...(Win.columns === inputCount * inputLags.length
      ? []
      : [
          {
            path: 'inputs',
            seen: `${inputCount} inputs at ${inputLags.length} lags`,
            expected: `${Win.columns} columns, as the network`,
          },
        ]),
  ]);
  const result = matrix(frames, units, new Float64Array(frames * units).fill(Number.NaN));
  const state = new Float64Array(units);
  const drive = new Float64Array(Win.columns);
  const absent = new Int32Array(units);
  const said = new Uint8Array(units);
  const first = new Float64Array(units);
  const currents = new Float64Array(units);
  let start = 0;
  for (let t = 0; t < frames; t++) {
    const row = t * units;
    if (t === 0 || (trials !== undefined && trials[t] !== trials[t - 1])) {
      start = t;
      firstSeen(gaps, t, offset, first);
    }
    let count = 0;
    for (let j = 0; j < units; j++) if (observed.data[row + j] === 0) absent[count++] = j;
    if (count === 0 || t === start) continue;
    let known = true;
    for (let i = 0; i < units; i++) {
      const before = row - units + i;
      const value = observed.data[before] === 0 ? result.data[before]! : rates.data[before]!;
      state[i] = ((Number.isNaN(value) ? first[i]! : value) - offset[i]!) / scale[i]!;
      said[i] = Number.isNaN(value) ? 0 : 1;
    }
    for (let k = 0; k < inputLags.length && inputCount > 0; k++) {
      const late = t - 1 - inputLags[k]!;
      if (late < start) known = false;
      for (let m = 0; m < inputCount && known; m++) {
        drive[k * inputCount + m] = inputs?.data[late * inputCount + m] ?? 0;
      }
    }
    if (!known) continue;
    for (let c = 0; c < count; c++) {
      const j = absent[c]!;
      let z = b[j]!;
      for (let i = 0; i < units; i++) z += W.data[j * units + i]! * state[i]!;
      for (let m = 0; m < drive.length; m++) z += Win.data[j * drive.length + m]! * drive[m]!;
      currents[c] = z;
    }
    transfer(currents.subarray(0, count));
    for (let c = 0; c < count; c++) {
      const j = absent[c]!;
      if (said[j] === 0) continue;
      const next = (1 - alpha[j]!) * state[j]! + alpha[j]! * currents[c]!;
      result.data[row + j] = next * scale[j]! + offset[j]!;
    }
  }
  return result;
};
