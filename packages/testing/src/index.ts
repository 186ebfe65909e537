export * from './capability.js';
export * from './requires.js';
export * from './shared.js';
