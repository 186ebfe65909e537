import { copyMatrix, firstNonFinite, type Matrix } from '@drnn/tensor';
import type { OwnEnding } from './study-method.js';
import type { WeightAccuracy } from '../weight-accuracy.js';

/** One state of a method. */
export interface TrackPoint extends WeightAccuracy {
  readonly step: number;
  /** Since the method was given the recording, what was spent on the track itself left out. */
  readonly seconds: number;
}

/** What a method tells while it runs. */
export interface Probe {
  /** Tells a state, at once and before it changes; `false` when the method is to end. Theta [predictor, unit]. */
  readonly state: (step: number, theta: Matrix) => boolean;
}

export type Ending = OwnEnding | 'time-limit' | 'non-finite' | 'aborted';

/** How a method came to its weights. */
export interface Track {
  readonly ending: Ending;
  readonly points: readonly TrackPoint[];
  /** The last finite state. */
  readonly theta: Matrix;
}

export interface TrackOptions {
  readonly accuracyOf: (theta: Matrix) => WeightAccuracy;
  /** Seconds after which a method is told to end. */
  readonly limit: number;
  /** Steps that are kept whatever lies between. */
  readonly milestones?: readonly number[];
  readonly signal?: AbortSignal;
  readonly onState?: (step: number, seconds: number) => void;
  /** Seconds; default the clock of the machine. */
  readonly now?: () => number;
}

/** The first steps are all kept; later ones when so much more time has gone by. */
const denseSteps = 20;
const sparser = 1.05;

/**
 * Runs a method and follows it. The clock stands still while a state is judged, so that the times are those of the
 * method alone. Kept are the first states, then those 5% of the time apart, the milestones and the last. A state that is
 * not finite ends the run with the one before. Errors: a method that tells no state.
 */
export const follow = async (method: (probe: Probe) => Promise<OwnEnding>, options: TrackOptions): Promise<Track> => {
  const { accuracyOf, limit, milestones = [], signal, now = () => performance.now() / 1000 } = options;
  const points: TrackPoint[] = [];
  const wanted = new Set(milestones);
  const began = now();
  let paused = 0;
  let told: Ending | null = null;
  let last: { readonly step: number; readonly seconds: number; readonly theta: Matrix } | null = null;

  const keep = ({ step, seconds, theta }: NonNullable<typeof last>): void => {
    if (points.at(-1)?.step === step) return;
    points.push({ step, seconds, ...accuracyOf(theta) });
  };
  const state = (step: number, theta: Matrix): boolean => {
    const arrived = now();
    const seconds = arrived - began - paused;
    if (told !== null) return false;
    if (firstNonFinite(theta.data) >= 0) told = 'non-finite';
    else {
      // The method may write over its theta before it ends, and the last state is judged at the end.
      last = { step, seconds, theta: last === null ? copyMatrix(theta) : overwrite(last.theta, theta) };
      const before = points.at(-1)?.seconds ?? 0;
      if (step <= denseSteps || wanted.has(step) || seconds >= sparser * before) keep(last);
      if (signal?.aborted === true) told = 'aborted';
      else if (seconds >= limit) told = 'time-limit';
      options.onState?.(step, seconds);
    }
    paused += now() - arrived;
    return told === null;
  };

  const own = await method({ state });
  const end: typeof last = last;
  if (end === null) throw new Error('a method told no finite state');
  keep(end);
  return { ending: told ?? own, points, theta: lastTheta(end) };
};

const lastTheta = ({ theta }: { readonly theta: Matrix }): Matrix => theta;

const overwrite = (into: Matrix, from: Matrix): Matrix => {
  if (into.data.length !== from.data.length) return copyMatrix(from);
  into.data.set(from.data);
  return into;
};
