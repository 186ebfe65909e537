import { firstNonFinite, matrix, rowRange, refuse, type Issue, type Matrix } from '@drnn/tensor';
import { leakyFilter, settlingFrames } from './leaky-filter.js';

/** A recording as the inversion needs it. Values are in the units in which the model is to act. */
export interface Observations {
  /** `[time, unit]` activity. Entries where `observed` is 0 may hold anything, NaN included; all others are finite. */
  readonly rates: Matrix;
  /** dt / tau in (0, 1], one number or one per unit `[unit]`. */
  readonly alpha: number | Float64Array;
  /**
   * `[time, input]`: row t drives frame t to t + 1, so the row of a trial's last frame is never read. A recording of a
   * single trial may leave that last row out (`[time - 1, input]`).
   */
  readonly inputs?: Matrix;
  /**
   * Frames by which the inputs are offered late, whole numbers of at least 0; default [0]. The predictors of frame t hold
   * all inputs of frame t - lag for the first lag, then for the next. A frame whose trial began less than the longest
   * lag before it has no full history and gives no row.
   */
  readonly inputLags?: ArrayLike<number>;
  /** `[time]` integers: the trial of each frame. A change starts a new trial, and no transition crosses it. */
  readonly trials?: ArrayLike<number>;
  /** `[time, unit]`: 1 = observed, 0 = missing. Default: everything is observed. */
  readonly observed?: Matrix;
  /**
   * What becomes of a row whose predictors contain a missing value: `drop` it (default, because it assumes nothing),
   * `interpolate` linearly between the nearest observed frames of the same unit and trial, or take what a model
   * predicted (`model`), which `filled` holds.
   */
  readonly missing?: 'drop' | 'interpolate' | 'model';
  /** `[time, unit]`: with `missing` model, the value of each missing entry (`fillMissing`); NaN where there is none. */
  readonly filled?: Matrix;
  /** The longest run of missing frames that is interpolated (default 5); rows inside longer runs are dropped. */
  readonly maxGap?: number;
  /**
   * The form of the network that made the recording: `rate` (default), whose leak acts on the rates that are recorded, or
   * `current`, whose leak acts on the current x, rates phi(x). Then predictors are the rates and inputs passed through the
   * leak, and targets the rates themselves: see `transitions`. All units share one alpha.
   */
  readonly form?: 'rate' | 'current';
  /**
   * In the current form: frames at the start of each trial, and after a gap, that give no row, while the filter forgets
   * where it started. Default so many that (1-a)^settle is 0.01.
   */
  readonly settle?: number;
}

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

const shape = (a: Matrix, row: string, column: string): string => `[${row}=${a.rows}, ${column}=${a.columns}]`;

/** Every unusable value of a matrix as one issue: how many, and where the first one is. */
const badValues = (
  path: string,
  a: Matrix,
  rowName: string,
  columnName: string,
  isBad: (value: number, row: number, index: number) => boolean,
  expected: string,
  hint?: string,
): Issue[] => {
  let count = 0;
  let first = -1;
  for (let row = 0; row < a.rows; row++) {
    const end = Math.min((row + 1) * a.columns, a.data.length);
    for (let index = row * a.columns; index < end; index++) {
      if (!isBad(a.data[index]!, row, index)) continue;
      if (first < 0) first = index;
      count++;
    }
  }
  if (count === 0) return [];
  const where = `${rowName} ${Math.floor(first / a.columns)}, ${columnName} ${first % a.columns}`;
  const seen = `${a.data[first]} at ${where}${count === 1 ? '' : ` (and ${count - 1} more such entries)`}`;
  return [{ path, seen, expected, ...(hint === undefined ? {} : { hint }) }];
};

