export * from './kernel-functions.js';
export * from './machine.js';
export * from './program-tables.js';
export * from './rounds.js';
export * from './rows.js';
export { mirrorLower } from './gram.js';
export { hostOn } from './host.js';
export { physicalCores } from './physical-cores.js';
export { mostThreads } from './threads.js';
