import { DrnnError, failure, matrix, refuse, transpose, type Issue, type Matrix } from '@drnn/tensor';
import { describeShape, toFloat64, type NumericArray } from './numeric-array.js';

/** The order of the axes in a file. */
export type Layout = 'time-unit' | 'unit-time' | 'trial-time-unit';

/** Where numbers came from: never a folder, so that a model tells nothing about the machine it was made on. */
export interface Source {
  readonly fileName: string;
  readonly sha256: string;
  readonly key: string;
}

/** A recording in the form that everything else takes. */
export interface Recording {
  readonly name: string;
  /** `[time, unit]`, finite or NaN; NaN is a missing value. */
  readonly rates: Matrix;
  /** Seconds between frames, or null when not known. */
  readonly samplingInterval: number | null;
  /** The trial of each frame `[time]`, or null for a single trial; a change starts a new trial. */
  readonly trials: Int32Array | null;
  readonly unitNames: readonly string[] | null;
  /** How the file had it. */
  readonly layout: Layout;
  readonly source: Source;
  /** What the reader found worth saying. */
  readonly notes: readonly string[];
}

/** What a recording is made of besides its array. */
export interface RecordingParts {
  readonly layout: Layout;
  readonly source: Source;
  readonly samplingInterval?: number | null;
  readonly trials?: ArrayLike<number> | null;
  readonly unitNames?: readonly string[] | null;
  readonly notes?: readonly string[];
}

const axisNames: Readonly<Record<Layout, readonly string[]>> = {
  'time-unit': ['time', 'unit'],
  'unit-time': ['unit', 'time'],
  'trial-time-unit': ['trial', 'time', 'unit'],
};

const MOST_PLACES = 5;

const infinities = (rates: Matrix): Issue[] => {
  const places: string[] = [];
  let count = 0;
  for (let i = 0; i < rates.data.length; i++) {
    const value = rates.data[i]!;
    if (value !== Number.POSITIVE_INFINITY && value !== Number.NEGATIVE_INFINITY) continue;
    if (++count <= MOST_PLACES) places.push(`[time=${Math.floor(i / rates.columns)}, unit=${i % rates.columns}]`);
  }
  if (count === 0) return [];
  const more = count > MOST_PLACES ? ' and more' : '';
  return [
    {
      path: 'rates',
      seen: `${count} infinite values, at ${places.join(', ')}${more}`,
      expected: 'finite numbers, or NaN where missing',
    },
  ];
};

/** Trials as 32-bit integers, with an issue for anything else or a wrong length. */
const checkTrials = (given: ArrayLike<number>, frames: number, issues: Issue[]): Int32Array => {
  if (given.length !== frames) {
    issues.push({
      path: 'trials',
      seen: `${given.length} entries`,
      expected: `[time=${frames}], the trial of each frame`,
    });
  }
  const trials = new Int32Array(given.length);
  for (let i = 0; i < given.length; i++) {
    trials[i] = given[i]!;
    if (trials[i] === given[i]) continue;
    issues.push({ path: 'trials', seen: `${given[i]} at frame ${i}`, expected: 'whole numbers' });
    break;
  }
  return trials;
};

/** What is to be said of the first unit, [time]: one that rises in equal steps is more likely the time than a cell. */
export const timeColumnNotes = (values: Float64Array, column = 'the first column'): readonly string[] => {
  const step = values[1]! - values[0]!;
  if (values.length < 4 || !(step > 0)) return [];
  for (let t = 1; t < values.length; t++) {
    if (!(Math.abs(values[t]! - values[t - 1]! - step) <= 1e-3 * step)) return [];
  }
  return [
    `${column} rises in equal steps of ${Number(step.toPrecision(6))}: if it is the time, take it out of the file and give the step as dt.`,
  ];
};

/**
 * A recording from an array of the given layout. `trial-time-unit` puts the trials one after the other and numbers
 * them from 0. Infinite values are refused; NaN stays, as a missing value. All that is wrong is reported at once.
 */