const lagIssues = (lags: ArrayLike<number> | undefined): readonly Issue[] => {
  const list = Array.from(lags ?? [0]);
  const good = list.length > 0 && list.every((lag) => Number.isSafeInteger(lag) && lag >= 0);
  return good && new Set(list).size === list.length
    ? []
    : [{ path: 'inputLags', seen: `[${list.join(', ')}]`, expected: 'whole frames of at least 0, each once' }];
};

export const shapeIssues = (observations: Observations): Issue[] => {
  const { rates, alpha, inputs, trials, observed } = observations;
  const issues: Issue[] = [];
  const holds = (path: string, a: Matrix): void => {
    if (a.data.length !== a.rows * a.columns) {
      issues.push({ path, seen: `${a.data.length} numbers`, expected: `${a.rows * a.columns} for its shape` });
    }
  };
  holds('rates', rates);
  if (rates.rows < 2 || rates.columns < 1) {
    issues.push({ path: 'rates', seen: shape(rates, 'time', 'unit'), expected: 'at least 2 frames and 1 unit' });
  }
  if (typeof alpha !== 'number' && alpha.length !== rates.columns) {
    issues.push({ path: 'alpha', seen: `[unit=${alpha.length}]`, expected: `[unit=${rates.columns}] or one number` });
  }
  const firstBad = typeof alpha === 'number' ? 0 : alpha.findIndex((a) => !(a > 0 && a <= 1));
  const value = typeof alpha === 'number' ? alpha : alpha[firstBad];
  if (value !== undefined && !(value > 0 && value <= 1)) {
    issues.push({
      path: 'alpha',
      seen: `${value}${typeof alpha === 'number' ? '' : ` at unit ${firstBad}`}`,
      expected: 'dt / tau in (0, 1]',
      hint: 'the time constant must be at least the sampling interval',
    });
  }
  if (trials !== undefined) {
    if (trials.length !== rates.rows) {
      issues.push({ path: 'trials', seen: `[time=${trials.length}]`, expected: `[time=${rates.rows}]` });
    }
    for (let t = 0; t < trials.length; t++) {
      if (Number.isInteger(trials[t])) continue;
      issues.push({ path: 'trials', seen: `${trials[t]} at frame ${t}`, expected: 'an integer for each frame' });
      break;
    }
  }
  if (inputs !== undefined) {
    holds('inputs', inputs);
    let single = true;
    for (let t = 1; t < (trials?.length ?? 0); t++) if (trials?.[t] !== trials?.[t - 1]) single = false;
    const fits = inputs.rows === rates.rows || (single && inputs.rows === rates.rows - 1);
    if (!fits) {
      const turned = inputs.columns === rates.rows || (single && inputs.columns === rates.rows - 1);
      issues.push({
        path: 'inputs',
        seen: shape(inputs, 'time', 'input'),
        expected: single ? `time=${rates.rows} or ${rates.rows - 1} rows` : `time=${rates.rows} rows, one a frame`,
        ...(turned ? { hint: 'transpose it' } : {}),
      });
    }
  }
  if (observed !== undefined) {
    holds('observed', observed);
    if (observed.rows !== rates.rows || observed.columns !== rates.columns) {
      issues.push({
        path: 'observed',
        seen: shape(observed, 'time', 'unit'),
        expected: shape(rates, 'time', 'unit'),
        ...(observed.rows === rates.columns && observed.columns === rates.rows ? { hint: 'transpose it' } : {}),
      });
    }
  }
  const missing: string | undefined = observations.missing;
  if (missing !== undefined && missing !== 'drop' && missing !== 'interpolate' && missing !== 'model') {
    issues.push({ path: 'missing', seen: missing, expected: 'drop, interpolate or model' });
  }
  const filled = observations.filled;
  if (missing === 'model' && (filled?.rows !== rates.rows || filled.columns !== rates.columns)) {
    issues.push({
      path: 'filled',
      seen: filled === undefined ? 'nothing' : shape(filled, 'time', 'unit'),
      expected: `${shape(rates, 'time', 'unit')}, what a model says of the missing values`,
    });
  }
  issues.push(...lagIssues(observations.inputLags), ...formIssues(observations));
  const maxGap = observations.maxGap;
  if (maxGap !== undefined && !(Number.isInteger(maxGap) && maxGap >= 1)) {
    issues.push({ path: 'maxGap', seen: `${maxGap}`, expected: 'a whole number of frames, 1 or more' });
  }
  return issues;
};

