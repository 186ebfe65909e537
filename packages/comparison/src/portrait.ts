import type { AttractorNetwork, FixedPoint, FixedPointSet, Linearisation } from '@drnn/attractors';
import { failure } from '@drnn/tensor';

/** A point with the network near it. */
export interface PortraitPoint extends FixedPoint {
  readonly linearisation: Linearisation;
}

/** What is compared: a network with its input held and the points that were found in it. */
export interface Portrait {
  readonly network: AttractorNetwork;
  /** u `[input]`, held. Default 0. */
  readonly input?: ArrayLike<number>;
  readonly points: readonly PortraitPoint[];
  readonly indexSum: FixedPointSet['indexSum'];
  /** `[unit]`: states are compared as state x scale + offset, so that both networks speak of the same units. Default 1, 0. */
  readonly scale?: Float64Array;
  readonly offset?: Float64Array;
}

/** A state of the network in the units in which networks are compared. */
export const outside = ({ scale, offset }: Portrait, state: Float64Array): Float64Array =>
  state.map((value, i) => value * (scale?.[i] ?? 1) + (offset?.[i] ?? 0));

/** A state in the units of comparison as one of the network. */
export const inside = ({ scale, offset }: Portrait, state: Float64Array): Float64Array =>
  state.map((value, i) => (value - (offset?.[i] ?? 0)) / (scale?.[i] ?? 1));

/** Whether a state is the same number in both, so that their equations are in the same unknowns. */
export const isSameScale = (a: Portrait, b: Portrait): boolean =>
  Array.from({ length: a.network.W.rows }).every(
    (_, i) => (a.scale?.[i] ?? 1) === (b.scale?.[i] ?? 1) && (a.offset?.[i] ?? 0) === (b.offset?.[i] ?? 0),
  );

/** Throws unless both have the same units. */
export const expectSameUnits = (reference: Portrait, fit: Portrait): void => {
  const [n, m] = [reference.network.W.rows, fit.network.W.rows];
  if (n !== m) {
    throw failure({
      path: 'fit',
      seen: `${m} units`,
      expected: `${n}, as the reference`,
      hint: 'a fit of some units of the reference is compared with observed, the units that it saw',
    });
  }
};

/** Fixed points, the roots that a comparison is about, by their index among all points. */
export const rootsOf = ({ points }: Portrait): readonly { readonly index: number; readonly point: PortraitPoint }[] =>
  points.flatMap((point, index) => (point.class === 'slow' ? [] : [{ index, point }]));
