import { failure, firstNonFinite, type Matrix, matrix } from '@drnn/tensor';
import { type Attractor, attractorAt } from './attraction.js';
import { expectState, stimulationAt } from './controllability.js';
import { leastSwitch, type SwitchSearch, switchingSize } from './least-switch.js';
import { linearMinimalEnergy } from './minimal-energy.js';
import { jacobianAt } from './linearisation.js';
import { type AttractorNetwork, holdInput } from './network.js';
import { pulseFrom } from './pulse.js';
import { channelMatrix, type Channels } from './stimulation-channels.js';
import { type StimulatedNetwork, stimulatedNetwork } from './stimulated-network.js';

export interface SwitchOptions {
  /** u `[input]`, held beside the stimulus. Default 0. */
  readonly input?: ArrayLike<number>;
  /** Where stimuli enter. Default a current into every unit. */
  readonly channels?: Channels;
  /** Steps of the stimulus. */
  readonly steps: number;
  /** Most free steps after it until the network must have arrived. Default 20 000. */
  readonly limit?: number;
  /** The largest amplitude that is tried. Default 1e4. */
  readonly largest?: number;
}

export interface OptimalSwitchOptions extends SwitchOptions {
  /** |u| of every channel and step at most. Default none. */
  readonly bound?: number;
  /** Stimuli of your own `[step, channel]` to begin from. */
  readonly starts?: readonly Matrix[];
}

/** A stimulus that takes a network from one attractor to another. */
export interface OptimalSwitch {
  /** u `[step, channel]`: the network is run with it, and does end at the other attractor. */
  readonly stimulus: Matrix;
  /** sum |u|^2, and the largest |u| of a channel. */
  readonly energy: number;
  readonly peak: number;
  /** sum |u|^2 of the best constant pulse among those that were tried; null where none switches. */
  readonly constantEnergy: number | null;
  /** Free steps until the network is where it can no longer turn back. */
  readonly steps: number;
  /**
   * Angle, in radians, between the stimulus and the normal of the boundary in the space of stimuli: at a minimum of the
   * energy they are parallel. NaN where the boundary has no normal that was found.
   */
  readonly angle: number;
  readonly rounds: number;
}

interface Ends {
  readonly network: StimulatedNetwork;
  readonly start: Float64Array;
  readonly source: Attractor | null;
  readonly target: Attractor;
}

/** The network, its start in its own state, and the two attractors. The start need not be one. */
export const endsOf = (
  network: AttractorNetwork,
  from: Float64Array,
  to: Float64Array,
  { input, channels }: { readonly input?: ArrayLike<number>; readonly channels?: Channels },
): Ends => {
  const held = holdInput(network, input);
  const n = held.units;
  expectState('from', from, n);
  expectState('to', to, n);
  const stimulated = stimulatedNetwork(held, channelMatrix(held, channels));
  const target = attractorAt(stimulated, 'to', to);
  const source = sourceAt(stimulated, from);
  const start = source?.state ?? stimulated.toState('from', from);
  if (target.holds(start)) {
    throw failure({
      path: 'from',
      seen: 'a state from which the network goes to the target by itself',
      expected: 'one in another basin',
    });
  }
  return { network: stimulated, start, source, target };
};

const sourceAt = (network: StimulatedNetwork, from: Float64Array): Attractor | null => {
  try {
    return attractorAt(network, 'from', from);
  } catch {
    return null;
  }
};

const searchOf = (
  { network, source, target, start }: Ends,
  { steps, limit = 20_000, largest = 1e4, bound = Infinity }: SwitchOptions & { readonly bound?: number },
): SwitchSearch => {
  if (!(bound > 0)) throw failure({ path: 'bound', seen: `${bound}`, expected: 'above 0' });
  const intervention = pulseFrom(network, start, steps);
  return {
    network,
    intervention,
    source,
    target,
    limit,
    bound,
    largest: largest * Math.sqrt(intervention.size) * (Number.isFinite(bound) ? 1e3 : 1),
  };
};

const repeated = (direction: Float64Array, steps: number): Float64Array => {
  const shape = new Float64Array(steps * direction.length);
  for (let k = 0; k < steps; k++) shape.set(direction, k * direction.length);
  return shape;
};

/**
 * The amplitude A above which a pulse A e, constant for `steps` steps, takes the network from one attractor to another, e
 * `[channel]` as given; to rounding, by bisection of runs. Null where no amplitude up to `largest` does: a unit that
 * saturates moves no faster, however strong the pulse. Cost some 100 runs, 2 N^2 a step. Errors: those of the network; a
 * target that is no stable fixed point.
 */
