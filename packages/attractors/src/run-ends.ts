import { failure, firstNonFinite, type Matrix } from '@drnn/tensor';
import type { FixedPoint } from './fixed-points.js';
import { type AttractorNetwork, holdInput } from './network.js';
import { destinations } from './trapping.js';

export interface RunEndOptions {
  /** u `[input]`, held. Default 0. */
  readonly input?: ArrayLike<number>;
  /** Most steps of a run. Default 5000. */
  readonly limit?: number;
}

/**
 * The stable point among `points` that a run of the map from each of `starts` `[start, unit]` (rates) ends at, by its index; -1
 * for one that ends at none of them within the steps. A run has ended when it enters a set that is proven to lie in a
 * basin. Cost: 2 N^2 a step and start. Errors: those of the network; starts of other units or not finite.
 */
export const runEnds = (
  network: AttractorNetwork,
  points: readonly FixedPoint[],
  starts: Matrix,
  options: RunEndOptions = {},
): Int32Array => {
  const held = holdInput(network, options.input);
  const n = held.units;
  if (starts.columns !== n || firstNonFinite(starts.data) >= 0) {
    throw failure({
      path: 'starts',
      seen: `[${starts.rows}, ${starts.columns}]`,
      expected: `[start, unit=${n}], finite numbers`,
    });
  }
  const { follow } = destinations(held, points);
  const r = new Float64Array(n);
  return Int32Array.from({ length: starts.rows }, (_, k) => {
    r.set(starts.data.subarray(k * n, (k + 1) * n));
    return follow(r, options.limit ?? 5000).point;
  });
};
