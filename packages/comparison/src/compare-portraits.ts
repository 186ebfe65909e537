import { type AttractorNetwork, linearise, type Linearisation, type SaddleGraph, saddleGraph } from '@drnn/attractors';
import { type BasinAgreement, basinAgreement, type BasinAgreementOptions } from './basin-agreement.js';
import { type GraphAgreement, graphAgreement } from './graph-agreement.js';
import { type MatchedPair, matchFixedPoints, type MatchOptions, type PointMatch } from './match-fixed-points.js';
import { median } from './median.js';
import type { Portrait } from './portrait.js';
import { type SpectrumDistance, spectrumDistance } from './spectrum-distance.js';

/** The spectra of a matched pair of points. */
export interface PairSpectra extends SpectrumDistance {
  readonly reference: number;
  readonly fit: number;
}

/** Everything that two sets of points say about two networks. */
export interface PortraitComparison {
  readonly match: PointMatch;
  /** One for each pair. */
  readonly spectra: readonly PairSpectra[];
  /** The median over pairs of W2; null without pairs. */
  readonly medianSpectrumDistance: number | null;
  /** The median over pairs of the largest time constant error of their slow modes. */
  readonly medianTimeConstantError: number | null;
  /** The largest of them all. */
  readonly largestTimeConstantError: number | null;
  readonly graph: GraphAgreement;
  readonly graphs: { readonly reference: SaddleGraph; readonly fit: SaddleGraph };
  /** Null where the fit has only some units of the reference. */
  readonly basins: BasinAgreement | null;
}

export interface PortraitComparisonOptions extends MatchOptions {
  /** How many slow modes of each pair are compared one by one, at most. Default 5. */
  readonly slow?: number;
  /** Of the runs for the basins. */
  readonly basins?: BasinAgreementOptions;
  /** Of the directions and the runs of the saddle graphs. Default 1. */
  readonly seed?: number;
}

/** 1 - a of the slowest unit on its own. */
const slowestUnit = ({ alpha }: AttractorNetwork): number =>
  1 - (typeof alpha === 'number' ? alpha : alpha.reduce((least, a) => Math.min(least, a), 1));

/** A mode with a smaller overlap is sought among all modes of the fit, up to so many units. */
const FOUND = 0.9;
const MOST_UNITS = 400;

/** The spectra of pairs of points. Cost n^3 a pair, and an eigenproblem where a mode is not among those with vectors. */
export const pairSpectra = (
  reference: Portrait,
  fit: Portrait,
  pairs: readonly Pick<MatchedPair, 'reference' | 'fit'>[],
  options: Pick<PortraitComparisonOptions, 'slow' | 'observed'> = {},
): readonly PairSpectra[] =>
  pairs.flatMap((pair): readonly PairSpectra[] => {
    const before = reference.points[pair.reference];
    const after = fit.points[pair.fit];
    if (before === undefined || after === undefined) return [];
    const isWhole = options.observed === undefined;
    const distanceTo = (linearisation: Linearisation): SpectrumDistance =>
      spectrumDistance(before.linearisation, linearisation, {
        slowerThan: slowestUnit(reference.network),
        ...(options.slow === undefined ? {} : { slow: options.slow }),
        ...(reference.scale === undefined || !isWhole ? {} : { scale: reference.scale }),
        ...(fit.scale === undefined || !isWhole ? {} : { fitScale: fit.scale }),
      });
    let distance = distanceTo(after.linearisation);
    const units = fit.network.W.rows;
    const isHidden = distance.slow.some(({ overlap }) => overlap !== null && overlap < FOUND);
    // The bulk of a noisy fit may be slower than the mode, which then is not among those that have vectors.
    if (isHidden && after.linearisation.modes.length < units && units <= MOST_UNITS) {
      const { input } = fit;
      distance = distanceTo(
        linearise(fit.network, after.state, { modes: units, ...(input === undefined ? {} : { input }) }),
      );
    }
    return [{ reference: pair.reference, fit: pair.fit, ...distance }];
  });

/** The median over pairs of the largest time constant error of their slow modes; null without pairs. */
export const medianTimeConstantError = (spectra: readonly PairSpectra[]): number | null =>
  median(spectra.map(({ largestTimeConstantError }) => largestTimeConstantError));

/**
 * Matched points, their spectra, saddle graphs and basins of a fit beside those of its reference. Cost: that of
 * `matchFixedPoints`, n^3 a pair for spectra, and the runs of two saddle graphs and of 1000 starts. Errors: those of
 * `matchFixedPoints`.
 */
export const comparePortraits = (
  reference: Portrait,
  fit: Portrait,
  options: PortraitComparisonOptions = {},
): PortraitComparison => {
  const match = matchFixedPoints(reference, fit, options);
  const { observed } = options;
  const spectra = pairSpectra(reference, fit, match.pairs, options);
  const graphOf = ({ network, points, input }: Portrait): SaddleGraph =>
    saddleGraph(network, points, {
      ...(input === undefined ? {} : { input }),
      ...(options.seed === undefined ? {} : { seed: options.seed }),
    });
  const graphs = { reference: graphOf(reference), fit: graphOf(fit) };
  const errors = spectra.map(({ largestTimeConstantError }) => largestTimeConstantError);
  return {
    match,
    spectra,
    medianSpectrumDistance: median(spectra.map(({ distance }) => distance)),
    medianTimeConstantError: medianTimeConstantError(spectra),
    largestTimeConstantError: errors.length === 0 ? null : Math.max(...errors),
    graph: graphAgreement(graphs.reference, graphs.fit, match),
    graphs,
    basins: observed === undefined ? basinAgreement(reference, fit, match, options.basins) : null,
  };
};