export const pulseThreshold = (
  network: AttractorNetwork,
  { from, to, direction }: { readonly from: Float64Array; readonly to: Float64Array; readonly direction: Float64Array },
  options: SwitchOptions,
): number | null => {
  const ends = endsOf(network, from, to, options);
  const m = ends.network.channels;
  if (direction.length !== m || firstNonFinite(direction) >= 0 || !direction.some((value) => value !== 0)) {
    throw failure({ path: 'direction', seen: `[${direction.length}]`, expected: `[channel=${m}], finite, not all 0` });
  }
  return switchingSize(
    searchOf({ ...ends }, { ...options, largest: (options.largest ?? 1e4) / Math.sqrt(options.steps * m) }),
    repeated(direction, options.steps),
  );
};

/** E' of some directions between the states: constant pulses that push that way. */
const constantShapes = ({ network, start, target }: Ends, steps: number): readonly Float64Array[] => {
  const m = network.channels;
  const way = target.state.map((value, i) => value - start[i]!);
  const seen = (of: Float64Array): Float64Array => {
    const out = new Float64Array(m);
    for (let i = 0; i < of.length; i++) for (let k = 0; k < m; k++) out[k]! += network.mixing.data[i * m + k]! * of[i]!;
    return out;
  };
  const { W, units: n } = network.held;
  const backward = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) backward[j]! += W.data[i * n + j]! * way[i]!;
  return [seen(way), seen(way.map(Math.sign)), seen(backward)]
    .filter((direction) => direction.some((value) => value !== 0))
    .map((direction) => repeated(direction, steps));
};

/** A constant pulse that begins later, at the last half, quarter and so on: of a long stimulus most is best left out. */
const lastParts = (shape: Float64Array, steps: number): readonly Float64Array[] => {
  const m = shape.length / steps;
  const parts: Float64Array[] = [];
  for (let length = Math.floor(steps / 2); length >= 2; length = Math.floor(length / 2)) {
    parts.push(shape.map((value, i) => (i >= (steps - length) * m ? value : 0)));
  }
  return parts;
};

/**
 * The stimulus of least energy sum |u|^2, `steps` long, after which the network goes from the attractor (or any state)
 * `from` to the stable fixed point `to` by itself, rates `[unit]` both. On the boundary between the two ways, where the
 * optimum lies, the stimulus must be parallel to the boundary's normal, which the adjoint of the run along it gives
 * exactly; the search begins from constant pulses and from the stimulus of least energy of the linearised network, and goes
 * down (Pontryagin et al. 1962 for the condition). It is a local minimum, and never above the constant pulses tried. Null
 * where nothing that was tried switches. Cost: some hundred runs a round, 2 N^2 a step. Errors: those of the network; a
 * target that is no stable fixed point; a start in its trap.
 */
export const optimalSwitch = (
  network: AttractorNetwork,
  { from, to }: { readonly from: Float64Array; readonly to: Float64Array },
  options: OptimalSwitchOptions,
): OptimalSwitch | null => {
  const ends = endsOf(network, from, to, options);
  const { steps, starts = [] } = options;
  const { channels: m, held } = ends.network;
  const wrong = starts.find(({ rows, columns, data }) => rows !== steps || columns !== m || firstNonFinite(data) >= 0);
  if (wrong !== undefined) {
    throw failure({
      path: 'starts',
      seen: `[${wrong.rows}, ${wrong.columns}]`,
      expected: `[step=${steps}, channel=${m}], finite`,
    });
  }
  const search = searchOf(ends, options);
  const constants = constantShapes(ends, steps);
  const rates = ends.network.toRates(ends.start);
  const linear = linearMinimalEnergy(jacobianAt(held, rates), stimulationAt(held, rates, ends.network.mixing), {
    from: new Float64Array(held.units),
    to: ends.target.state.map((value, i) => value - ends.start[i]!),
    horizon: steps,
  });
  const found = leastSwitch(search, [
    ...constants,
    ...constants.slice(0, 1).flatMap((shape) => lastParts(shape, steps)),
    linear.stimulus.data,
    ...starts.map(({ data }) => data),
  ]);
  if (found === null) return null;
  const constantSizes = found.given.slice(0, constants.length).filter((size) => size !== null);
  let x = new Float64Array(held.units);
  let next = new Float64Array(held.units);
  search.intervention.apply(found.theta, x);
  let after = 0;
  for (; after < search.limit && !ends.target.holds(x); after++) {
    ends.network.step(x, null, next, null);
    [x, next] = [next, x];
  }
  return {
    stimulus: matrix(steps, m, found.theta),
    energy: found.theta.reduce((sum, value) => sum + value * value, 0),
    peak: found.theta.reduce((top, value) => Math.max(top, Math.abs(value)), 0),
    constantEnergy: constantSizes.length === 0 ? null : Math.min(...constantSizes) ** 2,
    steps: after,
    angle: found.angle,
    rounds: found.rounds,
  };
};
