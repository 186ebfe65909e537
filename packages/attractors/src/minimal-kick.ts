import { fillGaussian, randomStream } from '@drnn/simulator';
import { type Matrix, matrix, refuse } from '@drnn/tensor';
import { type Intervention, leastSwitch } from './least-switch.js';
import type { AttractorNetwork } from './network.js';
import { endsOf } from './optimal-switch.js';
import { unitIssues } from './stimulation-channels.js';

export interface MinimalKickOptions {
  /** u `[input]`, held. Default 0. */
  readonly input?: ArrayLike<number>;
  /** Units whose state is kicked. Default all. */
  readonly units?: readonly number[];
  /** Random directions, beside those towards the target. Default 32. */
  readonly directions?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Most steps of a run. Default 20 000. */
  readonly limit?: number;
  /** The longest kick that is tried, in the network's own state. Default 4 sqrt N in the rate form, 100 sqrt N in the other. */
  readonly largest?: number;
}

/** A sudden change of state after which a network goes to another attractor. */
export interface MinimalKick {
  /** What is added to the network's own state, rates or currents by its form `[unit]`. */
  readonly kick: Float64Array;
  readonly size: number;
  /** No kick below this leaves the attractor: the radius of its trap; 0 where nothing is proven. */
  readonly lowerBound: number;
  /** Angle between the kick and the normal of the basin's boundary, radians: 0 at a minimum. */
  readonly angle: number;
}

/**
 * The smallest change of state that takes a network from one stable fixed point to another, rates `[unit]` both: the
 * distance of the boundary of its basin, along random directions and those towards the target, each turned towards the
 * boundary's normal until kick and normal are parallel. A local minimum, with a proven lower bound. In the rate form the
 * kicked state may leave the cube; the network takes it back. Null where no direction tried leads to the target. Errors:
 * those of the network; a state that is no stable fixed point.
 */
export const minimalKick = (
  network: AttractorNetwork,
  { from, to }: { readonly from: Float64Array; readonly to: Float64Array },
  options: MinimalKickOptions = {},
): MinimalKick | null => {
  const ends = endsOf(network, from, to, options.input === undefined ? {} : { input: options.input });
  const { network: stimulated, start, target, source } = ends;
  const n = stimulated.units;
  const units = options.units ?? Array.from({ length: n }, (_, i) => i);
  refuse(unitIssues('units', units, n));
  const intervention = kickOf(start, units);
  const isRate = stimulated.held.form === 'rate';
  const stream = randomStream(options.seed ?? 1, 'kicks');
  const way = Float64Array.from(units, (i) => target.state[i]! - start[i]!);
  const random: Matrix = matrix(options.directions ?? 32, units.length);
  for (let k = 0; k < random.rows; k++) {
    fillGaussian(stream(k), 1, random.data.subarray(k * units.length, (k + 1) * units.length));
  }
  const found = leastSwitch(
    {
      network: stimulated,
      intervention,
      target,
      source,
      limit: options.limit ?? 20_000,
      bound: Infinity,
      largest: options.largest ?? (isRate ? 4 : 100) * Math.sqrt(n),
    },
    [
      way,
      way.map(Math.sign),
      ...Array.from({ length: random.rows }, (_, k) => random.data.subarray(k * units.length, (k + 1) * units.length)),
    ],
  );
  if (found === null) return null;
  const kick = new Float64Array(n);
  units.forEach((i, k) => (kick[i] = found.theta[k]!));
  return { kick, size: found.size, lowerBound: source?.radius ?? 0, angle: found.angle };
};

/** The state of some units changed by theta, at once. */
const kickOf = (start: Float64Array, units: readonly number[]): Intervention => ({
  size: units.length,
  apply: (theta, state) => {
    state.set(start);
    units.forEach((i, k) => (state[i]! += theta[k]!));
  },
  pullBack: (p, out) => {
    units.forEach((i, k) => (out[k] = p[i]!));
  },
});
