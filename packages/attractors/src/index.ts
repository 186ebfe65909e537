export {
  fixedPoints,
  type FixedPoint,
  type FixedPointOptions,
  type FixedPointSet,
  type PointClass,
  type StoppedBecause,
} from './fixed-points.js';
export type { AttractorNetwork } from './network.js';
export {
  linearise,
  type Linearisation,
  type LinearisationOptions,
  type Mode,
  type NonNormality,
  type PointKind,
} from './linearisation.js';
export { basins, type Basin, type BasinsOptions } from './basins.js';
export { saddleGraph, type SaddleEdge, type SaddleGraph, type SaddleGraphOptions } from './saddle-graph.js';
export { type Branch, type BranchPoint, type ContinuationOptions, continueFixedPoint } from './continuation.js';
export { persistence, type Persistence } from './persistence.js';
export { runEnds, type RunEndOptions } from './run-ends.js';
