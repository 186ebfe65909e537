/** Numbers of the Hessians that are held at once: 256 MiB. */
const mostNumbers = 2 ** 25;
const fewest = 16;

/**
 * How many units' Hessians to ask a backend for at once: what a sweep makes once for all of them is the cheaper, the more
 * they are (200 units at once with 200 predictors take half as long as 16 at a time on blas, as long on wasm).
 */
export const hessiansAtOnce = (predictors: number): number =>
  Math.max(fewest, Math.floor(mostNumbers / Math.max(1, predictors * predictors)));
