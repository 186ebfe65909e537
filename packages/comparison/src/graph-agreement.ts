import type { SaddleGraph } from '@drnn/attractors';
import { type Agreement, agreementOf } from './agreement.js';
import type { PointMatch } from './match-fixed-points.js';

export interface GraphAgreement extends Agreement {
  /** Edges of the reference that the fit has not, by indices of the reference's points. */
  readonly missing: readonly (readonly [from: number, to: number])[];
  /** Edges of the fit that the reference has not, by indices of the fit's points. */
  readonly extra: readonly (readonly [from: number, to: number])[];
  /** Points and edges that must be added, removed or change their kind to make one graph of the other. */
  readonly editDistance: number;
}

/**
 * Whether saddles of the fit lead where those of the reference do: edges agree when both their ends are pairs. The edit
 * distance is that under the given match of points, an upper bound of the graph edit distance. Cost: as many look-ups as
 * edges.
 */
export const graphAgreement = (reference: SaddleGraph, fit: SaddleGraph, match: PointMatch): GraphAgreement => {
  const fitOf = new Map(match.pairs.map((pair) => [pair.reference, pair.fit]));
  const name = (from: number | undefined, to: number | undefined): string => `${from} ${to}`;
  const wanted = new Set(reference.edges.map(({ from, to }) => name(fitOf.get(from), fitOf.get(to))));
  const present = new Set(fit.edges.map(({ from, to }) => name(from, to)));
  const missing = reference.edges.filter(({ from, to }) => !present.has(name(fitOf.get(from), fitOf.get(to))));
  const extra = fit.edges.filter(({ from, to }) => !wanted.has(name(from, to)));
  return {
    ...agreementOf(
      { matched: reference.edges.length - missing.length, all: reference.edges.length },
      { matched: fit.edges.length - extra.length, all: fit.edges.length },
    ),
    missing: missing.map(({ from, to }) => [from, to]),
    extra: extra.map(({ from, to }) => [from, to]),
    editDistance:
      match.unmatchedReference.length +
      match.unmatchedFit.length +
      match.pairs.filter(({ isTyped }) => !isTyped).length +
      missing.length +
      extra.length,
  };
};
