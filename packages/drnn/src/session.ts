import { concatenateRecordings, type Layout, readRecording, type Recording, type Source } from '@drnn/recordings';
import type { Observations } from '@drnn/simulator';
import { failure, matrix, type Matrix, refuse } from '@drnn/tensor';

/** What may be fitted: a file, several files (sessions, one after the other), a recording read before, or rates. */
export type FitSource = string | readonly string[] | RatesSource;

/** A recording in memory; only `rates` [time, unit] is needed. */
export type RatesSource = Pick<Observations, 'rates'> &
  Partial<Pick<Recording, 'trials' | 'samplingInterval' | 'unitNames' | 'source' | 'notes'>>;

/** How to read files. */
export interface SessionOptions {
  readonly key?: string;
  readonly layout?: Layout;
}

/** Recordings that can be read as one, in memory. */
export interface Session {
  readonly rates: Matrix;
  readonly trials: ArrayLike<number> | null;
  readonly samplingInterval: number | null;
  readonly unitNames: readonly string[];
  readonly sources: readonly Source[];
  /** Frames of each file, in order. */
  readonly lengths: readonly number[];
  /** What the readers found worth saying. */
  readonly notes: readonly string[];
}

const isPaths = (source: FitSource): source is string | readonly string[] =>
  typeof source === 'string' || Array.isArray(source);

/** Reads the files, or takes the recording in memory. Errors: all of `readRecording` and `concatenateRecordings`. */
export const sessionOf = async (source: FitSource, context: SessionOptions): Promise<Session> => {
  if (!isPaths(source)) return inMemory(source, [source]);
  const paths = typeof source === 'string' ? [source] : source;
  const recordings: Recording[] = [];
  for (const path of paths) {
    recordings.push(
      await readRecording(path, {
        ...(context.key === undefined ? {} : { key: context.key }),
        ...(context.layout === undefined ? {} : { layout: context.layout }),
      }),
    );
  }
  const [first] = recordings;
  if (first === undefined) throw failure({ path: 'recording', seen: 'no file', expected: 'at least one' });
  return inMemory(recordings.length === 1 ? first : concatenateRecordings(recordings), recordings);
};

const inMemory = (recording: RatesSource, from: readonly RatesSource[]): Session => ({
  rates: recording.rates,
  trials: recording.trials ?? null,
  samplingInterval: recording.samplingInterval ?? null,
  unitNames: recording.unitNames ?? Array.from({ length: recording.rates.columns }, (_, j) => `unit ${j}`),
  sources: from.flatMap(({ source }) => (source === undefined ? [] : [source])),
  lengths: from.map(({ rates }) => rates.rows),
  notes: from.flatMap(({ notes }) => notes ?? []),
});

/** A trial starts where either numbering changes. */
export const combineTrials = (
  a: ArrayLike<number> | null,
  b: ArrayLike<number> | undefined,
  frames: number,
): ArrayLike<number> | undefined => {
  if (a === null || b === undefined || a.length !== frames || b.length !== frames) return b ?? a ?? undefined;
  const trials = new Int32Array(frames);
  for (let t = 1; t < frames; t++) trials[t] = trials[t - 1]! + (a[t] === a[t - 1] && b[t] === b[t - 1] ? 0 : 1);
  return trials;
};

/** Inputs of several files one after the other; the row of a file's last frame, which is never read, may be absent. */
export const joinInputs = (inputs: Matrix | readonly Matrix[], lengths: readonly number[]): Matrix => {
  if (!isList(inputs)) return inputs;
  const [first] = inputs;
  const columns = first?.columns ?? 0;
  const issues = inputs.flatMap((u, k) => {
    const frames = lengths[k] ?? 0;
    return u.columns === columns && (u.rows === frames || u.rows === frames - 1)
      ? []
      : [
          {
            path: `inputs of file ${k + 1}`,
            seen: `[${u.rows}, ${u.columns}]`,
            expected: `[time=${frames} or ${frames - 1}, input=${columns}]`,
          },
        ];
  });
  if (inputs.length !== lengths.length) {
    issues.push({
      path: 'inputs',
      seen: `${inputs.length} matrices`,
      expected: `one for each of ${lengths.length} files`,
    });
  }
  refuse(issues);
  const joined = matrix(
    lengths.reduce((total, frames) => total + frames, 0),
    columns,
  );
  let row = 0;
  inputs.forEach((u, k) => {
    joined.data.set(u.data, row * columns);
    row += lengths[k] ?? 0;
  });
  return joined;
};

const isList = (inputs: Matrix | readonly Matrix[]): inputs is readonly Matrix[] => Array.isArray(inputs);
