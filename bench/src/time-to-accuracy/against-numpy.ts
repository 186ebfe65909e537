import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeNpy, numericArray } from '@drnn/recordings';
import { cornnRecording, type CornnRecording } from '@drnn/simulator';
import type { Backend, Matrix } from '@drnn/tensor';
import { type BackendName, openBackend } from '../speed/backends.js';
import { tableLines } from '../speed/table.js';
import { median } from '../speed/timing.js';
import { type Learner, reached, type TimedState, timeStates } from './learner.js';
import { numpyRun, type NumpyRun, type RecordingFiles } from './numpy-authors.js';
import type { Options } from './options.js';

/** One learner on one backend, and what it reached in each run. */
export interface Contender {
  readonly backend: BackendName;
  readonly learner: string;
  readonly runs: readonly (readonly TimedState[])[];
}

/** What came of one network. */
export interface Race {
  readonly units: number;
  readonly transitions: number;
  readonly seed: number;
  /** The states of each run of the authors' iteration. */
  readonly numpy: readonly NumpyRun['states'][];
  readonly contenders: readonly Contender[];
}

export interface Size {
  readonly units: number;
  readonly transitions: number;
}

/** The recording of a seed: the setting of the must-reach row, experiment 1a's noise. */
export const recordingFor = ({ units, transitions }: Size, seed: number): CornnRecording =>
  cornnRecording({ units, frames: transitions + 1, seed });

/** The recording as NumPy reads it, for as long as `use` takes. */
const inFiles = async <Result>(
  { rates, W }: CornnRecording,
  use: (files: RecordingFiles) => Promise<Result>,
): Promise<Result> => {
  const folder = mkdtempSync(join(tmpdir(), 'drnn-bench-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    const write = (name: string, { rows, columns, data }: Matrix): string => {
      const file = join(folder, name);
      writeFileSync(file, encodeNpy(numericArray([rows, columns], data)));
      return file;
    };
    return await use({ rates: write('rates.npy', rates), truth: write('truth.npy', W) });
  } finally {
    process.off('exit', remove);
    remove();
  }
};

/** Who NumPy is, and on which library. */
export const introduce = (size: Size, python: string): Promise<Pick<NumpyRun, 'says' | 'library'>> => {
  const recording = recordingFor(size, 1);
  const settings = { alpha: recording.alpha, steps: 1, threads: 1, every: 1 };
  return inFiles(recording, (files) => numpyRun(python, files, settings));
};

/** One run on a backend of its own, opened and closed while no clock runs. */
export const onFresh = async <Result>(
  name: BackendName,
  { precision, threads }: Options,
  use: (on: Backend) => Promise<Result>,
): Promise<Result> => {
  const on = await openBackend(name, precision, threads);
  try {
    return await use(on);
  } finally {
    await on.close();
  }
};

/** The authors' iteration in NumPy and every learner on every backend, in turns. */
export const runRace = async (
  size: Size,
  seed: number,
  learners: readonly Learner[],
  python: string,
  options: Options,
  tell: (what: string) => void,
): Promise<Race> => {
  const { backends, repeats, steps, threads } = options;
  tell(`simulating N=${size.units}, T=${size.transitions}, network ${seed}`);
  const { W, ...recording } = recordingFor(size, seed);
  const numpy: NumpyRun['states'][] = [];
  const runs = backends.flatMap((backend) =>
    learners.map((learner) => ({ backend, learner, states: new Array<readonly TimedState[]>() })),
  );
  await inFiles({ W, ...recording }, async (files) => {
    for (let turn = 1; turn <= repeats; turn++) {
      tell(`N=${size.units}, network ${seed}, turn ${turn}: NumPy`);
      const every = Math.max(1, Math.floor(steps / 10));
      const { states } = await numpyRun(python, files, { alpha: recording.alpha, steps, threads, every });
      numpy.push(states);
      for (const { backend, learner, states: seen } of runs) {
        tell(`N=${size.units}, network ${seed}, turn ${turn}: ${learner.name} on ${backend}`);
        seen.push(await onFresh(backend, options, (on) => timeStates(learner, on, recording, W)));
      }
    }
  });
  const contenders = runs.map(({ backend, learner, states }) => ({ backend, learner: learner.name, runs: states }));
  return { ...size, seed, numpy, contenders };
};

