import { product, svd } from '@drnn/linalg';
import { failure, type Matrix, matrix } from '@drnn/tensor';
import { expectState, REACHABLE, stimulationAt } from './controllability.js';
import { gramian } from './gramian.js';
import { jacobianAt } from './linearisation.js';
import { type AttractorNetwork, holdInput } from './network.js';
import { channelMatrix, type Channels } from './stimulation-channels.js';

export interface MinimalEnergyOptions {
  /** u `[input]`, held beside the stimulus. Default 0. */
  readonly input?: ArrayLike<number>;
  /** Where stimuli enter. Default a current into every unit. */
  readonly channels?: Channels;
  /** Steps of the stimulus. */
  readonly horizon: number;
}

/** A stimulus of least energy in a linear system. */
export interface MinimalEnergy {
  /** sum over steps of |u|^2. */
  readonly energy: number;
  /** u `[step, channel]`. */
  readonly stimulus: Matrix;
  /** The part of the way that no stimulus goes: |d| outside what the Gramian says is reachable, over |d|. */
  readonly unreachable: number;
  /** Directions that are reachable to rounding. */
  readonly reachable: number;
}

/**
 * The stimulus of least energy sum |u|^2 that takes x+ = A x + B u from x_0 to x_T: E = d' G^-1 d with d = x_T - A^T x_0 and
 * G the Gramian of T steps, u_k = B' A'^(T-1-k) G^-1 d. Where G is singular to rounding (eigenvalues below 1e-12 of the
 * largest), the nearest reachable state is aimed at, and `unreachable` says how much of d that leaves out. Cost as
 * `gramian`, an SVD, and 2 n^2 a step. Errors: shapes; a horizon that is no count.
 */
export const linearMinimalEnergy = (
  A: Matrix,
  B: Matrix,
  { from, to, horizon }: { readonly from: Float64Array; readonly to: Float64Array; readonly horizon: number },
): MinimalEnergy => {
  const n = A.rows;
  if (!(Number.isSafeInteger(horizon) && horizon >= 1)) {
    throw failure({ path: 'horizon', seen: `${horizon}`, expected: 'a whole number of steps, 1 or more' });
  }
  expectState('from', from, n);
  expectState('to', to, n);
  const { values, left } = svd(gramian(A, B, horizon));
  let x = matrix(n, 1, from.slice());
  for (let k = 0; k < horizon; k++) x = product(A, x);
  const d = matrix(
    n,
    1,
    to.map((value, i) => value - x.data[i]!),
  );
  const parts = product(left, d, { transposeA: true });
  const whole = Math.hypot(...d.data);
  let energy = 0;
  let missed = 0;
  let reachable = 0;
  const scaled = matrix(n, 1);
  for (let k = 0; k < n; k++) {
    const part = parts.data[k]!;
    if (values[k]! > REACHABLE * values[0]!) {
      reachable += 1;
      energy += (part * part) / values[k]!;
      scaled.data[k] = part / values[k]!;
    } else missed += part * part;
  }
  let costate = product(left, scaled);
  const stimulus = matrix(horizon, B.columns);
  for (let k = horizon - 1; k >= 0; k--) {
    stimulus.data.set(product(B, costate, { transposeA: true }).data, k * B.columns);
    costate = product(A, costate, { transposeA: true });
  }
  return { energy, stimulus, unreachable: whole === 0 ? 0 : Math.sqrt(missed) / whole, reachable };
};

/**
 * `linearMinimalEnergy` near a fixed point `at` of a network, between two states, rates `[unit]` all three: from an
 * attractor to another, say, with the network linearised at the first. The energy of the linear system, not of the
 * network: `optimalStimulus` is that. Errors: those of the network, the channels, the states.
 */
export const minimalEnergy = (
  network: AttractorNetwork,
  { at, from = at, to }: { readonly at: Float64Array; readonly from?: Float64Array; readonly to: Float64Array },
  { input, channels, horizon }: MinimalEnergyOptions,
): MinimalEnergy => {
  // The rate form's state is the rate itself; a stimulus acts on both forms through the same current.
  const held = { ...holdInput(network, input), form: 'rate' as const };
  for (const [path, state] of Object.entries({ at, from, to })) expectState(path, state, held.units);
  const B = stimulationAt(held, at, channelMatrix(held, channels));
  const relative = (state: Float64Array): Float64Array => state.map((value, i) => value - at[i]!);
  return linearMinimalEnergy(jacobianAt(held, at), B, { from: relative(from), to: relative(to), horizon });
};
