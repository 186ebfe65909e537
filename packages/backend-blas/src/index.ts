export { backend, type BlasBackend, type BlasOptions } from './backend.js';
export { type BlasLibrary, findLibrary } from './library.js';
