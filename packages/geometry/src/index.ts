export { columnMeans, covarianceOf, principalComponents, type PrincipalComponents } from './principal-components.js';
export { parallelAnalysis, type ParallelAnalysis, type ParallelAnalysisOptions } from './parallel-analysis.js';
export { alignmentIndex, subspaceAngles } from './subspace-angles.js';
export { distancesOf } from './distances.js';
export { landmarks } from './landmarks.js';
export {
  type Bar,
  persistentHomology,
  type PersistentHomology,
  type PersistentHomologyOptions,
} from './persistent-homology.js';
export { bettiNumbers, type BettiNumbers, type BettiNumbersOptions } from './betti-numbers.js';
export {
  type RotationalComponents,
  rotationalComponents,
  type RotationalComponentsOptions,
  type RotationPlane,
} from './rotational-components.js';
export {
  type DemixedComponent,
  type DemixedComponents,
  demixedComponents,
  type DemixedComponentsOptions,
  type Marginalisation,
} from './demixed-components.js';
export { demixedDecoding, type DemixedDecoding, type DemixedDecodingOptions } from './demixed-decoding.js';
export type { DemixedTrial } from './demixed-design.js';
export {
  circularAgreement,
  type CircularAgreement,
  circularCoordinates,
  type CircularCoordinates,
  type CircularCoordinatesOptions,
} from './circular-coordinates.js';
export { correlationDimension, type CorrelationDimensionOptions } from './correlation-dimension.js';
export { type Decoded, splineManifold, type SplineManifold, type SplineManifoldOptions } from './spline-manifold.js';
