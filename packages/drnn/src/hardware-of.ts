import type { Fit } from './fitted.js';

/** The precision of a fit in words: `mixed, then float64` where it went on. */
export const precisionOf = ({ precision, polished }: Pick<Fit, 'precision' | 'polished'>): string =>
  polished ? `${precision}, then float64` : precision;

/** What a fit ran on, in words: `wasm, 2 threads, mixed, then float64`. */
export const hardwareOf = (fit: Pick<Fit, 'backend' | 'threads' | 'precision' | 'polished'>): string =>
  [fit.backend, ...(fit.threads > 1 ? [`${fit.threads} threads`] : []), precisionOf(fit)].join(', ');
