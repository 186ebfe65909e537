import type { BackendName } from '../speed/backends.js';
import { tableLines } from '../speed/table.js';
import { onFresh, recordingFor, type Size } from './against-numpy.js';
import { type Learner, reached, type TimedState, timeStates } from './learner.js';
import type { Options } from './options.js';

/** Ours, and the slower ones that were given so many times as long to come as near. */
export interface Chase {
  readonly units: number;
  readonly transitions: number;
  readonly seed: number;
  readonly backend: BackendName;
  readonly learner: string;
  /** Where ours ended. */
  readonly ours: TimedState;
  readonly pursuers: readonly { readonly learner: string; readonly states: readonly TimedState[] }[];
  /** Seconds that each pursuer had at most. */
  readonly limit: number;
}

/**
 * Has each pursuer learn until it is as near as ours at its end, or for `factor` times our seconds; once one has
 * arrived, the others need no longer than it.
 */
export const runChase = async (
  size: Size,
  seed: number,
  backend: BackendName,
  ours: { readonly learner: string; readonly end: TimedState },
  pursuers: readonly Learner[],
  options: Options,
  tell: (what: string) => void,
): Promise<Chase> => {
  const { W, ...recording } = recordingFor(size, seed);
  const limit = options.adam * ours.end.seconds;
  const target = ours.end.relativeError;
  let longest = limit;
  const found: { learner: string; states: readonly TimedState[] }[] = [];
  for (const pursuer of pursuers) {
    tell(`N=${size.units}, network ${seed}: ${pursuer.name} on ${backend}, at most ${longest.toFixed(0)} s`);
    const states = await onFresh(backend, options, (on) =>
      timeStates(pursuer, on, recording, W, { target, seconds: longest }),
    );
    found.push({ learner: pursuer.name, states });
    longest = Math.min(longest, reached(states, target)?.seconds ?? Number.POSITIVE_INFINITY);
  }
  return { ...size, seed, backend, learner: ours.learner, ours: ours.end, pursuers: found, limit };
};

/** The smallest relative error that any pursuer had by then, and whose it is. */
export const bestBy = (
  { pursuers }: Pick<Chase, 'pursuers'>,
  seconds: number,
): { readonly learner: string; readonly relativeError: number } | null => {
  let best: { readonly learner: string; readonly relativeError: number } | null = null;
  for (const { learner, states } of pursuers) {
    for (const { seconds: at, relativeError } of states) {
      if (at <= seconds && relativeError < (best?.relativeError ?? Number.POSITIVE_INFINITY))
        best = { learner, relativeError };
    }
  }
  return best;
};

/** Our seconds to those of the first pursuer that came as near; of none, that it is more than the limit. */
export const leadOf = ({ pursuers, ours, limit }: Chase): { readonly factor: number; readonly isBound: boolean } => {
  const arrivals = pursuers.map(
    ({ states }) => reached(states, ours.relativeError)?.seconds ?? Number.POSITIVE_INFINITY,
  );
  const first = Math.min(...arrivals);
  return first === Number.POSITIVE_INFINITY
    ? { factor: limit / ours.seconds, isBound: true }
    : { factor: first / ours.seconds, isBound: false };
};

export const chaseLines = (chases: readonly Chase[]): readonly string[] =>
  chases.flatMap((each) => {
    const { factor, isBound } = leadOf(each);
    const times = [1, 3, 10, 30, 100, 300].filter((multiple) => multiple <= factor * 1.001);
    const rows = [...times, ...(times.includes(factor) ? [] : [factor])].map((multiple) => {
      const best = bestBy(each, multiple * each.ours.seconds);
      return [
        `  ${multiple.toFixed(multiple < 10 ? 1 : 0)}`,
        (multiple * each.ours.seconds).toFixed(2),
        best === null ? '-' : best.relativeError.toFixed(4),
        best?.learner ?? '-',
      ];
    });
    return [
      `N=${each.units} T=${each.transitions}, network ${each.seed}, ${each.backend}: ${each.learner} ends at relative error ${each.ours.relativeError.toFixed(4)} after ${each.ours.seconds.toFixed(2)} s;`,
      `  the best of ${each.pursuers.length} settings of Adam is ${isBound ? 'not as near after' : 'as near after'} ${factor.toFixed(1)} times as long`,
      ...tableLines(['  times as long', 'seconds', 'best rel error', 'whose'], rows),
      '',
    ];
  });
