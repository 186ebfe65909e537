import { type Matrix, refuse } from '@drnn/tensor';
import { currentsOf, transposedTimes } from './currents.js';
import type { HeldNetwork } from './network.js';

/**
 * A network with a stimulus u in its currents, z = W r + c + E u, in its own state: rates r in the rate form, currents x in
 * the current form, where x+ = (1-a) x + a (W tanh x + c + E u). Nothing here allocates but `toState` and `toRates`.
 */
export interface StimulatedNetwork {
  readonly held: HeldNetwork;
  readonly units: number;
  readonly channels: number;
  /** E `[unit, channel]`. */
  readonly mixing: Matrix;
  /** The state that has these rates; in the current form they must lie inside (-1, 1). */
  toState(path: string, rates: Float64Array): Float64Array;
  toRates(state: Float64Array): Float64Array;
  /**
   * next = F(state, u); null is no stimulus. `slope` receives D of the step: 1 - tanh^2 at the currents z in the rate form,
   * at the state in the current form.
   */
  step(state: Float64Array, u: Float64Array | null, next: Float64Array, slope: Float64Array | null): void;
  /** out = A' p, A = dF/dstate of a step with this slope. */
  pullBack(slope: Float64Array, p: Float64Array, out: Float64Array): void;
  /** out = B' p, B = dF/du. */
  pullToStimulus(slope: Float64Array, p: Float64Array, out: Float64Array): void;
}

export const stimulatedNetwork = (held: HeldNetwork, mixing: Matrix): StimulatedNetwork => {
  const { units: n, W, drive, alpha, form } = held;
  const m = mixing.columns;
  const isRate = form === 'rate';
  const z = new Float64Array(n);
  const scratch = new Float64Array(n);
  const stimulus = new Float64Array(n);
  return {
    held,
    units: n,
    channels: m,
    mixing,
    toState: (path, rates) => {
      if (isRate) return rates.slice();
      const beyond = rates.findIndex((r) => !(Math.abs(r) < 1));
      refuse(
        beyond < 0
          ? []
          : [{ path, seen: `the rate ${rates[beyond]} of unit ${beyond}`, expected: 'rates inside (-1, 1)' }],
      );
      return rates.map(Math.atanh);
    },
    toRates: (state) => (isRate ? state.slice() : state.map(Math.tanh)),
    step: (state, u, next, slope) => {
      if (isRate) {
        currentsOf(W.data, n, n, state, drive, z);
        if (u !== null) {
          currentsOf(mixing.data, n, m, u, null, stimulus);
          for (let i = 0; i < n; i++) z[i]! += stimulus[i]!;
        }
        for (let i = 0; i < n; i++) {
          const r = Math.tanh(z[i]!);
          if (slope !== null) slope[i] = 1 - r * r;
          next[i] = state[i]! + alpha[i]! * (r - state[i]!);
        }
        return;
      }
      for (let i = 0; i < n; i++) {
        scratch[i] = Math.tanh(state[i]!);
        if (slope !== null) slope[i] = 1 - scratch[i]! ** 2;
      }
      currentsOf(W.data, n, n, scratch, drive, z);
      if (u !== null) {
        currentsOf(mixing.data, n, m, u, null, stimulus);
        for (let i = 0; i < n; i++) z[i]! += stimulus[i]!;
      }
      for (let i = 0; i < n; i++) next[i] = state[i]! + alpha[i]! * (z[i]! - state[i]!);
    },
    pullBack: (slope, p, out) => {
      // Rate form A = I - a + a D W, current form A = I - a + a W D.
      for (let i = 0; i < n; i++) scratch[i] = alpha[i]! * (isRate ? slope[i]! : 1) * p[i]!;
      transposedTimes(W.data, n, n, scratch, z);
      for (let i = 0; i < n; i++) out[i] = (1 - alpha[i]!) * p[i]! + (isRate ? 1 : slope[i]!) * z[i]!;
    },
    pullToStimulus: (slope, p, out) => {
      for (let i = 0; i < n; i++) scratch[i] = alpha[i]! * (isRate ? slope[i]! : 1) * p[i]!;
      transposedTimes(mixing.data, n, m, scratch, out);
    },
  };
};
