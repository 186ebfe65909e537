import { persistence } from '@drnn/attractors';
import { failure, matrix, refuse } from '@drnn/tensor';
import { type Agreement, agreementOf } from './agreement.js';
import { assign } from './assignment.js';
import { median } from './median.js';
import {
  expectSameUnits,
  inside,
  isSameScale,
  outside,
  type Portrait,
  type PortraitPoint,
  rootsOf,
} from './portrait.js';

/** A point of the reference and the one of the fit that stands for it. Both by their index among all points. */
export interface MatchedPair {
  readonly reference: number;
  readonly fit: number;
  /** |r - r^|, in the units of comparison. */
  readonly displacement: number;
  /** The same over the distance of the reference's point to its nearest neighbour; null where it has none. */
  readonly relativeDisplacement: number | null;
  /** Both have the same class and the same number of unstable modes. */
  readonly isTyped: boolean;
}

/** What the fit's own equations say at a fixed point of the reference. */
export interface PersistentPoint {
  readonly reference: number;
  /** The fit is proven to have a fixed point within `radius` of the reference's. */
  readonly isProven: boolean;
  /** Kantorovich's h of the fit there; a proof needs 1/2. */
  readonly h: number;
  /** In the units of comparison; Infinity where nothing is proven. */
  readonly radius: number;
  /** The point of the fit that was found and is this one, provably; null where there is none. */
  readonly fit: number | null;
  /** To first order, how far the point moves, in the units of comparison; null where the two have other scales. */
  readonly predictedDisplacement: number | null;
}

/** How many of the pairs are stable in the reference and in the fit. */
export interface StabilityConfusion {
  readonly bothStable: number;
  /** Stable in the reference alone. */
  readonly lost: number;
  /** Stable in the fit alone. */
  readonly gained: number;
  readonly bothUnstable: number;
}

/** The point of the fit that is nearest to a point of the reference, however far. */
export interface NearestPoint {
  readonly reference: number;
  readonly fit: number;
  readonly displacement: number;
  readonly relativeDisplacement: number | null;
}

export interface PointMatch {
  readonly pairs: readonly MatchedPair[];
  /** For every point of the reference, without a gate and not one to one; empty where the fit has no points. */
  readonly nearest: readonly NearestPoint[];
  readonly unmatchedReference: readonly number[];
  readonly unmatchedFit: readonly number[];
  /** Points further apart than gate x sqrt N are no pair. */
  readonly gate: number;
  /** Pairs of any kinds. */
  readonly untyped: Agreement;
  /** Pairs of equal kinds, chosen for themselves. */
  readonly typed: Agreement;
  /** Over points in the support alone; null where no support was given. */
  readonly supported: {
    readonly reference: readonly number[];
    readonly fit: readonly number[];
    readonly untyped: Agreement;
    readonly typed: Agreement;
  } | null;
  readonly medianDisplacement: number | null;
  readonly largestDisplacement: number | null;
  readonly medianRelativeDisplacement: number | null;
  readonly largestRelativeDisplacement: number | null;
  /** The median over all points of the reference, each to the nearest of the fit: also where few are pairs. */
  readonly medianNearestDisplacement: number | null;
  readonly confusion: StabilityConfusion;
  /** One for each fixed point of the reference; null where the fit has only some of its units. */
  readonly persistence: readonly PersistentPoint[] | null;
  readonly indexSums: { readonly reference: number | null; readonly fit: number | null };
}

export interface MatchOptions {
  /**
   * How far apart a pair may be, over sqrt N. Default a tenth of `radius` / sqrt N: of the recording's where one is given
   * to `support`, else of the reference's fixed points.
   */
  readonly gate?: number;
  /** Root mean square distance of the activity from its mean, which the default gate is a tenth of. */
  readonly radius?: number;
  /** Units of the reference that the fit's are, where it has only some. Default all. */
  readonly observed?: ArrayLike<number>;
  /** Whether the activity came near a state, in the units of comparison: `support`. */
  readonly isSupported?: (state: Float64Array) => boolean;
}

export const distanceOf = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
};

const pick = (state: Float64Array, observed: ArrayLike<number> | undefined): Float64Array =>
  observed === undefined ? state : Float64Array.from(observed, (unit) => state[unit] ?? Number.NaN);

