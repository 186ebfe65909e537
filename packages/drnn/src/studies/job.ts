import type { JsonObject, JsonValue } from '@drnn/recordings';
import { failure } from '@drnn/tensor';
import type { StudyMethod } from './study-method.js';
import type { Ending, TrackPoint } from './track.js';

/** One method on one network: what is kept of it. */
export interface Job {
  readonly method: string;
  readonly network: number;
  readonly ending: Ending;
  /** States over time; the last is the result. */
  readonly points: readonly TrackPoint[];
  /** R2 of the drive on held-out transitions. */
  readonly driveScore: number;
  /** The load average of the machine at its end: above the number of its cores, times are longer than they need be. */
  readonly load: number;
}

/** The result of a job. */
export const resultOf = ({ points }: Job): TrackPoint => {
  const last = points.at(-1);
  if (last === undefined) throw new Error('a job without a state');
  return last;
};

const format = 'drnn-study-job';
const formatVersion = 1;
const columns = ['step', 'seconds', 'correlation', 'slope', 'relativeError'] as const;
const endings: readonly Ending[] = ['converged', 'finished', 'stalled', 'time-limit', 'non-finite', 'aborted'];

/** To eight digits: more is never read and doubles the file. JSON has no NaN, so null stands for it. */
const short = (value: number): number | null => (Number.isFinite(value) ? Number(value.toPrecision(8)) : null);

/** A job as JSON, with all that its result depends on. The states are columns. */
export const encodeJob = (job: Job, { label, settings }: StudyMethod, seed: number): JsonObject => ({
  format,
  formatVersion,
  method: job.method,
  label,
  settings,
  network: job.network,
  seed,
  ending: job.ending,
  driveScore: short(job.driveScore),
  load: short(job.load),
  points: Object.fromEntries(columns.map((name) => [name, job.points.map((point) => short(point[name]))])),
});

/** The field of a JSON object; undefined where there is none. */
export const fieldOf = (value: JsonValue | undefined, name: string): JsonValue | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;

const numberOrNaN = (value: JsonValue | undefined): number => (typeof value === 'number' ? value : Number.NaN);

/** A value as text that does not depend on the order of its fields. */
export const canonical = (value: JsonValue | undefined): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  ) ?? 'nothing';

/**
 * A job as it was written, for the same method, network and seed. Errors: something else, or a job that was made with
 * other settings of the method.
 */
export const decodeJob = (value: JsonValue, path: string, method: StudyMethod, network: number, seed: number): Job => {
  const bad = (seen: string, expected: string) =>
    failure({ path, seen, expected, hint: 'delete it to have it made again, or choose another folder (--out)' });
  if (fieldOf(value, 'format') !== format || fieldOf(value, 'formatVersion') !== formatVersion) {
    throw bad('no result of a study in this version of the format', `${format} ${formatVersion}`);
  }
  const wanted: JsonObject = { method: method.name, network, seed, settings: method.settings };
  for (const [name, expected] of Object.entries(wanted)) {
    const seen = canonical(fieldOf(value, name));
    if (seen !== canonical(expected)) throw bad(`${name} ${seen}`, `${name} ${canonical(expected)}`);
  }
  const points = fieldOf(value, 'points');
  const column = (name: string): readonly JsonValue[] => {
    const found = fieldOf(points, name);
    if (!Array.isArray(found)) throw bad(`no points.${name}`, 'a list of numbers');
    return found;
  };
  const [steps, seconds, correlation, slope, relativeError] = columns.map(column);
  const ending = endings.find((name) => name === fieldOf(value, 'ending'));
  if (ending === undefined || steps === undefined || steps.length === 0) throw bad('no ending or no states', 'both');
  return {
    method: method.name,
    network,
    ending,
    driveScore: numberOrNaN(fieldOf(value, 'driveScore')),
    load: numberOrNaN(fieldOf(value, 'load')),
    points: steps.map((step, i) => ({
      step: numberOrNaN(step),
      seconds: numberOrNaN(seconds?.[i]),
      correlation: numberOrNaN(correlation?.[i]),
      slope: numberOrNaN(slope?.[i]),
      relativeError: numberOrNaN(relativeError?.[i]),
    })),
  };
};
