import type { ModelRecord } from '@drnn/recordings';
import type { Fit } from '../fitted.js';
import { structureNames } from '../structure-options.js';

/** What only one of the estimators reads. */
const foreign = {
  calibrated: ['weights', 'sampleWeights', 'weightCap', 'kappa', 'solver', 'polish', ...structureNames],
  convex: ['effort', 'choosing', 'intervals'],
} as const;

/**
 * Options as the fit used them: a default that depends on other options is the value it came to, and options of the
 * estimator that did not run are left out, unless they were given.
 */
export const usedOptions = (
  options: ModelRecord['options'],
  { settings, calibration, horizon }: Pick<Fit, 'settings' | 'calibration' | 'horizon'>,
): ModelRecord['options'] => {
  const { estimator, tolerance, maxSteps } = settings;
  const choice = calibration?.choice ?? null;
  const came = {
    estimator,
    tolerance,
    maxSteps,
    horizon,
    ...(calibration === null
      ? {}
      : { choosing: choice === null ? 'none' : choice.blocks === 1 ? 'split' : 'cross-validation' }),
  };
  const absent: readonly string[] = foreign[estimator];
  const used = { ...options };
  for (const [name, value] of Object.entries(came)) {
    if (used[name]?.given !== true) used[name] = { value, given: false };
  }
  return Object.fromEntries(Object.entries(used).filter(([name, { given }]) => given || !absent.includes(name)));
};
