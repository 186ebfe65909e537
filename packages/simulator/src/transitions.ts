import { type Matrix, matrix, refuse, rowRange } from '@drnn/tensor';
import { leakyFilter, settlingFrames } from './leaky-filter.js';
import { type Observations, shapeIssues, valueIssues } from './observations.js';

/** The regression problem of a recording: one row a transition from frame t to t + 1. */
export interface Transitions {
  /** `[transition, unit + input]`: R, then U at each lag. There is no bias column. */
  readonly predictors: Matrix;
  /** `[transition, unit]`: d, not clipped; 0 where the weight is 0. */
  readonly targets: Matrix;
  /** `[transition, unit]` of 0 and 1, or null when every target is observed. */
  readonly weights: Matrix | null;
  /** `[transition]`: the frame t of the predictors. Frames of one trial increase; dropped ones leave holes. */
  readonly frames: Int32Array;
  /** The row at which each trial starts, in order; trials that leave no row are absent. */
  readonly trialStarts: Int32Array;
  /** `[transition]`: 1 where a predictor of the row was interpolated, so that it knows of the frame to be predicted. */
  readonly interpolated: Uint8Array;
  readonly units: number;
  /** Columns of inputs: every input at every lag. */
  readonly inputs: number;
  /** Frames by which the inputs are late, a block of columns each. */
  readonly inputLags: Int32Array;
  /** `[unit]` dt / tau. */
  readonly alpha: Float64Array;
  /** Of the whole recording: pairs of frames that gave no row, and predictor values interpolated or filled by a model. */
  readonly dropped: { readonly rows: number; readonly interpolated: number; readonly filled: number };
}

/**
 * Calls `each(unit, from, to)` for every maximal run of missing frames `[from, to)` inside one trial.
 */
const missingRuns = (
  observed: Matrix,
  startsTrial: Uint8Array,
  each: (unit: number, from: number, to: number) => void,
): void => {
  const { rows, columns, data } = observed;
  for (let unit = 0; unit < columns; unit++) {
    for (let t = 0; t < rows;) {
      if (data[t * columns + unit] !== 0) {
        t++;
        continue;
      }
      const from = t;
      t++;
      while (t < rows && startsTrial[t] === 0 && data[t * columns + unit] === 0) t++;
      each(unit, from, t);
    }
  }
};

/** The targets of the transition from the frame whose rates begin at `now`. */
export const invertRow = (
  rates: Float64Array,
  now: number,
  alpha: Float64Array,
  targets: Float64Array,
  at: number,
): void => {
  const units = alpha.length;
  for (let j = 0; j < units; j++) {
    const a = alpha[j]!;
    targets[at + j] = (rates[now + units + j]! - (1 - a) * rates[now + j]!) / a;
  }
};

/**
 * Inverts a recording into the regression targets of every unit:
 *
 *     d[t] = (r[t+1] - (1 - a) r[t]) / a,   predictors [r[t] | u[t]]
 *
 * so that d = phi(W r + Win u + b + input noise) + output noise. Targets are not clipped. Noise on the record is
 * amplified by 1/a.
 *
 * A missing r[t, j] gives weight 0 to the two targets it enters, (t-1, j) and (t, j); a target is never computed from an
 * interpolated or filled value. As a predictor it follows `missing`. Rows in which no target is observed are dropped too.
 *
 * Of a network in the current form, x[t+1] = (1-a) x[t] + a (W r[t] + Win u[t] + b) with r = phi(x), predictors are rates
 * and inputs passed through its leak, y[t+1] = (1-a) y[t] + a r[t] and v alike, and targets are the rates:
 *
 *     d[t] = r[t],   predictors [y[t] | v[t]],   r[t] = phi(W y[t] + Win v[t] + b)
 *
 * exactly, but for what is not known of y at the start of a trial, which fades as (1-a)^t: the first `settle` frames give
 * no row. Rows are then those of a rate-form network with states y. Noise on the record is not amplified. Noise in the
 * currents comes through the leak too: it is autocorrelated and no longer independent of the predictors.
 *
 * Throws a `DrnnError` that lists every issue: shapes, alpha outside (0, 1], trials that are not integers, values that
 * are not finite where observed, no transition left. Cost O(time x (unit + input)). Predictor rows are copied once; where they
 * are consecutive frames without inputs or a mask, they are the recording's own.
 * Source: specs cornn.md section 2.
 */
