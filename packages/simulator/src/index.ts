export { cornnRecording, type CornnRecording, type CornnRecordingOptions } from './cornn-recording.js';
export { fillMissing, type FillingNetwork, type Gaps } from './fill-missing.js';
export { randomNetwork, type Network, type RandomNetworkOptions } from './network.js';
export { noiseSampler, type Noise, type NoiseSampler } from './noise.js';
export { fillGaussian, fillLaplace, fillPoisson, randomStream, uniform, type RandomStream } from './random.js';
export { simulate, type Simulation, type SimulationOptions } from './simulate.js';
export { applyTransfer, type TransferName } from './transfer.js';
export type { Observations } from './observations.js';
export { selectTransitions, splitTransitions } from './select-transitions.js';
export { transitions, type Transitions } from './transitions.js';
export {
  sourceOfRecording,
  sourceOfTransitions,
  streamTransitions,
  type StreamedObservations,
  type TransitionSource,
} from './transition-source.js';
export * from './restrict.js';
