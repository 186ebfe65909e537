export * from './penalty-laws.js';
