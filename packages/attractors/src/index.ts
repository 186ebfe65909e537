export {
  fixedPoints,
  type FixedPoint,
  type FixedPointOptions,
  type FixedPointSet,
  type PointClass,
  type SearchStage,
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
export { basins, type BasinsOptions } from './basins.js';
export { type Basin, basinShares } from './basin-shares.js';
export { saddleGraph, type SaddleEdge, type SaddleGraph, type SaddleGraphOptions } from './saddle-graph.js';
export {
  type Bifurcation,
  type Branch,
  type BranchOptions,
  type BranchPoint,
  type ContinuationOptions,
  continueFixedPoint,
  continueToNetwork,
  type NetworkContinuationOptions,
} from './continuation.js';
export { persistence, type Persistence } from './persistence.js';
export type { Channels } from './stimulation-channels.js';
export { gramian, observabilityGramian } from './gramian.js';
export {
  controllability,
  type Controllability,
  type ControllabilityOptions,
  type ModeControl,
} from './controllability.js';
export { linearMinimalEnergy, minimalEnergy, type MinimalEnergy, type MinimalEnergyOptions } from './minimal-energy.js';
export {
  optimalSwitch,
  type OptimalSwitch,
  type OptimalSwitchOptions,
  pulseThreshold,
  type SwitchOptions,
} from './optimal-switch.js';
export { minimalKick, type MinimalKick, type MinimalKickOptions } from './minimal-kick.js';
export { optimalStimulus, type OptimalStimulus, type OptimalStimulusOptions } from './optimal-stimulus.js';
export {
  type PerturbationKind,
  responseCorrelation,
  type ResponseCorrelation,
  type ResponseOptions,
  responses,
  type Responses,
  silence,
  type Silenced,
  switchProbability,
  type SwitchProbabilityOptions,
} from './perturbation.js';
export {
  type PopulationCurrent,
  populationCurrents,
  type PopulationCurrents,
  type PopulationCurrentsOptions,
} from './population-currents.js';
export { type Band, type CurrentBand, currentBands, type CurrentBandsOptions } from './current-bands.js';
export {
  classifyMemory,
  type MemoryClass,
  type MemoryKind,
  type MemoryOptions,
  type MemoryReadout,
  type MemoryTrial,
} from './memory-class.js';
export {
  mechanismRule,
  type MemoryRule,
  type MemoryRuleClass,
  outputRule,
  rangeRule,
} from './published-memory-rules.js';
export {
  type PointOnManifold,
  slowManifold,
  type SlowManifold,
  type SlowManifoldKind,
  type SlowManifoldMemory,
  type SlowManifoldOptions,
} from './slow-manifold.js';
export { leadingModes, type LeadingModes, type LeadingModesOptions } from './leading-modes.js';
export { type Flow, flowOf, type DenseFlow } from './flow.js';
export { type DenseMap, type IteratedMap, mapOf } from './iterated-map.js';
export type { Derivative } from './derivative.js';
export { flowCycle, type FlowCycle, type FlowCycleOptions } from './flow-cycle.js';
export type { Multiplier } from './floquet.js';
export { periodicOrbit, type PeriodicOrbit } from './periodic-orbit.js';
export { invariantCircle, type InvariantCircle, type InvariantCircleOptions } from './invariant-circle.js';
export type { Cycle } from './cycle.js';
export {
  areNear,
  cycles,
  type CyclesOptions,
  type CycleSet,
  type CyclesStoppedBecause,
  type FoundCycle,
} from './cycles.js';
export {
  kaplanYorkeDimension,
  lyapunovSpectrum,
  type LyapunovSpectrum,
  type LyapunovSpectrumOptions,
} from './lyapunov-spectrum.js';
export { lyapunov, type Lyapunov, type LyapunovOptions } from './lyapunov.js';
export { asymptotics, type Asymptotics, type AsymptoticsOptions } from './asymptotics.js';
export { zeroOneTest, type ZeroOneOptions } from './zero-one-test.js';
export { runEnds, type RunEndOptions } from './run-ends.js';
