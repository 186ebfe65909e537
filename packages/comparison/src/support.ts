import { failure, firstNonFinite, type Matrix, matrix } from '@drnn/tensor';

/** Where activity was recorded, and so where a fit of it can be right. */
export interface Support {
  /** Whether the activity came as near to a state as held-out activity comes to the rest. */
  readonly isSupported: (state: Float64Array) => boolean;
  /** The distance to the k-th neighbour below which a state is supported. */
  readonly threshold: number;
  /** Root mean square distance of the activity from its mean. */
  readonly radius: number;
  /** Frames `[time, unit]`, evenly from all of the recording, complete ones. */
  readonly frames: Matrix;
}

export interface SupportOptions {
  /** Default 10. */
  readonly neighbours?: number;
  /** Of the distances of held-out frames. Default 0.99. */
  readonly quantile?: number;
  /** Frames that distances are taken to, at most. Default 4000. */
  readonly most?: number;
}

/** Held-out stretches of the recording, every second of these. */
const STRETCHES = 20;
const HELD_OUT = 500;
const STARTS = 1000;

/** `count` frames at most, evenly. */
const thinned = (frames: readonly Float64Array[], count: number): readonly Float64Array[] => {
  const step = Math.max(1, frames.length / count);
  return Array.from({ length: Math.min(count, frames.length) }, (_, k) => frames[Math.floor(k * step)]!);
};

/**
 * Where a recording `[time, unit]` was: a state is supported when its k-th nearest neighbour among the frames of every
 * second stretch is nearer than that of 99% of the frames in between. Attractors elsewhere cannot be identified. Frames
 * that miss a value are left out. Cost 4000 N a state. Errors: fewer than 40 complete frames.
 */
export const support = (recording: Matrix, options: SupportOptions = {}): Support => {
  const { neighbours = 10, quantile = 0.99, most = 4000 } = options;
  const { rows, columns: n, data } = recording;
  const all = Array.from({ length: rows }, (_, t) => data.subarray(t * n, (t + 1) * n));
  const complete = all.filter((frame) => firstNonFinite(frame) < 0);
  if (complete.length < 4 * neighbours) {
    throw failure({
      path: 'recording',
      seen: `${complete.length} frames without a missing value`,
      expected: `at least ${4 * neighbours}`,
    });
  }
  const stretch = complete.length / STRETCHES;
  const isHeldOut = (_: Float64Array, t: number): boolean => Math.floor(t / stretch) % 2 === 1;
  const known = thinned(
    complete.filter((frame, t) => !isHeldOut(frame, t)),
    most,
  );
  const distances = new Float64Array(known.length);
  const neighbourDistance = (state: Float64Array): number => {
    known.forEach((frame, k) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += (frame[i]! - state[i]!) ** 2;
      distances[k] = sum;
    });
    return Math.sqrt(distances.toSorted()[neighbours - 1] ?? Infinity);
  };
  const heldOut = thinned(complete.filter(isHeldOut), HELD_OUT).map(neighbourDistance);
  const sorted = Float64Array.from(heldOut).toSorted();
  const threshold = sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))] ?? 0;
  const mean = new Float64Array(n);
  for (const frame of complete) for (let i = 0; i < n; i++) mean[i]! += frame[i]! / complete.length;
  let square = 0;
  for (const frame of complete) for (let i = 0; i < n; i++) square += (frame[i]! - mean[i]!) ** 2 / complete.length;
  const kept = thinned(complete, STARTS);
  const frames = matrix(kept.length, n);
  kept.forEach((frame, k) => frames.data.set(frame, k * n));
  return {
    isSupported: (state) => neighbourDistance(state) <= threshold,
    threshold,
    radius: Math.sqrt(square),
    frames,
  };
};
