export { backendOn, optionIssues, type TfjsOptions } from './backend.js';
export type { DeviceArray, Evaluated, TfjsEngine, Wanted } from './engine.js';
export { tfjsEngine, type TfjsEngineOptions, engineFault } from './tfjs-engine.js';
export { loadedLast, registeredInstance } from './registered.js';
export { lowered, type Lowering } from './lower.js';