/** Root mean square distance from the mean; sqrt N, the size of the cube, for a single state. */
const radiusOf = (states: readonly Float64Array[], units: number): number => {
  const mean = new Float64Array(units);
  for (const state of states) for (let i = 0; i < units; i++) mean[i]! += state[i]! / states.length;
  const square = states.reduce((sum, state) => sum + distanceOf(state, mean) ** 2, 0) / Math.max(1, states.length);
  return square > 1e-12 * units ? Math.sqrt(square) : Math.sqrt(units);
};

const isSameType = (a: PortraitPoint, b: PortraitPoint): boolean =>
  a.class === b.class && a.linearisation.mapIndex === b.linearisation.mapIndex;

/**
 * Which fixed point of a fit stands for which of the reference: the assignment with the smallest sum of distances among
 * those with the most pairs within the gate (the Hungarian method). With it, for every fixed point of the reference, what
 * the fit's equations prove at that very state: Kantorovich's theorem gives a fixed point of the fit within `radius`,
 * whether a search found it or not. Slow points take no part.
 *
 * Cost: n^3 for n points, 4 N^3 a point for the proofs. Errors: other units without `observed`; a unit that the reference
 * has not; a gate that is not above 0.
 */
export const matchFixedPoints = (reference: Portrait, fit: Portrait, options: MatchOptions = {}): PointMatch => {
  const { observed } = options;
  const units = fit.network.W.rows;
  if (observed === undefined) expectSameUnits(reference, fit);
  else {
    const all = reference.network.W.rows;
    const wrong = Array.from(observed).find((unit) => !(Number.isInteger(unit) && unit >= 0 && unit < all));
    refuse([
      ...(observed.length === units
        ? []
        : [{ path: 'observed', seen: `${observed.length} units`, expected: `${units}, those of the fit` }]),
      ...(wrong === undefined ? [] : [{ path: 'observed', seen: `unit ${wrong}`, expected: `0 to ${all - 1}` }]),
    ]);
  }
  if (options.gate !== undefined && !(options.gate > 0)) {
    throw failure({ path: 'gate', seen: `${options.gate}`, expected: 'above 0' });
  }
  const [from, to] = [rootsOf(reference), rootsOf(fit)];
  const fromStates = from.map(({ point }) => pick(outside(reference, point.state), observed));
  const toStates = to.map(({ point }) => outside(fit, point.state));
  const gate = options.gate ?? (0.1 * (options.radius ?? radiusOf(fromStates, units))) / Math.sqrt(units);
  const reach = gate * Math.sqrt(units);

  /** The columns of `to` for `from` with the most, then the nearest pairs. */
  const match = (isPossible: (a: PortraitPoint, b: PortraitPoint) => boolean): Int32Array => {
    const costs = matrix(from.length, to.length);
    // More than any sum of distances within reach: one more pair is worth all of them.
    const never = reach * (Math.min(from.length, to.length) + 1);
    from.forEach((a, i) => {
      to.forEach((b, j) => {
        const distance = distanceOf(fromStates[i]!, toStates[j]!);
        costs.data[i * to.length + j] = distance <= reach && isPossible(a.point, b.point) ? distance : never;
      });
    });
    const { columnOf } = assign(costs);
    return columnOf.map((j, i) => (j >= 0 && costs.data[i * to.length + j]! < never ? j : -1));
  };
  const any = match(() => true);
  const typed = match(isSameType);

  /** From a point of the reference to its next. */
  const neighbourOf = fromStates.map((own, i): number | null => {
    let distance = Infinity;
    fromStates.forEach((state, k) => {
      if (k !== i) distance = Math.min(distance, distanceOf(state, own));
    });
    return Number.isFinite(distance) && distance > 0 ? distance : null;
  });
  const relativeTo = (i: number, displacement: number): number | null => {
    const neighbour = neighbourOf[i] ?? null;
    return neighbour === null ? null : displacement / neighbour;
  };
  const nearest = from.flatMap((a, i): readonly NearestPoint[] => {
    const distances = toStates.map((state) => distanceOf(state, fromStates[i]!));
    const displacement = Math.min(...distances);
    const b = to[distances.indexOf(displacement)];
    return b === undefined
      ? []
      : [{ reference: a.index, fit: b.index, displacement, relativeDisplacement: relativeTo(i, displacement) }];
  });
  const pairs = from.flatMap((a, i): readonly MatchedPair[] => {
    const b = to[any[i]!];
    if (b === undefined) return [];
    const displacement = distanceOf(fromStates[i]!, toStates[any[i]!]!);
    return [
      {
        reference: a.index,
        fit: b.index,
        displacement,
        relativeDisplacement: relativeTo(i, displacement),
        isTyped: isSameType(a.point, b.point),
      },
    ];
  });

  const agreement = (chosen: Int32Array, isCounted: (state: Float64Array) => boolean): Agreement => {
    const partnerOf = new Set(chosen);
    const counted = fromStates.map(isCounted);
    const countedFit = toStates.map(isCounted);
    return agreementOf(
      {
        matched: counted.filter((isIn, i) => isIn && chosen[i]! >= 0).length,
        all: counted.filter(Boolean).length,
      },
      {
        matched: countedFit.filter((isIn, j) => isIn && partnerOf.has(j)).length,
        all: countedFit.filter(Boolean).length,
      },
    );
  };
  const everywhere = (): boolean => true;
  const { isSupported } = options;
  const relativeOf = (of: readonly { readonly relativeDisplacement: number | null }[]): readonly number[] =>
    of.flatMap(({ relativeDisplacement }) => (relativeDisplacement === null ? [] : [relativeDisplacement]));
  const relative = relativeOf(pairs);
  const displacements = pairs.map(({ displacement }) => displacement);
  const largest = (values: readonly number[]): number | null => (values.length === 0 ? null : Math.max(...values));
  const taken = new Set(pairs.map((pair) => pair.fit));
  return {
    pairs,
    nearest,
    unmatchedReference: from.filter((_, i) => any[i]! < 0).map(({ index }) => index),
    unmatchedFit: to.filter(({ index }) => !taken.has(index)).map(({ index }) => index),
    gate,
    untyped: agreement(any, everywhere),
    typed: agreement(typed, everywhere),
    supported:
      isSupported === undefined
        ? null
        : {
            reference: from.filter((_, i) => isSupported(fromStates[i]!)).map(({ index }) => index),
            fit: to.filter((_, j) => isSupported(toStates[j]!)).map(({ index }) => index),
            untyped: agreement(any, isSupported),
            typed: agreement(typed, isSupported),
          },
    medianDisplacement: median(displacements),
    largestDisplacement: largest(displacements),
    medianRelativeDisplacement: median(relative),
    largestRelativeDisplacement: largest(relative),
    medianNearestDisplacement: median(relativeOf(nearest)),
    confusion: confusionOf(reference, fit, pairs),
    persistence: observed === undefined ? persistentPoints(reference, fit) : null,
    indexSums: { reference: reference.indexSum, fit: fit.indexSum },
  };
};

