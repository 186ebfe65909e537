import { loadavg } from 'node:os';
import { transitions } from '@drnn/simulator';
import { type Backend, DrnnError, type Matrix, type Issue, type Precision, refuse } from '@drnn/tensor';
import { deviceOf } from '../backends/device-of.js';
import type { BackendName } from '../backends/kinds.js';
import { openBackend } from '../backends/open-backend.js';
import { driveScore, meanTargets } from './drive-score.js';
import type { Job } from './job.js';
import { machine, versions } from './machine.js';
import { generatorSettings, type Study, type StudySize } from './study.js';
import type { StudyMethod, Truth } from './study-method.js';
import { networkSeed, type StudyNetwork, studyNetwork } from './study-network.js';
import { openStudyStore, type StudyStore } from './study-store.js';
import { follow } from './track.js';
import { type WeightAccuracy, weightAccuracy } from '../weight-accuracy.js';

export interface StudyOptions {
  /** Where results are kept, and found again by a later run. Default a folder named for the study. */
  readonly out?: string;
  /** Default 10; with `full` that of the paper. */
  readonly networks?: number;
  /** The size and the limit of the paper. */
  readonly full?: boolean;
  /** Default 1. */
  readonly seed?: number;
  /** Names of methods, or of curves of a sweep. Default: all that run by default. */
  readonly methods?: readonly string[];
  /** Other sizes than the study's. */
  readonly units?: number;
  readonly transitions?: number;
  /** Seconds after which a method that would go on ends at its next state. */
  readonly limit?: number;
  readonly backend?: BackendName | 'auto';
  /** Default float64, in which the authors' solver ran. */
  readonly precision?: Precision;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: StudyProgress) => void;
  readonly onNotice?: (sentence: string) => void;
}

export interface StudyProgress {
  readonly network: number;
  readonly networks: number;
  readonly method: string;
  readonly step: number;
  readonly seconds: number;
  /** Of all jobs, how many are done. */
  readonly fraction: number;
}

/** A job that threw: it is not kept, and made again by the next run. */
export interface FailedJob {
  readonly method: string;
  readonly network: number;
  readonly reason: string;
}

export interface StudyResult {
  readonly study: Study;
  readonly size: StudySize;
  readonly seed: number;
  /** What all jobs share: data, hardware, versions. */
  readonly settings: Awaited<ReturnType<typeof settingsOf>>;
  readonly methods: readonly StudyMethod[];
  /** Those found from earlier runs too. */
  readonly jobs: readonly Job[];
  readonly failed: readonly FailedJob[];
  readonly aborted: boolean;
  readonly store: StudyStore;
}

/** The methods of a study that were named, in its order. Errors: names that none has. */
export const chosenMethods = (study: Study, names?: readonly string[]): readonly StudyMethod[] => {
  if (names === undefined) return study.methods.filter(({ byDefault }) => byDefault !== false);
  const known = new Set(study.methods.flatMap(({ name, curve }) => [name, curve]));
  const curves = [...new Set(study.methods.map(({ curve }) => curve))];
  refuse(
    names
      .filter((name) => !known.has(name))
      .map((name) => ({ path: '--methods', seen: `'${name}'`, expected: `some of ${curves.join(', ')}` })),
  );
  return study.methods.filter(({ name, curve }) => names.includes(name) || names.includes(curve));
};

const sizeOf = (study: Study, options: StudyOptions): StudySize => {
  const base = options.full === true ? study.full : study.size;
  const size = {
    units: options.units ?? base.units,
    transitions: options.transitions ?? base.transitions,
    networks: options.networks ?? base.networks,
    limit: options.limit ?? base.limit,
  };
  const issues: Issue[] = [];
  const whole = (path: string, value: number, least: number): void => {
    if (Number.isSafeInteger(value) && value >= least) return;
    issues.push({ path, seen: `${value}`, expected: `a whole number, ${least} or more` });
  };
  whole('--units', size.units, 2);
  whole('--transitions', size.transitions, 2);
  whole('--networks', size.networks, 1);
  if (!Number.isSafeInteger(options.seed ?? 1)) {
    issues.push({ path: '--seed', seen: `${options.seed}`, expected: 'a whole number' });
  }
  if (!(size.limit > 0)) issues.push({ path: '--limit', seen: `${size.limit}`, expected: 'seconds, above 0' });
  refuse(issues);
  return size;
};

const settingsOf = (study: Study, size: StudySize, seed: number, on: Backend) => ({
  format: 'drnn-study',
  formatVersion: 1,
  study: study.name,
  units: size.units,
  transitions: size.transitions,
  limit: size.limit,
  seed,
  generator: generatorSettings(study),
  backend: on.name,
  device: deviceOf(on),
  precision: on.precision,
  threads: on.threads,
  machine: machine(),
  versions: versions(),
});

