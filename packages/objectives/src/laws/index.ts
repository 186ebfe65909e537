export * from './penalty-laws.js';
export * from './objective-laws.js';