const formIssues = ({ form, settle, alpha, missing }: Observations): readonly Issue[] => {
  const name: string | undefined = form;
  if (name !== undefined && name !== 'rate' && name !== 'current') {
    return [{ path: 'form', seen: name, expected: 'rate or current' }];
  }
  const issues: Issue[] = [];
  if (settle !== undefined && !(Number.isSafeInteger(settle) && settle >= 0)) {
    issues.push({ path: 'settle', seen: `${settle}`, expected: 'a whole number of frames, 0 or more' });
  }
  if (form !== 'current') return issues;
  if (typeof alpha !== 'number' && alpha.some((a) => a !== alpha[0])) {
    issues.push({
      path: 'alpha',
      seen: 'time constants that differ, together with the current form',
      expected: 'one alpha for all units',
      hint: 'each target would need all of its predictors filtered with its own alpha: fit units of equal alpha by themselves, with the others as inputs',
    });
  }
  if (missing === 'model') {
    issues.push({
      path: 'missing',
      seen: 'model, together with the current form',
      expected: 'drop or interpolate',
    });
  }
  return issues;
};

/** `drives` says of each frame whether its inputs count. */
export const valueIssues = (observations: Observations, drives: Uint8Array): Issue[] => {
  const { rates, inputs, observed } = observations;
  const issues: Issue[] = [];
  if (observed !== undefined) {
    const isBad = (value: number): boolean => value !== 0 && value !== 1;
    issues.push(...badValues('observed', observed, 'frame', 'unit', isBad, '0 (missing) or 1 (observed)'));
  }
  // A mask of the wrong shape is an issue of its own; which rates it covers cannot be told.
  const maskFits = observed === undefined || (observed.rows === rates.rows && observed.columns === rates.columns);
  const isBadRate = (value: number, _row: number, index: number): boolean =>
    !Number.isFinite(value) && maskFits && observed?.data[index] !== 0;
  // Most recordings have nothing to look at closer.
  if (firstNonFinite(rates.data) >= 0) {
    issues.push(
      ...badValues(
        'rates',
        rates,
        'frame',
        'unit',
        isBadRate,
        'finite numbers wherever the unit is observed',
        'mark missing entries with 0 in the samples mask [time, unit]',
      ),
    );
  }
  if (inputs !== undefined) {
    const isBadInput = (value: number, row: number): boolean => drives[row] === 1 && !Number.isFinite(value);
    issues.push(
      ...badValues('inputs', inputs, 'frame', 'input', isBadInput, 'finite numbers in every row that drives'),
    );
  }
  return issues;
};

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

const gatherRows = (a: Matrix, rowIndexes: ArrayLike<number>): Matrix => {
  const result = matrix(rowIndexes.length, a.columns);
  for (let k = 0; k < rowIndexes.length; k++) {
    const from = rowIndexes[k]! * a.columns;
    result.data.set(a.data.subarray(from, from + a.columns), k * a.columns);
  }
  return result;
};

/**
 * The transitions `rowIndexes`, in that order, copied; repeats are allowed (for a bootstrap). A trial starts wherever the
 * trial of a row differs from that of the row before. `dropped` still speaks of the whole recording. Throws a
 * `DrnnError` when no row is chosen or an index is not one of `[0, transition)`.
 */
