import type { Hdf5 } from './hdf5.js';

/** The sampling of a time series, and what is to be said about it. */
export interface Sampling {
  /** Seconds between samples, or null when the file does not say or they are uneven. */
  readonly interval: number | null;
  readonly notes: readonly string[];
}

/** How far a step may be from the mean step, relative, to count as even: time stamps are often rounded. */
const EVEN = 1e-3;

/**
 * The sampling interval of the NWB TimeSeries (NWB schema 2.x) that the dataset at `path` belongs to: one over the
 * `rate` of its `starting_time`, in Hz, or the mean step of its `timestamps`, in seconds, if these are even.
 */
export const nwbSampling = (file: Hdf5, path: string): Sampling => {
  const dataset = file.resolve(path);
  const series = dataset.slice(0, Math.max(0, dataset.lastIndexOf('/')));
  if (series === '') return { interval: null, notes: [] };
  if (file.has(`${series}/starting_time`)) {
    const rate = file.attribute(`${series}/starting_time`, 'rate');
    if (rate !== null && rate > 0 && Number.isFinite(rate)) return { interval: 1 / rate, notes: [] };
    return {
      interval: null,
      notes: [`${series}/starting_time has no positive rate; the sampling interval is unknown`],
    };
  }
  if (!file.has(`${series}/timestamps`)) return { interval: null, notes: [] };
  const { data } = file.array(`${series}/timestamps`);
  const last = data.length - 1;
  const interval = last < 1 ? Number.NaN : ((data[last] ?? 0) - (data[0] ?? 0)) / last;
  let shortest = Number.POSITIVE_INFINITY;
  let longest = Number.NEGATIVE_INFINITY;
  for (let i = 1; i < data.length; i++) {
    const step = data[i]! - data[i - 1]!;
    shortest = Math.min(shortest, step);
    longest = Math.max(longest, step);
  }
  if (interval > 0 && shortest > 0 && longest - shortest <= EVEN * interval) return { interval, notes: [] };
  const note = `${series}/timestamps are uneven: steps of ${shortest} to ${longest} s; the sampling interval is unknown`;
  return { interval: null, notes: [note] };
};