/** What the authors' iteration reached, and when: medians over runs. */
export const authorsOf = ({ numpy }: Race): { readonly seconds: number; readonly relativeError: number } => {
  const last = numpy.map((states) => states.at(-1));
  return {
    seconds: median(last.map((state) => state?.seconds ?? Number.NaN)),
    relativeError: median(last.map((state) => state?.relativeError ?? Number.NaN)),
  };
};

/** What a contender ended at: medians over its runs. */
export const endOf = ({ runs }: Contender): TimedState => {
  const of = (name: keyof TimedState): number => median(runs.map((states) => states.at(-1)?.[name] ?? Number.NaN));
  return {
    seconds: of('seconds'),
    relativeError: of('relativeError'),
    correlation: of('correlation'),
    slope: of('slope'),
  };
};

/** Seconds to the first state as near as the authors' last, the median over runs; null where one run has none. */
const arrivalOf = ({ runs }: Contender, target: number): number | null => {
  const seconds = runs.map((states) => reached(states, target)?.seconds);
  const known = seconds.filter((each) => each !== undefined);
  return known.length === seconds.length ? median(known) : null;
};

const fixed = (value: number, digits: number): string => (Number.isNaN(value) ? '-' : value.toFixed(digits));

/** The races of one size as a table: medians over networks; ratios are taken within a network. */
export const raceLines = (races: readonly Race[], { steps, threads }: Options): readonly string[] => {
  const [first] = races;
  if (first === undefined) return [];
  const authors = races.map(authorsOf);
  const samples = races.flatMap(({ numpy }) => numpy.map((states) => states.at(-1)?.seconds ?? Number.NaN));
  const over = (of: (race: Race, index: number) => number): number => median(races.map(of));
  const rows = first.contenders.map((contender, k) => {
    const at = (race: Race): Contender => race.contenders[k] ?? contender;
    const ends = races.map((race) => endOf(at(race)));
    const isAsNear = ends.every(({ relativeError }, i) => relativeError <= (authors[i]?.relativeError ?? Number.NaN));
    const arrivals = races.map((race, i) => arrivalOf(at(race), authors[i]?.relativeError ?? Number.NaN));
    const known = arrivals.filter((each) => each !== null);
    const ratio = (seconds: readonly number[]): string =>
      `${fixed(median(seconds.map((each, i) => (authors[i]?.seconds ?? Number.NaN) / each)), 1)}x`;
    return [
      `  ${contender.learner} on ${contender.backend}`,
      fixed(median(ends.map(({ seconds }) => seconds)), 2),
      fixed(median(ends.map(({ relativeError }) => relativeError)), 4),
      fixed(median(ends.map(({ correlation }) => correlation)), 5),
      fixed(median(ends.map(({ slope }) => slope)), 3),
      isAsNear ? ratio(ends.map(({ seconds }) => seconds)) : `(${ratio(ends.map(({ seconds }) => seconds))})`,
      known.length === races.length ? fixed(median(known), 2) : 'never',
      known.length === races.length ? ratio(known) : '-',
    ];
  });
  const last = (race: Race) => race.numpy.at(-1)?.at(-1);
  return [
    ...tableLines(
      [
        `N=${first.units} T=${first.transitions}, ${threads} thr`,
        'seconds',
        'rel error',
        'correlation',
        'slope',
        'faster',
        'as near at s',
        'faster',
      ],
      [
        [
          `  authors, ${steps} steps, NumPy`,
          fixed(
            over((_, i) => authors[i]?.seconds ?? Number.NaN),
            2,
          ),
          fixed(
            over((_, i) => authors[i]?.relativeError ?? Number.NaN),
            4,
          ),
          fixed(
            over((race) => last(race)?.correlation ?? Number.NaN),
            5,
          ),
          fixed(
            over((race) => last(race)?.slope ?? Number.NaN),
            3,
          ),
          '1x',
        ],
        ...rows,
      ],
    ),
    "  faster: NumPy's seconds over ours; in parentheses where ours ends farther from the true weights",
    `  NumPy's runs: ${samples.map((each) => each.toFixed(2)).join(', ')} s`,
    ...first.contenders.map(
      (contender, k) =>
        `  ${contender.learner} on ${contender.backend}: ${races
          .flatMap((race) =>
            (race.contenders[k]?.runs ?? []).map((states) => fixed(states.at(-1)?.seconds ?? Number.NaN, 2)),
          )
          .join(', ')} s`,
    ),
    '',
  ];
};
