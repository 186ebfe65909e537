import { firstNonFinite, type Issue, type Matrix } from '@drnn/tensor';

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

/** What is wrong with the shapes and the settings of a recording. */
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

/** What is wrong with its values; `drives` says of each frame whether its inputs count. */
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
