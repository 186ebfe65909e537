import type { Issue } from '@drnn/tensor';

/** Numbers of the Hessians that are held at once: 256 MiB. */
const mostNumbers = 2 ** 25;
const fewest = 16;

/**
 * How many units' Hessians to ask a backend for at once: what a sweep makes once for all of them is the cheaper, the more
 * they are (200 units at once with 200 predictors take half as long as 16 at a time on blas, as long on wasm).
 */
export const hessiansAtOnce = (predictors: number): number =>
  Math.max(fewest, Math.floor(mostNumbers / Math.max(1, predictors * predictors)));

/** What is wrong with a number of units that was given. */
export const unitsAtOnceIssues = (path: string, units: number | undefined): readonly Issue[] =>
  units === undefined || (Number.isInteger(units) && units >= 1)
    ? []
    : [{ path, seen: `${units}`, expected: 'a whole number of at least 1' }];
