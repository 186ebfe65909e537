export * from './solver-laws.js';
