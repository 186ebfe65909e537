import { eigenvalues } from '@drnn/linalg';
import { refuse } from '@drnn/tensor';
import { currentsOf } from './currents.js';
import { longestRow, steepestCurvature } from './equations.js';
import { jacobianAt } from './linearisation.js';
import { spectralNormBound } from './spectral-norm.js';
import type { StimulatedNetwork } from './stimulated-network.js';
import { trapOf } from './trapping.js';

/** Says of a state whether no run from it ends elsewhere than at the stable fixed point. */
export interface Attractor {
  /** In the network's own state. */
  readonly state: Float64Array;
  /** Every state within this distance (Euclid's) is inside. */
  readonly radius: number;
  holds(state: Float64Array): boolean;
}

/**
 * The trap around a stable fixed point, rates `[unit]`, in the network's own state: see `destinations`. Errors: a state that
 * the network leaves, or one that is not stable.
 */
export const attractorAt = (network: StimulatedNetwork, path: string, rates: Float64Array): Attractor => {
  const { held, units: n } = network;
  // At a fixed point x = W r + c, which knows saturated units better than atanh r.
  const currents = new Float64Array(n);
  currentsOf(held.W.data, n, n, rates, held.drive, currents);
  const state = held.form === 'rate' ? rates.slice() : currents;
  const next = new Float64Array(n);
  network.step(state, null, next, null);
  const moves = Math.max(...next.map((value, i) => Math.abs(value - state[i]!) / held.alpha[i]!));
  refuse(
    moves < 1e-6
      ? []
      : [
          {
            path,
            seen: 'a state that the network leaves',
            expected: 'a fixed point of this network',
            hint: 'hold the input that it was found with',
          },
        ],
  );
  const J = jacobianAt(held, rates);
  const { real, imaginary } = eigenvalues(J, { order: 'modulus' });
  refuse(
    Math.hypot(real[0]!, imaginary[0]!) < 1
      ? []
      : [{ path, seen: 'an unstable fixed point', expected: 'a stable one, which runs can end at' }],
  );
  const a = held.alpha.reduce((top, value) => Math.max(top, value), 0);
  const norm = spectralNormBound(held.W);
  // |J(x) - J(y)| <= a max|tanh''| |W| times the longest row in the rate form, times 1 in the current form.
  const row = held.form === 'rate' ? longestRow(held.W.data, n, n) : 1;
  const trap = trapOf(J, a * steepestCurvature * row * norm, 0, state);
  const d = new Float64Array(n);
  const image = new Float64Array(n);
  return {
    state,
    radius: Math.sqrt(
      trap.metric === null ? trap.level : trap.level / spectralNormBound({ rows: n, columns: n, data: trap.metric }),
    ),
    holds: (x) => {
      let sum = 0;
      for (let i = 0; i < n && sum < trap.level; i++) {
        const difference = x[i]! - state[i]!;
        d[i] = difference;
        sum += difference * difference;
      }
      if (!(sum < trap.level)) return false;
      if (trap.metric === null) return true;
      currentsOf(trap.metric, n, n, d, null, image);
      sum = 0;
      for (let i = 0; i < n; i++) sum += d[i]! * image[i]!;
      return sum < trap.level;
    },
  };
};
