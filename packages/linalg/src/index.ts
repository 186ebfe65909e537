export * from './lu.js';
export { hessenberg, type Hessenberg } from './hessenberg.js';
export { schur, type Eigenvalues, type Schur } from './schur.js';
export * from './eigen.js';
export * from './qr.js';
export * from './svd.js';
