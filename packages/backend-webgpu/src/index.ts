export { backend, type WebgpuBackend, type WebgpuOptions } from './backend.js';
