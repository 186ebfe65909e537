export { fit, type Fit, type FitContext, type FitProgress, type FitSource, type RatesSource } from './fit.js';
export { choices, defaults, type FitOptions, losses, type LossName } from './fit-options.js';
export * from './scaling.js';
export * from './scores.js';
export * from './identifiability.js';