const confusionOf = (reference: Portrait, fit: Portrait, pairs: readonly MatchedPair[]): StabilityConfusion => {
  const counts = { bothStable: 0, lost: 0, gained: 0, bothUnstable: 0 };
  for (const pair of pairs) {
    const before = reference.points[pair.reference]?.linearisation.isMapStable === true;
    const after = fit.points[pair.fit]?.linearisation.isMapStable === true;
    counts[before ? (after ? 'bothStable' : 'lost') : after ? 'gained' : 'bothUnstable'] += 1;
  }
  return counts;
};

const persistentPoints = (reference: Portrait, fit: Portrait): readonly PersistentPoint[] => {
  const isSame = isSameScale(reference, fit);
  const own = isSame ? reference : fit;
  // A ball of the fit's lies within one so much larger.
  const widest = fit.scale === undefined ? 1 : fit.scale.reduce((most, scale) => Math.max(most, Math.abs(scale)), 0);
  return rootsOf(reference).map(({ index, point }): PersistentPoint => {
    const state = isSame ? point.state : inside(fit, outside(reference, point.state));
    const { isProven, h, radius, uniqueRadius, displacement } = persistence(own.network, fit.network, state, {
      ...(own.input === undefined ? {} : { input: own.input }),
      ...(fit.input === undefined ? {} : { otherInput: fit.input }),
    });
    // A ball with one root alone that holds all of another ball with a root: they are the same.
    const found = fit.points.findIndex((other) => {
      const distance = distanceOf(other.state, state);
      return isProven && (distance + radius < other.uniqueRadius || distance + other.certificateRadius < uniqueRadius);
    });
    return {
      reference: index,
      isProven,
      h,
      radius: radius * widest,
      fit: found < 0 ? null : found,
      predictedDisplacement: isSame
        ? Math.hypot(...displacement.map((value, i) => value * (fit.scale?.[i] ?? 1)))
        : null,
    };
  });
};