export const transitions = (observations: Observations): Transitions => {
  const { rates, inputs, trials, observed, missing = 'drop', maxGap = 5 } = observations;
  const shapes = shapeIssues(observations);
  const frameCount = rates.rows;
  const units = rates.columns;
  const startsTrial = new Uint8Array(frameCount);
  for (let t = 0; t < frameCount; t++) startsTrial[t] = t === 0 || (trials && trials[t] !== trials[t - 1]) ? 1 : 0;
  const hasSuccessor = new Uint8Array(frameCount);
  let pairs = 0;
  for (let t = 0; t + 1 < frameCount; t++) {
    if (startsTrial[t + 1] === 1) continue;
    hasSuccessor[t] = 1;
    pairs++;
  }
  const lags = Int32Array.from(observations.inputLags ?? [0]);
  const kept = hasSuccessor.slice();
  if (inputs !== undefined) dropBeforeHistory(kept, startsTrial, Math.max(0, ...lags));
  const drives = new Uint8Array(frameCount);
  for (let t = 0; t < frameCount; t++) if (kept[t] === 1) for (const lag of lags) drives[t - lag] = 1;
  refuse([...shapes, ...valueIssues(observations, drives)]);

  const bridged = (from: number, to: number): boolean =>
    missing === 'interpolate' && to - from <= maxGap && startsTrial[from] === 0 && hasSuccessor[to - 1] === 1;

  const filtered = observations.form === 'current' ? filteredParts(observations, startsTrial, bridged) : null;
  if (filtered !== null) for (let t = 0; t < frameCount; t++) if (filtered.settled[t] === 0) kept[t] = 0;

  let [bridgedCount, filledCount] = [0, 0];
  const stands = missing === 'model' ? observations.filled?.data : undefined;
  let anyMissing = false;
  if (observed !== undefined) {
    missingRuns(observed, startsTrial, (unit, from, to) => {
      anyMissing = true;
      if (stands !== undefined) {
        for (let t = from; t < to; t++) if (!Number.isFinite(stands[t * units + unit])) kept[t] = 0;
      } else if (!bridged(from, to)) {
        kept.fill(0, from, to);
      } else if (filtered !== null) {
        // What was interpolated stays in the filter while its start would.
        bridgedCount += to - from;
        filtered.interpolated.fill(1, from + 1, Math.min(frameCount, to + filtered.settle));
      }
    });
    const seen = observed.data;
    for (let t = 0; t + 1 < frameCount; t++) {
      if (kept[t] === 0) continue;
      let targets = 0;
      for (let j = t * units; j < (t + 1) * units; j++)
        targets += seen[j]! * (filtered === null ? seen[j + units]! : 1);
      if (targets === 0) kept[t] = 0;
    }
  }

  let rows = 0;
  for (let t = 0; t < frameCount; t++) rows += kept[t]!;
  if (rows === 0) {
    const why =
      pairs === 0
        ? 'no trial has two frames'
        : filtered !== null && filtered.settled.every((is) => is === 0)
          ? `no trial is longer than the ${filtered.settle} frames in which the filter of the current form settles`
          : `each of the ${pairs} pairs of frames has a missing predictor, no observed target, or inputs from before its trial`;
    refuse([
      {
        path: 'rates',
        seen: `no usable transition: ${why}`,
        expected: 'at least 1 transition',
        ...(filtered === null ? {} : { hint: 'longer trials, or fewer frames to settle (settle)' }),
      },
    ]);
  }

  const inputCount = inputs?.columns ?? 0;
  const width = units + inputCount * lags.length;
  const r = rates.data;
  const states = filtered?.rates.data ?? r;
  const drive = filtered?.inputs?.data ?? inputs?.data;
  const first = kept.indexOf(1);
  const isShared = width === units && observed === undefined && kept.lastIndexOf(1) - first + 1 === rows;
  const predictors = isShared
    ? rowRange({ rows: frameCount, columns: units, data: states }, first, first + rows)
    : matrix(rows, width);
  const targets = matrix(rows, units);
  const weights = anyMissing ? matrix(rows, units) : null;
  const frames = new Int32Array(rows);
  const rowOfFrame = new Int32Array(frameCount).fill(-1);
  const trialStarts: number[] = [];
  const alpha =
    typeof observations.alpha === 'number'
      ? new Float64Array(units).fill(observations.alpha)
      : observations.alpha.slice();

  let row = 0;
  let newTrial = true;
  let unweighted = 0;
  for (let t = 0; t < frameCount; t++) {
    if (startsTrial[t] === 1) newTrial = true;
    if (kept[t] === 0) continue;
    if (newTrial) trialStarts.push(row);
    newTrial = false;
    frames[row] = t;
    rowOfFrame[t] = row;
    const now = t * units;
    const next = now + units;
    if (!isShared) predictors.data.set(states.subarray(now, next), row * width);
    if (drive !== undefined) {
      for (let k = 0; k < lags.length; k++) {
        const late = t - lags[k]!;
        const column = row * width + units + k * inputCount;
        predictors.data.set(drive.subarray(late * inputCount, (late + 1) * inputCount), column);
      }
    }
    if (filtered === null) invertRow(r, now, alpha, targets.data, row * units);
    else targets.data.set(r.subarray(now, next), row * units);
    if (observed !== undefined) {
      for (let j = 0; j < units; j++) {
        const isMissing = observed.data[now + j] === 0 || (filtered === null && observed.data[next + j] === 0);
        if (isMissing) {
          targets.data[row * units + j] = 0;
          unweighted++;
        } else if (weights !== null) weights.data[row * units + j] = 1;
      }
    }
    row++;
  }

  const interpolated =
    filtered === null ? new Uint8Array(rows) : Uint8Array.from(frames, (t) => filtered.interpolated[t]!);
  if (observed !== undefined && stands !== undefined) {
    for (let k = 0; k < rows; k++) {
      for (let j = 0; j < units; j++) {
        const i = frames[k]! * units + j;
        if (observed.data[i] !== 0) continue;
        predictors.data[k * width + j] = stands[i]!;
        filledCount++;
      }
    }
  }
  if (observed !== undefined && missing === 'interpolate' && filtered === null) {
    missingRuns(observed, startsTrial, (unit, from, to) => {
      if (!bridged(from, to)) return;
      const before = r[(from - 1) * units + unit]!;
      const step = (r[to * units + unit]! - before) / (to - from + 1);
      for (let t = from; t < to; t++) {
        const at = rowOfFrame[t]!;
        if (at < 0) continue;
        predictors.data[at * width + unit] = before + step * (t - from + 1);
        interpolated[at] = 1;
        bridgedCount++;
      }
    });
  }

  return {
    predictors,
    targets,
    weights: unweighted === 0 ? null : weights,
    frames,
    trialStarts: Int32Array.from(trialStarts),
    interpolated,
    units,
    inputs: width - units,
    inputLags: lags,
    alpha,
    dropped: { rows: pairs - rows, interpolated: bridgedCount, filled: filledCount },
  };
};