/** What every job on a network needs. */
interface NetworkData extends Pick<StudyNetwork, 'recording' | 'heldOut'> {
  readonly truth: Truth;
  readonly accuracyOf: (theta: Matrix) => WeightAccuracy;
  readonly means: Float64Array;
}

const networkData = (
  study: Study,
  size: Pick<StudySize, 'units' | 'transitions'>,
  index: number,
  seed: number,
): NetworkData => {
  const { W, recording, heldOut } = studyNetwork(study, size, index, seed);
  const { inputNoise, outputNoise } = study;
  return {
    recording,
    heldOut,
    truth: { W, inputNoise, outputNoise },
    accuracyOf: weightAccuracy(W),
    means: meanTargets(transitions(recording)),
  };
};

/** A small network and a moment for each method, so that none pays for what the first one compiles. */
const warmUp = async (on: Backend, study: Study, methods: readonly StudyMethod[]): Promise<void> => {
  const { recording, truth, accuracyOf } = networkData(study, { units: 12, transitions: 100 }, 0, 0);
  const seen = new Set<string>();
  for (const method of methods) {
    if (seen.has(method.curve)) continue;
    seen.add(method.curve);
    try {
      await follow((probe) => method.run({ on, recording, seed: 0, probe, truth }), { accuracyOf, limit: 0.2 });
    } catch {
      // What is wrong with a method is said of its own jobs.
    }
  }
};

/**
 * Runs every method of a study on every network, one job after the other in one process, and keeps each result as a
 * file of its own as soon as it is there. A later run of the same settings takes the results that it finds and makes the
 * rest: after a kill, with more networks, or with more methods. A job that throws is told of and not kept.
 *
 * Errors: options that cannot be; a folder with results of other settings.
 */
export const runStudy = async (study: Study, options: StudyOptions = {}): Promise<StudyResult> => {
  const size = sizeOf(study, options);
  const methods = chosenMethods(study, options.methods);
  const { seed = 1, out = study.name, signal, onNotice } = options;
  const { on } = await openBackend({
    name: options.backend ?? 'auto',
    precision: options.precision ?? 'float64',
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(onNotice === undefined ? {} : { onNotice }),
  });
  try {
    const settings = settingsOf(study, size, seed, on);
    const store = await openStudyStore(out, settings);
    const jobs: Job[] = [];
    const failed: FailedJob[] = [];
    const aborted = (): boolean => signal?.aborted === true;
    const all = size.networks * methods.length;
    let warm = false;

    for (let index = 0; index < size.networks; index++) {
      const own = networkSeed(study, index, seed);
      let data: NetworkData | null = null;
      for (const method of methods) {
        const found = await store.read(method, index, own);
        if (found !== null) {
          jobs.push(found);
          continue;
        }
        // What other runs have done counts all the same.
        if (aborted()) continue;
        if (!warm) await warmUp(on, study, methods);
        warm = true;
        const milestones = study.published
          .filter((one) => one.method === method.curve && one.steps !== undefined)
          .map(({ steps }) => steps ?? 0);
        const show = (step: number, seconds: number): void =>
          options.onProgress?.({
            network: index,
            networks: size.networks,
            method: method.name,
            step,
            seconds,
            fraction: (jobs.length + failed.length) / all,
          });
        try {
          data ??= networkData(study, size, index, seed);
          const { recording, truth, accuracyOf, heldOut, means } = data;
          const track = await follow((probe) => method.run({ on, recording, seed: own, probe, truth }), {
            accuracyOf,
            limit: method.endsByItself === true ? Infinity : size.limit,
            milestones,
            ...(signal === undefined ? {} : { signal }),
            onState: show,
          });
          if (track.ending === 'aborted') continue;
          const job: Job = {
            method: method.name,
            network: index,
            ending: track.ending,
            points: track.points,
            driveScore: await driveScore(on, heldOut, means, track.theta),
            load: loadavg()[0] ?? 0,
          };
          await store.write(job, method, own);
          jobs.push(job);
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          failed.push({ method: method.name, network: index, reason });
          onNotice?.(`${method.name} failed on network ${index}: ${reason}`);
          // A folder that cannot be written to will not take the next result either.
          if (error instanceof DrnnError && error.issues.some(({ path }) => path.startsWith(out))) throw error;
        }
      }
    }
    return { study, size, seed, settings, methods, jobs, failed, aborted: aborted(), store };
  } finally {
    await on.close();
  }
};
