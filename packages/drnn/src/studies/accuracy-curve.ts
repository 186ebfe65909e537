import type { Job } from './job.js';
import { quartiles } from './quartiles.js';

/** The middle of the networks at one time. */
export interface CurvePoint {
  readonly seconds: number;
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
}

const points = 120;

/**
 * A measure over networks at equal steps of the logarithm of time, from the median of the times of their first states to
 * that of their last, which has the median of the results: both are as in the table, however slow a single network was.
 * A network has at any time before the end the value of its last state until then, or of its first.
 */
export const accuracyCurve = (
  jobs: readonly Job[],
  measure: 'correlation' | 'relativeError' | 'slope',
): readonly CurvePoint[] => {
  const tracks = jobs
    .map((job) => job.points.filter((point) => Number.isFinite(point[measure])))
    .filter((track) => track.length > 0);
  const at = (place: 0 | -1): number => quartiles(tracks.map((track) => track.at(place)?.seconds ?? Number.NaN)).median;
  const [first, last] = [at(0), at(-1)];
  if (tracks.length === 0) return [];
  const [from, to] = [Math.log(Math.max(first, 1e-9)), Math.log(Math.max(last, 1e-9))];
  const count = to > from ? points : 1;
  return Array.from({ length: count }, (_, k) => {
    const ended = k === count - 1;
    const seconds = ended ? last : Math.exp(from + ((to - from) * k) / (count - 1));
    const values = tracks.flatMap((track) => {
      const state = ended ? track.at(-1) : (track.findLast((point) => point.seconds <= seconds) ?? track[0]);
      return state === undefined ? [] : [state[measure]];
    });
    const { median, lower, upper } = quartiles(values);
    return { seconds, median, lower, upper };
  });
};
