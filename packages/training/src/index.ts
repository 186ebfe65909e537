export * from './force.js';
export * from './recursive-least-squares.js';
