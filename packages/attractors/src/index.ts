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
export { type Flow, flowOf, type DenseFlow } from './flow.js';
export { type DenseMap, type IteratedMap, mapOf } from './iterated-map.js';
export type { Derivative } from './derivative.js';
export { flowCycle, type FlowCycle, type FlowCycleOptions } from './flow-cycle.js';
export type { Multiplier } from './floquet.js';
export { periodicOrbit, type PeriodicOrbit } from './periodic-orbit.js';
export { invariantCircle, type InvariantCircle, type InvariantCircleOptions } from './invariant-circle.js';
export type { Cycle } from './cycle.js';
export { cycles, type CyclesOptions, type CycleSet, type FoundCycle } from './cycles.js';
export {
  kaplanYorkeDimension,
  lyapunovSpectrum,
  type LyapunovSpectrum,
  type LyapunovSpectrumOptions,
} from './lyapunov-spectrum.js';
export { lyapunov, type Lyapunov, type LyapunovOptions } from './lyapunov.js';
export { asymptotics, type Asymptotics, type AsymptoticsOptions } from './asymptotics.js';
export { zeroOneTest, type ZeroOneOptions } from './zero-one-test.js';
