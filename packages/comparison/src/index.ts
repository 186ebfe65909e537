export { type Assignment, assign } from './assignment.js';
export type { Agreement } from './agreement.js';
export { type Portrait, type PortraitPoint } from './portrait.js';
export {
  matchFixedPoints,
  type MatchedPair,
  type MatchOptions,
  type NearestPoint,
  type PersistentPoint,
  type PointMatch,
  type StabilityConfusion,
} from './match-fixed-points.js';
export {
  type Complex,
  type ModePair,
  spectrumDistance,
  type SpectrumDistance,
  type SpectrumOptions,
  spectrumW2,
} from './spectrum-distance.js';
export { graphAgreement, type GraphAgreement } from './graph-agreement.js';
export { basinAgreement, type BasinAgreement, type BasinAgreementOptions } from './basin-agreement.js';
export {
  comparePortraits,
  medianTimeConstantError,
  pairSpectra,
  type PairSpectra,
  type PortraitComparison,
  type PortraitComparisonOptions,
} from './compare-portraits.js';
export { support, type Support, type SupportOptions } from './support.js';
export { linearNetwork, type LinearNetwork } from './linear-network.js';
export { shuffled } from './shuffled.js';
export {
  type FloorName,
  type Floors,
  judge,
  type Measure,
  type Measured,
  type Verdict,
  type VerdictName,
  verdictOf,
} from './verdict.js';
export {
  type CanonicalCorrelation,
  linearCka,
  procrustes,
  type ProcrustesDistance,
  svcca,
} from './similarity-of-shape.js';
export { powerSpectrumError, type PowerSpectrumError, type PowerSpectrumErrorOptions } from './power-spectrum-error.js';
export { predictionHorizon, type PredictionHorizon, type PredictionHorizonOptions } from './prediction-horizon.js';
export {
  type Divergence,
  histogramDivergence,
  type HistogramOptions,
  mixtureDivergence,
  type MixtureOptions,
  stateSpaceDivergence,
  type StateSpaceDivergence,
} from './state-space-divergence.js';
export {
  weightAgreement,
  type WeightAgreement,
  type WeightAgreementOptions,
  type WeightCorrelation,
} from './weight-agreement.js';
export {
  dynamicalSimilarity,
  type DynamicalSimilarity,
  type DynamicalSimilarityOptions,
  linearDynamics,
  type LinearDynamics,
  type LinearDynamicsOptions,
} from './dynamical-similarity.js';
