import type { Observations } from '@drnn/simulator';
import type { Backend, Matrix } from '@drnn/tensor';
import { type WeightAccuracy, weightAccuracy } from 'drnn';

/**
 * Something that learns weights from a recording in memory, and can be timed: it gives Theta [predictor, unit] whenever
 * it has a better one, the last time at its end. The clock runs only while it is asked for the next one.
 */
export interface Learner {
  readonly name: string;
  learn(on: Backend, recording: Observations): AsyncIterable<Matrix>;
}

/** A learner that has nothing to show before its end. */
export const learnerOf = (name: string, fit: (on: Backend, recording: Observations) => Promise<Matrix>): Learner => ({
  name,
  learn: async function* (on, recording) {
    yield await fit(on, recording);
  },
});

/** What a learner had reached after so many seconds of work. */
export interface TimedState extends WeightAccuracy {
  readonly seconds: number;
}

export interface Limits {
  /** Ends the learning at the first state with no larger relative error. */
  readonly target?: number;
  /** Ends it at the first state after so many seconds. */
  readonly seconds?: number;
}

/** Times a learner against the true weights; their comparison does not count. */
export const timeStates = async (
  learner: Learner,
  on: Backend,
  recording: Observations,
  W: Matrix,
  { target = 0, seconds: most = Number.POSITIVE_INFINITY }: Limits = {},
): Promise<readonly TimedState[]> => {
  const states: TimedState[] = [];
  const accuracyOf = weightAccuracy(W);
  const iterator = learner.learn(on, recording)[Symbol.asyncIterator]();
  let seconds = 0;
  for (;;) {
    const began = performance.now();
    const next = await iterator.next();
    seconds += (performance.now() - began) / 1000;
    if (next.done === true) break;
    const accuracy = accuracyOf(next.value);
    states.push({ seconds, ...accuracy });
    if (accuracy.relativeError > target && seconds <= most) continue;
    await iterator.return?.();
    break;
  }
  return states;
};

/** The first state whose relative error is no larger than `target`, or null. */
export const reached = (states: readonly TimedState[], target: number): TimedState | null =>
  states.find(({ relativeError }) => relativeError <= target) ?? null;
