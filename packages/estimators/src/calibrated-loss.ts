import type { Transfer } from '@drnn/objectives';
import { add, constant, div, type Expression, lessEqual, mul, square, sub, variable, where } from '@drnn/tensor';
import { insideRange } from './inside-range.js';
import type { NoiseLevels } from './noise-levels.js';
import { slopeOfMean } from './slope-of-mean.js';

/** Residuals beyond so many standard deviations are left out of a round: 6e-5 of Gaussian ones are. */
export const trimAt = 4;

/** The loss of a round as expressions in z (current), d and w; the weight in z0 (current at the start), d and o (observed). */
export interface FrozenLoss {
  /** w >= 0, frozen at z0. */
  readonly weight: Expression;
  /** w (Phi(z) - d z). */
  readonly value: Expression;
  /** w (phi(z) - d). */
  readonly slope: Expression;
  /** w phi'(z). */
  readonly curvature: Expression;
}

/**
 * The matching loss of a round, w (Phi(z) - d z), whose weights the round before gives, mu = phi(z0), q = phi'(z0):
 *
 *     V = s_in^2 q^2 + s_c^2,   w = q / (V tau) where |d - mu| <= 4 sqrt V, else 0,
 *
 * so that at z = z0 the curvature is the inverse variance of the current, q^2 / V, of one independent sample: the
 * negative log-likelihood to first order, convex because w >= 0 depends on z0 and d alone. d is not clipped.
 */
export const calibratedLoss = (
  transfer: Transfer,
  levels: NoiseLevels,
  autocorrelationTime: number,
  partlyObserved: boolean,
): FrozenLoss => {
  const [z0, d] = [variable('z0'), variable('d')];
  const mean = transfer.transfer(z0);
  const slope = slopeOfMean(transfer, mean);
  const variance = add(constant(levels.output ** 2), mul(levels.input ** 2, square(slope)));
  const inside = lessEqual(square(sub(d, mean)), mul(trimAt ** 2, variance));
  const kept = where(inside, div(slope, mul(autocorrelationTime, variance)), 0);
  return { weight: partlyObserved ? mul(variable('o'), kept) : kept, ...weightedMatching(transfer, d) };
};

/** The plain matching loss, Phi(z) - d z, d kept inside the range of the inverse: cross-entropy for tanh. */
export const plainLoss = (transfer: Transfer, partlyObserved: boolean): FrozenLoss => ({
  weight: partlyObserved ? variable('o') : constant(1),
  ...weightedMatching(transfer, insideRange(transfer, variable('d'))),
});

const weightedMatching = (transfer: Transfer, d: Expression): Omit<FrozenLoss, 'weight'> => {
  const [z, w] = [variable('z'), variable('w')];
  const mean = transfer.transfer(z);
  return {
    value: mul(w, sub(transfer.primitive(z), mul(d, z))),
    slope: mul(w, sub(mean, d)),
    curvature: mul(w, slopeOfMean(transfer, mean)),
  };
};
