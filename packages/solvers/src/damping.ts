/** Above so much damping more is of no use: the step is one along the shared metric's, and short. */
export const largestDamping = 1e6;
const smallestDamping = 1e-3;

/**
 * mu_j for the next Hessian of a unit, H_j + mu_j (X'X + Lambda), from the length its last step was cut to (Levenberg
 * 1944; Marquardt 1963): more where the step did not fit, less where it did, and none soon.
 */
export const nextDamping = (mu: number, length: number): number => {
  if (length >= 1) return mu / 10 < smallestDamping ? 0 : mu / 10;
  return length <= 0.25 ? Math.min(Math.max(smallestDamping, 30 * mu), largestDamping) : mu;
};
