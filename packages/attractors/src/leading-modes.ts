import { type ComplexMatrix, partialEigen } from '@drnn/linalg';
import { failure } from '@drnn/tensor';
import { expectState } from './controllability.js';
import { jacobianAt } from './linearisation.js';
import { type AttractorNetwork, holdInput } from './network.js';

export interface LeadingModesOptions {
  /** u `[input]`, held. Default 0. */
  readonly input?: ArrayLike<number>;
  /** How many; one more where a pair would be parted. Default 20. */
  readonly count?: number;
  /** Those closest to this multiplier, such as 1 for the slowest, in place of those of largest modulus. */
  readonly near?: number;
}

/** Some modes of a large network near a state. */
export interface LeadingModes {
  /** mu [re, im], the largest modulus (or the closest to `near`) first. */
  readonly multipliers: readonly (readonly [re: number, im: number])[];
  /** Steps in which each falls to 1/e; negative where it grows. */
  readonly timeConstants: Float64Array;
  /** Eigenvectors `[unit, mode]` of J, as those of `linearise`. */
  readonly right: ComplexMatrix;
  readonly left: ComplexMatrix;
  /** |J r - mu r| / |J|_F of each: how far it is proven. */
  readonly residuals: Float64Array;
  /** All |mu| < 1, from the largest; null where modes near a value were asked for, or the iteration gave up. */
  readonly isMapStable: boolean | null;
  readonly converged: boolean;
}

/**
 * The leading modes of J = I - A + A K near a state, rates `[unit]`, for networks in which all of them take too long (30
 * N^3, above some 600 units): Arnoldi's iteration on J, or with `near` on the inverse of J - near. Largest moduli first, so
 * that the first decides about stability; modes inside the bulk of a random network converge slowly, and `residuals` say
 * how far they came. `linearise` has all modes and more. Cost: some hundred products, or an LU factor. Errors: those of the
 * network; a count beyond the units.
 */
export const leadingModes = (
  network: AttractorNetwork,
  state: Float64Array,
  { input, count = 20, near }: LeadingModesOptions = {},
): LeadingModes => {
  const held = holdInput(network, input);
  const n = held.units;
  expectState('state', state, n);
  if (!(Number.isSafeInteger(count) && count >= 1)) {
    throw failure({ path: 'count', seen: `${count}`, expected: 'a whole number, 1 or more' });
  }
  const found = partialEigen(jacobianAt(held, state), {
    count: Math.min(count, n),
    ...(near === undefined ? {} : { near }),
  });
  const multipliers = Array.from(found.values.real, (re, k) => [re, found.values.imaginary[k]!] as const);
  const largest = multipliers.reduce((top, mu) => Math.max(top, Math.hypot(...mu)), 0);
  return {
    multipliers,
    timeConstants: Float64Array.from(multipliers, (mu) => {
      const modulus = Math.hypot(...mu);
      return modulus === 0 ? 0 : -1 / Math.log(modulus);
    }),
    right: found.right,
    left: found.left,
    residuals: found.residuals,
    isMapStable: near !== undefined || !found.converged ? null : largest < 1,
    converged: found.converged,
  };
};
