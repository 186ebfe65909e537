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
export { shuffled } from './shuffled.js';
export { judge, type Measure, type Measured, type Verdict, type VerdictName, verdictOf } from './verdict.js';
