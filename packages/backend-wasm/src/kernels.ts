export * from './kernel-functions.js';
export * from './machine.js';
