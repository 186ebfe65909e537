import type { Transfer } from '@drnn/objectives';
import { type Expression, less, where } from '@drnn/tensor';

/**
 * phi'(z) where mu = phi(z) is given: V(mu), but for relu, whose V is 1 up to the end of its range, and which is flat
 * there: 0 at mu = 0, so that a silent unit's residual tells nothing of noise in its current.
 */
export const slopeOfMean = (transfer: Transfer, mean: Expression): Expression =>
  transfer.name === 'relu' ? where(less(0, mean), 1, 0) : transfer.variance(mean);
