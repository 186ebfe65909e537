export * from './arbitrary.js';
export * from './host-laws.js';
export * from './host-primitives.js';
export * from './backend-laws.js';
export * from './lost-device.js';
