export { backend, type CpuOptions } from './backend.js';
export { host } from './host.js';