export const selectTransitions = (all: Transitions, rowIndexes: ArrayLike<number>): Transitions => {
  const rows = all.predictors.rows;
  const issues: Issue[] = [];
  if (rowIndexes.length === 0) issues.push({ path: 'rowIndexes', seen: 'no row', expected: 'at least 1 row' });
  for (let k = 0; k < rowIndexes.length; k++) {
    const index = rowIndexes[k]!;
    if (Number.isInteger(index) && index >= 0 && index < rows) continue;
    issues.push({
      path: 'rowIndexes',
      seen: `${index} at position ${k}`,
      expected: `whole numbers from 0 to ${rows - 1}`,
    });
    break;
  }
  refuse(issues);

  const trialOfRow = new Int32Array(rows);
  for (let k = 0; k < all.trialStarts.length; k++) trialOfRow.fill(k, all.trialStarts[k]!);
  const frames = new Int32Array(rowIndexes.length);
  const trialStarts: number[] = [];
  for (let k = 0; k < rowIndexes.length; k++) {
    frames[k] = all.frames[rowIndexes[k]!]!;
    if (k === 0 || trialOfRow[rowIndexes[k]!] !== trialOfRow[rowIndexes[k - 1]!]) trialStarts.push(k);
  }
  const weights = all.weights === null ? null : gatherRows(all.weights, rowIndexes);
  return {
    ...all,
    predictors: gatherRows(all.predictors, rowIndexes),
    targets: gatherRows(all.targets, rowIndexes),
    weights: weights === null || weights.data.every((w) => w === 1) ? null : weights,
    frames,
    trialStarts: Int32Array.from(trialStarts),
    interpolated: Uint8Array.from(rowIndexes, (row) => all.interpolated[row]!),
    alpha: all.alpha.slice(),
  };
};

/**
 * Splits every trial in time: of its n rows the first round((1 - holdoutFraction) n) train, rows whose frame lies within
 * `gap` frames of the last of those belong to neither (default 1, so that no frame is shared by the two parts), the rest
 * is held out. Throws a `DrnnError` when the fraction is not in (0, 1), the gap is not a whole number of frames, or
 * either part is empty.
 */
export const splitTransitions = (
  all: Transitions,
  holdoutFraction: number,
  gap = 1,
): { readonly train: Transitions; readonly heldOut: Transitions } => {
  const issues: Issue[] = [];
  if (!(holdoutFraction > 0 && holdoutFraction < 1)) {
    issues.push({ path: 'holdoutFraction', seen: `${holdoutFraction}`, expected: 'a fraction in (0, 1)' });
  }
  if (!(Number.isInteger(gap) && gap >= 0)) {
    issues.push({ path: 'gap', seen: `${gap}`, expected: 'a whole number of frames, 0 or more' });
  }
  refuse(issues);

  const train: number[] = [];
  const heldOut: number[] = [];
  for (let k = 0; k < all.trialStarts.length; k++) {
    const from = all.trialStarts[k]!;
    const to = all.trialStarts[k + 1] ?? all.predictors.rows;
    const cut = from + Math.round((1 - holdoutFraction) * (to - from));
    for (let row = from; row < cut; row++) train.push(row);
    for (let row = cut; row < to; row++) {
      if (cut === from || all.frames[row]! > all.frames[cut - 1]! + gap) heldOut.push(row);
    }
  }
  const counts = `${all.predictors.rows} transitions in ${all.trialStarts.length} trials, gap ${gap}`;
  const hint = 'record more frames, or change the fraction or the gap';
  if (train.length === 0) {
    issues.push({
      path: 'holdoutFraction',
      seen: `${holdoutFraction} of ${counts}: nothing to train on`,
      expected: 'at least 1 training row',
      hint,
    });
  }
  if (heldOut.length === 0) {
    issues.push({
      path: 'holdoutFraction',
      seen: `${holdoutFraction} of ${counts}: nothing held out`,
      expected: 'at least 1 held-out row',
      hint,
    });
  }
  refuse(issues);
  return { train: selectTransitions(all, train), heldOut: selectTransitions(all, heldOut) };
};
