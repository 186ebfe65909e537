import { type Job, resultOf } from './job.js';
import { type Quartiles, quartiles } from './quartiles.js';
import type { Published, Study } from './study.js';
import type { StudyMethod } from './study-method.js';
import type { TrackPoint } from './track.js';

/** A method over the networks of a study. */
export interface MethodSummary {
  readonly method: StudyMethod;
  /** Networks it is done on. */
  readonly networks: number;
  readonly steps: Quartiles;
  readonly seconds: Quartiles;
  readonly correlation: Quartiles;
  readonly slope: Quartiles;
  readonly relativeError: Quartiles;
  readonly driveScore: Quartiles;
  /** The highest correlation of each network at any time, which nobody without the truth could have picked. */
  readonly bestCorrelation: Quartiles;
  /** Seconds until the error is that of the authors' last state on the same network; of those that get there. */
  readonly secondsToAuthors: Quartiles;
  /** The error over that of the informed estimate on the same network: 1 is as good as knowing noise and prior. */
  readonly errorToInformed: Quartiles;
  /** The error over that of the authors' last state on the same network. */
  readonly errorToAuthors: Quartiles;
  /** How the jobs ended, with counts. */
  readonly endings: Readonly<Record<string, number>>;
}

/** Ours at the budget of a published figure. */
export interface Comparison {
  readonly published: Published;
  readonly method: StudyMethod;
  /** The state at the published number of steps, or the last where that is earlier or not given. */
  readonly correlation: Quartiles;
  readonly seconds: Quartiles;
  readonly steps: Quartiles;
}

export interface StudySummary {
  /** The load average of the machine over the jobs. */
  readonly load: Quartiles;
  readonly methods: readonly MethodSummary[];
  readonly comparisons: readonly Comparison[];
}

/** The names of the methods that the others are measured by. */
const [authors, informed] = ['authors', 'informed'];

/** The last state at or before a step. */
const stateAt = (job: Job, step: number | undefined): TrackPoint =>
  (step === undefined ? undefined : job.points.findLast((point) => point.step <= step)) ?? resultOf(job);

/** Medians and quartiles over networks, and ours beside each published figure. */
export const summaryOfStudy = (study: Study, methods: readonly StudyMethod[], jobs: readonly Job[]): StudySummary => {
  const jobsOf = (name: string): readonly Job[] => jobs.filter(({ method }) => method === name);
  const errorOf = (yardstick: string, { sweep }: StudyMethod, network: number): number => {
    const method = methods.find((one) => one.curve === yardstick && one.sweep === sweep);
    const job = method === undefined ? undefined : jobsOf(method.name).find((one) => one.network === network);
    return job === undefined ? Number.NaN : resultOf(job).relativeError;
  };
  return {
    load: quartiles(jobs.map(({ load }) => load)),
    methods: methods.map((method) => {
      const own = jobsOf(method.name);
      const results = own.map(resultOf);
      const of = (field: keyof TrackPoint): Quartiles => quartiles(results.map((point) => point[field]));
      const ratio = (yardstick: string): Quartiles =>
        quartiles(own.map((job) => resultOf(job).relativeError / errorOf(yardstick, method, job.network)));
      const endings: Record<string, number> = {};
      for (const { ending } of own) endings[ending] = (endings[ending] ?? 0) + 1;
      return {
        method,
        networks: own.length,
        steps: of('step'),
        seconds: of('seconds'),
        correlation: of('correlation'),
        slope: of('slope'),
        relativeError: of('relativeError'),
        driveScore: quartiles(own.map((job) => job.driveScore)),
        bestCorrelation: quartiles(
          own.map(({ points }) =>
            points.reduce((best, { correlation }) => (correlation > best ? correlation : best), -Infinity),
          ),
        ),
        secondsToAuthors: quartiles(
          (method.isReference === true ? [] : own).map((job) => {
            const goal = errorOf(authors, method, job.network);
            return job.points.find(({ relativeError }) => relativeError <= goal)?.seconds ?? Number.NaN;
          }),
        ),
        errorToInformed: ratio(informed),
        errorToAuthors: ratio(authors),
        endings,
      };
    }),
    comparisons: study.published.flatMap((published) =>
      methods
        .filter(({ curve, sweep }) => curve === published.method && sweep === published.sweep)
        .map((method) => {
          const states = jobsOf(method.name).map((job) => stateAt(job, published.steps));
          return {
            published,
            method,
            correlation: quartiles(states.map(({ correlation }) => correlation)),
            seconds: quartiles(states.map(({ seconds }) => seconds)),
            steps: quartiles(states.map(({ step }) => step)),
          };
        }),
    ),
  };
};
