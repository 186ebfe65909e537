export { backend, type CpuOptions } from './backend.js';
export { host } from './host.js';
export { type Diagonaliser, eighWith } from './eigh.js';