/** Rates and inputs passed through the leak, with short gaps of the rates interpolated where `missing` says so. */
const filteredParts = (
  { rates, alpha: given, inputs, observed, settle: wanted }: Observations,
  startsTrial: Uint8Array,
  bridged: (from: number, to: number) => boolean,
) => {
  const alpha = typeof given === 'number' ? given : (given[0] ?? 1);
  const settle = wanted ?? settlingFrames(alpha);
  const { rows, columns } = rates;
  const known = observed === undefined ? rates : matrix(rows, columns, rates.data.slice());
  if (observed !== undefined) {
    missingRuns(observed, startsTrial, (unit, from, to) => {
      const before = known.data[(from - 1) * columns + unit] ?? Number.NaN;
      const step = ((known.data[to * columns + unit] ?? Number.NaN) - before) / (to - from + 1);
      const isBridged = bridged(from, to);
      for (let t = from; t < to; t++) known.data[t * columns + unit] = isBridged ? before + step * (t - from + 1) : NaN;
    });
  }
  const options = { alpha, startsTrial, settle };
  const state = leakyFilter(known, options);
  const drive = inputs === undefined ? null : leakyFilter(inputs, options);
  return {
    rates: state.values,
    inputs: drive === null ? null : drive.values,
    settled: state.settled.map((is, t) => is & (drive === null || t >= drive.settled.length ? 1 : drive.settled[t]!)),
    interpolated: new Uint8Array(rows),
    settle,
  };
};

/** No row for a frame whose trial began fewer than `longest` frames before it. */
const dropBeforeHistory = (kept: Uint8Array, startsTrial: Uint8Array, longest: number): void => {
  let since = 0;
  for (let t = 0; t < kept.length; t++) {
    since = startsTrial[t] === 1 ? 0 : since + 1;
    if (since < longest) kept[t] = 0;
  }
};
