export * from './transfer.js';
export * from './weights.js';
export * from './clip.js';
export * from './penalty.js';
export * from './constraints.js';
export * from './objective.js';
export * from './certify.js';
