import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { Precision } from '@drnn/tensor';
import { capability } from '@drnn/testing';
import { isThreaded } from './backends.js';
import { type Contestant, enter } from './contestant.js';
import { lookAtPeaks } from './engines.js';
import {
  backendEntrant,
  type Entrant,
  numpyEntrant,
  peakEntrant,
  sameLibraryEntrant,
  tfjsComposedEntrant,
  whoOf,
} from './entrants.js';
import { type Measurement, measurementOf, type Peaks } from './measurement.js';
import { labelOf, needsRecording, operationsFor, type Operation } from './operations.js';
import type { Options } from './options.js';
import { busyPart } from './processors.js';
import { type Pace, race, type Rates } from './race.js';
import type { Shelf } from './shelf.js';
import { pause } from './timing.js';

/** All that took part in one precision. */
export interface Contest {
  readonly measurements: readonly Measurement[];
  readonly peaks: Peaks;
  /** Who took part with what, who could not and why, what was left out. */
  readonly notes: readonly string[];
  /** The largest part of the processors that others used, seen between operations while all of ours were waiting. */
  readonly disturbance: number;
}

/** Operations from one look at the peak to the next. */
const betweenPeaks = 4;

const isPass = ({ kind }: Operation): boolean => kind === 'pass' || kind === 'iteration' || kind === 'largest';

const oursIn = (precision: Precision, { backends, threads, parts, all }: Options): readonly Entrant[] =>
  backends
    .filter((name) => parts.has('operations') || name === 'wasm' || name === 'blas')
    .filter((name) => name !== 'cpu' || precision === 'float64' || all)
    .flatMap((name) => (isThreaded(name) ? threads : [1]).map((count) => backendEntrant(name, precision, count)))
    .filter((entrant) => entrant !== null);

/** Pythons by the name that their NumPy has in tables. */
export const pythonsOf = ({ pythons }: Options): readonly { readonly name: string; readonly command: string }[] => {
  const { command } = capability('numpy');
  const commands = pythons.length > 0 ? pythons : command === null ? [] : [command];
  return commands.map((each, k) => ({ command: each, name: k === 0 ? 'NumPy' : `NumPy ${k + 1}` }));
};

const peersIn = (precision: Precision, options: Options): readonly Entrant[] => [
  ...pythonsOf(options).flatMap(({ command, name }) =>
    options.threads.map((count) => numpyEntrant(command, name, precision, count)),
  ),
  ...(precision === 'mixed' ? [tfjsComposedEntrant()] : []),
];

const fileNamed = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
};

/** Our blas once more on each library of NumPy's that is another than its own. */
const onSameLibraries = (contestants: readonly Contestant[]): readonly Entrant[] => {
  const librariesOf = (prefix: string) =>
    contestants.filter(({ entrant, introduction }) => entrant.name.startsWith(prefix) && introduction.library !== null);
  const own = new Set(librariesOf('blas').map(({ introduction }) => fileNamed(introduction.library ?? '')));
  if (own.size === 0) return [];
  const theirs = new Map(
    librariesOf('NumPy').map(({ introduction, entrant }) => [
      `${fileNamed(introduction.library ?? '')} ${entrant.threads}`,
      { library: fileNamed(introduction.library ?? ''), entrant },
    ]),
  );
  return [...theirs.values()]
    .filter(({ library }) => !own.has(library))
    .map(({ library, entrant: { precision, threads } }) => sameLibraryEntrant(precision, threads, library));
};

/** Times every operation on everyone who can do it, in one precision. */
export const contest = async (
  precision: Precision,
  options: Options,
  shelf: Shelf,
  pace: Pace,
  tell: (what: string) => void,
): Promise<Contest> => {
  const notes: string[] = [];
  const contestants: Contestant[] = [];
  const said = new Map<string, readonly number[]>();
  /** The same of several numbers of threads is said once. */
  const say = ({ name, threads }: Entrant, what: string): void => {
    const line = `${name}, #: ${what}`;
    said.set(line, [...(said.get(line) ?? []), threads]);
  };
  const join = async (entrants: readonly Entrant[]): Promise<void> => {
    for (const entrant of entrants) {
      tell(whoOf(entrant));
      try {
        const contestant = await enter(entrant);
        contestants.push(contestant);
        const { says, library } = contestant.introduction;
        // Results are kept and shared: no folders of this machine in them.
        say(entrant, library === null ? says : says.replace(library, basename(library)));
      } catch (error) {
        say(entrant, `not installed: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  };
  await join(oursIn(precision, options));
  if (options.parts.has('peers')) {
    await join(peersIn(precision, options));
    await join(onSameLibraries(contestants));
    if (pythonsOf(options).length === 0) notes.push(`NumPy: not installed: ${capability('numpy').reason}`);
  }
  notes.unshift(...[...said].map(([line, threads]) => line.replace('#', `${threads.join(', ')} thr`)));
  const engine = await enter(peakEntrant());
  const peaks = { mixed: 0, float64: 0 };
  const measurements: Measurement[] = [];
  const rates: Rates = new Map();
  const tooSlow = new Map<Entrant, readonly string[]>();
  let disturbance = 0;
  let turnsTaken = 0;

  for (const operation of operationsFor(options.quick)) {
    if (!options.parts.has('operations') && !isPass(operation)) continue;
    const taking = contestants.filter(({ entrant }) => entrant.does(operation));
    if (taking.length === 0) continue;
    tell(labelOf(operation, precision));
    const recording = needsRecording(operation) ? await shelf.recordingOf(operation.units, operation.steps) : null;
    await pause(100);
    disturbance = Math.max(disturbance, await busyPart(100));
    if (turnsTaken++ % betweenPeaks === 0) await lookAtPeaks(engine, peaks, pace);
    for (const result of await race(operation, taking, recording, pace, rates)) {
      const { contestant } = result;
      const { entrant } = contestant;
      const label = labelOf(operation, precision);
      if (result.kind === 'times') measurements.push(measurementOf(entrant, operation, result.samples, result.note));
      else if (result.kind === 'slow') {
        const slow = tooSlow.get(entrant) ?? [];
        tooSlow.set(entrant, [...slow, `${label} (some ${result.seconds.toFixed(0)} s)`]);
      } else {
        // What cannot do this rightly may not be compared at anything.
        notes.push(`${whoOf(entrant)}: taken out at ${label}: ${result.reason}`);
        contestants.splice(contestants.indexOf(contestant), 1);
        await contestant.close();
      }
    }
  }
  for (const [entrant, labels] of tooSlow) notes.push(`${whoOf(entrant)}: too slow for ${labels.join(', ')}`);
  await lookAtPeaks(engine, peaks, pace);
  await Promise.all([engine, ...contestants].map((contestant) => contestant.close()));
  return { measurements, peaks, notes, disturbance };
};
