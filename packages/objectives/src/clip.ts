import { add, clamp, div, type Expression, less, abs, mul, pointwise, sub, where } from '@drnn/tensor';
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
 * Clips the slope of a smooth loss to [-tau, tau] (Huber 1964): the weight is applied first, then the clip. The clip
 * of a nondecreasing slope is nondecreasing, so convexity stays. Outside, the value continues linearly: with the
 * conjugate Phi* of the matching loss it is tau z - w Phi*(d + tau / w) above and -tau z - w Phi*(d - tau / w) below.
 */
export const clipped = (inner: PointwiseLoss, tau: number, transfer: Transfer): PointwiseLoss => {
  const outside = less(tau, abs(inner.slope));
  // One side is chosen before the conjugate, so that its logarithms are taken once.
  const continuation = pointwise(({ z, d, w }) => {
    const side = where(less(0, inner.slope), tau, -tau);
    return sub(mul(side, z), mul(w, transfer.conjugate(add(d, div(side, w)))));
  });
  return {
    loss: where(outside, continuation, inner.loss),
    slope: clamp(inner.slope, -tau, tau),
    curvature: where(outside, 0, inner.curvature),
  };
};