export const recordingOf = (name: string, array: NumericArray, parts: RecordingParts): Recording => {
  const { layout } = parts;
  const axes = axisNames[layout];
  const { shape } = array;
  if (shape.length !== axes.length) {
    const hint =
      shape.length === 3
        ? 'say layout (--layout) trial-time-unit'
        : shape.length === 2
          ? 'say layout (--layout) time-unit or unit-time'
          : undefined;
    throw failure({
      path: name,
      seen: `an array ${describeShape(shape)}`,
      expected: `[${axes.join(', ')}]`,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  if (shape.includes(0)) {
    throw failure({
      path: name,
      seen: `an empty array ${describeShape(shape)}`,
      expected: `[${axes.join(', ')}] with frames and units`,
    });
  }
  const issues: Issue[] = [];
  const [a = 0, b = 0, c = 0] = shape;
  const numbers = toFloat64(array);
  const rates =
    layout === 'time-unit'
      ? matrix(a, b, numbers)
      : layout === 'unit-time'
        ? transpose(matrix(a, b, numbers))
        : matrix(a * b, c, numbers);
  if (rates.rows < 2) {
    issues.push({ path: name, seen: `[time=${rates.rows}, unit=${rates.columns}]`, expected: 'at least 2 frames' });
  }
  issues.push(...infinities(rates));
  let trials: Int32Array | null = null;
  if (layout === 'trial-time-unit') {
    if (parts.trials !== undefined && parts.trials !== null) {
      issues.push({
        path: 'trials',
        seen: 'trials beside the layout trial-time-unit',
        expected: 'one of them',
        hint: 'the first axis already says the trial',
      });
    }
    trials = Int32Array.from({ length: a * b }, (_, frame) => Math.floor(frame / b));
  } else if (parts.trials !== undefined && parts.trials !== null) {
    trials = checkTrials(parts.trials, rates.rows, issues);
  }
  const samplingInterval = parts.samplingInterval ?? null;
  if (samplingInterval !== null && !(samplingInterval > 0 && Number.isFinite(samplingInterval))) {
    issues.push({ path: 'samplingInterval', seen: `${samplingInterval}`, expected: 'seconds, above 0' });
  }
  const unitNames = parts.unitNames ?? null;
  if (unitNames !== null && unitNames.length !== rates.columns) {
    issues.push({ path: 'unitNames', seen: `${unitNames.length} names`, expected: `[unit=${rates.columns}]` });
  }
  refuse(issues);
  const first = Float64Array.from({ length: rates.rows }, (_, t) => rates.data[t * rates.columns]!);
  const notes = [...(parts.notes ?? []), ...timeColumnNotes(first, unitNames?.[0])];
  return { name, rates, samplingInterval, trials, unitNames, layout, source: parts.source, notes };
};

/**
 * Recordings of the same units, one after the other: each starts a new trial, and trials within one stay apart.
 * Throws when units or sampling intervals differ.
 */
export const concatenateRecordings = (recordings: readonly Recording[]): Recording => {
  const [first, ...others] = recordings;
  if (first === undefined) throw failure({ path: 'recordings', seen: 'none', expected: 'at least one' });
  if (others.length === 0) return first;
  const issues: Issue[] = [];
  for (const other of others) {
    if (other.rates.columns !== first.rates.columns) {
      issues.push({
        path: other.name,
        seen: `${other.rates.columns} units`,
        expected: `${first.rates.columns}, as in ${first.name}`,
        hint: 'recordings of one network have the same units in the same order',
      });
    }
    if (other.samplingInterval !== first.samplingInterval) {
      issues.push({
        path: other.name,
        seen: `a sampling interval of ${other.samplingInterval ?? 'unknown length'}`,
        expected: `${first.samplingInterval ?? 'unknown length'}, as in ${first.name}`,
      });
    }
    if (other.unitNames?.join('\n') !== first.unitNames?.join('\n')) {
      issues.push({ path: other.name, seen: 'other names of units', expected: `those of ${first.name}` });
    }
  }
  if (issues.length > 0) throw new DrnnError(issues);
  const frames = recordings.reduce((sum, { rates }) => sum + rates.rows, 0);
  const rates = matrix(frames, first.rates.columns);
  const trials = new Int32Array(frames);
  let at = 0;
  let trial = -1;
  for (const recording of recordings) {
    rates.data.set(recording.rates.data, at * rates.columns);
    for (let frame = 0; frame < recording.rates.rows; frame++) {
      if (frame === 0 || recording.trials?.[frame] !== recording.trials?.[frame - 1]) trial++;
      trials[at + frame] = trial;
    }
    at += recording.rates.rows;
  }
  return {
    ...first,
    name: recordings.map(({ name }) => name).join(' + '),
    rates,
    trials,
    notes: recordings.flatMap(({ notes }) => notes),
  };
};
