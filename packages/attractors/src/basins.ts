import { randomStream, uniform } from '@drnn/simulator';
import { failure, type Matrix } from '@drnn/tensor';
import { type Basin, basinShares } from './basin-shares.js';
import { checkTimeLimit } from './budget.js';
import type { FixedPoint } from './fixed-points.js';
import { type AttractorNetwork, holdInput } from './network.js';
import { destinations } from './trapping.js';

export interface BasinsOptions {
  /** u `[input]`, held. Default 0. */
  readonly input?: ArrayLike<number>;
  /** Starts, uniform in the cube. Default 2000. */
  readonly seeds?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Rates `[start, unit]` in their place. */
  readonly starts?: Matrix;
  /** Most steps of a run. Default 5000. */
  readonly limit?: number;
  /** Seconds of all together; the shares are those of the runs that were done by then. Default none. */
  readonly timeLimit?: number;
}

/**
 * Basins of attraction of the stable points among `points`, by runs of the map from random states, each until it enters a
 * set that is proven to lie in the basin. The fractions sum up to 1, those that ended nowhere included: on a cycle, in
 * chaos, at a point that is not in the list, or on their way. Cost: 2 N^2 a step and start. Errors: those of the network;
 * starts of other units.
 */
export const basins = (
  network: AttractorNetwork,
  points: readonly FixedPoint[],
  options: BasinsOptions = {},
): readonly Basin[] => {
  const held = holdInput(network, options.input);
  const n = held.units;
  const { starts } = options;
  if (starts !== undefined && starts.columns !== n) {
    throw failure({ path: 'starts', seen: `[${starts.rows}, ${starts.columns}]`, expected: `[start, unit=${n}]` });
  }
  checkTimeLimit(options.timeLimit);
  const end = performance.now() + 1000 * (options.timeLimit ?? Infinity);
  const isLate = (): boolean => performance.now() > end;
  const { stable, follow } = destinations(held, points, isLate);
  const total = starts?.rows ?? options.seeds ?? 2000;
  const stream = randomStream(options.seed ?? 1, 'basins');
  const ends = new Int32Array(total);
  const r = new Float64Array(n);
  let done = 0;
  for (let k = 0; k < total && !isLate(); k++) {
    if (starts === undefined) {
      const generator = stream(k);
      for (let i = 0; i < n; i++) r[i] = 2 * uniform(generator) - 1;
    } else r.set(starts.data.subarray(k * n, (k + 1) * n));
    ends[k] = follow(r, options.limit ?? 5000).point;
    // One that the time ended came nowhere for no reason of the network's.
    if (!isLate()) done = k + 1;
  }
  return basinShares(ends.subarray(0, done), stable);
};
