import { currentsOf } from './currents.js';
import type { HeldNetwork } from './network.js';

/**
 * Runs r <- (r + tanh(W r + c)) / 2 for `steps`, in place: the flow, with a step of its own, so that where it ends does
 * not depend on a.
 */
export const relax = ({ units: n, W, drive }: HeldNetwork, r: Float64Array, z: Float64Array, steps: number): void => {
  for (let step = 0; step < steps; step++) {
    currentsOf(W.data, n, n, r, drive, z);
    for (let i = 0; i < n; i++) r[i] = 0.5 * (r[i]! + Math.tanh(z[i]!));
  }
};
