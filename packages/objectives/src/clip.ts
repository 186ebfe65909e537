import { abs, add, clamp, div, type Expression, less, max, mul, pointwise, sub, where } from '@drnn/tensor';
import { leastPositive } from './least-positive.js';
import type { Transfer } from './transfer.js';

/** A loss with its first two derivatives by z, in z, d (or y) and w. */
export interface PointwiseLoss {
  readonly loss: Expression;
  readonly slope: Expression;
  readonly curvature: Expression;
}

/** The weighted matching loss w (Phi(z) - d z). */
export const matchingLoss = (transfer: Transfer): PointwiseLoss => ({
  loss: pointwise(({ z, d, w }) => mul(w, sub(transfer.primitive(z), mul(d, z)))),
  slope: pointwise(({ z, d, w }) => mul(w, sub(transfer.transfer(z), d))),
  curvature: pointwise(({ z, w }) => mul(w, transferSlope(transfer, z))),
});

/** phi'(z), from V(phi(z)), which holds for every transfer here but relu. */
const transferSlope = (transfer: Transfer, z: Expression): Expression =>
  transfer.name === 'relu' ? where(less(0, z), 1, 0) : transfer.variance(transfer.transfer(z));

/**
 * Clips the slope of a matching loss to [-tau, tau] (Huber 1964): the weight is applied first, then the clip. The clip
 * of a nondecreasing slope is nondecreasing, so convexity stays. Outside, the value continues linearly. With the
 * conjugate Phi* and the clipped slope s it is, inside and outside alike,
 *
 *     s z - w Phi*(d + s / w),
 *
 * since inside d + s / w = phi(z), where Phi(z) + Phi*(phi(z)) = z phi(z) (Fenchel and Young).
 */
export const clipped = (inner: PointwiseLoss, tau: number, transfer: Transfer): PointwiseLoss => {
  const slope = clamp(inner.slope, -tau, tau);
  return {
    // A weight of 0 has a slope of 0, and the quotient must not make a NaN of them.
    loss: pointwise(({ z, d, w }) =>
      sub(mul(slope, z), mul(w, transfer.conjugate(add(d, div(slope, max(w, leastPositive)))))),
    ),
    slope,
    curvature: where(less(tau, abs(inner.slope)), 0, inner.curvature),
  };
};
