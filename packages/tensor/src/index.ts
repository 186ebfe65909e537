export * from './error.js';
export * from './matrix.js';
