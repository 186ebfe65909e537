export * from './backend.js';
export * from './physical-cores.js';
