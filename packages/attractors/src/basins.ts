import { randomStream, uniform } from '@drnn/simulator';
import { failure, type Matrix } from '@drnn/tensor';
import type { FixedPoint } from './fixed-points.js';
import { type AttractorNetwork, holdInput } from './network.js';
import { destinations } from './trapping.js';

/** The share of starts that end at a point. */
export interface Basin {
  /** The index of the stable point; null for the starts that ended at none within the steps. */
  readonly point: number | null;
  readonly starts: number;
  readonly fraction: number;
  /** Wilson's 95% interval. */
  readonly interval: readonly [low: number, high: number];
}

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
}

/** Wilson 1927: the p with |p - k / n| <= 1.96 sqrt(p (1 - p) / n). */
const wilson = (hits: number, total: number): readonly [number, number] => {
  const z = 1.959963984540054;
  const p = hits / total;
  const centre = (p + (z * z) / (2 * total)) / (1 + (z * z) / total);
  const half = (z * Math.sqrt((p * (1 - p)) / total + (z * z) / (4 * total * total))) / (1 + (z * z) / total);
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
};

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
  const { stable, follow } = destinations(held, points);
  const total = starts?.rows ?? options.seeds ?? 2000;
  const stream = randomStream(options.seed ?? 1, 'basins');
  const counts = new Map<number, number>(stable.map((point) => [point, 0]));
  const r = new Float64Array(n);
  for (let k = 0; k < total; k++) {
    if (starts === undefined) {
      const generator = stream(k);
      for (let i = 0; i < n; i++) r[i] = 2 * uniform(generator) - 1;
    } else r.set(starts.data.subarray(k * n, (k + 1) * n));
    const { point } = follow(r, options.limit ?? 5000);
    counts.set(point, (counts.get(point) ?? 0) + 1);
  }
  return [...counts].map(([point, hits]) => ({
    point: point < 0 ? null : point,
    starts: hits,
    fraction: hits / total,
    interval: wilson(hits, total),
  }));
};
