import type { Job } from './job.js';
import { quartiles } from './quartiles.js';
import type { TrackPoint } from './track.js';

/** The middle of the networks at one time. */
export interface CurvePoint {
  readonly seconds: number;
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
}

const points = 120;

/**
 * A measure over networks at equal steps of the logarithm of time. A network has at any time the value of its last state
 * until then, and keeps that of its result afterwards; the curve begins when every network has a state.
 */
export const accuracyCurve = (
  jobs: readonly Job[],
  measure: 'correlation' | 'relativeError' | 'slope',
): readonly CurvePoint[] => {
  const tracks = jobs
    .map((job) => job.points.filter((point) => Number.isFinite(point[measure])))
    .filter((track) => track.length > 0);
  const ends = (pick: (track: readonly TrackPoint[]) => TrackPoint | undefined): readonly number[] =>
    tracks.map((track) => pick(track)?.seconds ?? Number.NaN).toSorted((a, b) => a - b);
  const firsts = ends((track) => track[0]);
  const first = firsts.at(-1);
  const last = ends((track) => track.at(-1)).at(-1);
  if (first === undefined || last === undefined) return [];
  const [from, to] = [Math.log(Math.max(first, 1e-9)), Math.log(Math.max(last, first, 1e-9))];
  const count = to > from ? points : 1;
  return Array.from({ length: count }, (_, k) => {
    // Rounding must not take the first and the last state away.
    const seconds = k === 0 ? first : k === count - 1 ? last : Math.exp(from + ((to - from) * k) / (count - 1));
    const values = tracks.flatMap((track) => {
      const state = track.findLast((point) => point.seconds <= seconds);
      return state === undefined ? [] : [state[measure]];
    });
    const { median, lower, upper } = quartiles(values);
    return { seconds, median, lower, upper };
  });
};
