import { failure } from '@drnn/tensor';
import type { Intervention } from './least-switch.js';
import type { StimulatedNetwork } from './stimulated-network.js';

/** A stimulus u `[step, channel]` from a state on, as an intervention with u for its parameters. */
export const pulseFrom = (network: StimulatedNetwork, start: Float64Array, steps: number): Intervention => {
  const { units: n, channels: m } = network;
  if (!(Number.isSafeInteger(steps) && steps >= 1)) {
    throw failure({ path: 'steps', seen: `${steps}`, expected: 'a whole number of steps, 1 or more' });
  }
  const slopes = Array.from({ length: steps }, () => new Float64Array(n));
  const x = new Float64Array(n);
  const next = new Float64Array(n);
  return {
    size: steps * m,
    apply: (theta, state) => {
      x.set(start);
      for (let k = 0; k < steps; k++) {
        network.step(x, theta.subarray(k * m, (k + 1) * m), next, slopes[k]!);
        x.set(next);
      }
      state.set(x);
    },
    pullBack: (p, out) => {
      x.set(p);
      for (let k = steps - 1; k >= 0; k--) {
        network.pullToStimulus(slopes[k]!, x, out.subarray(k * m, (k + 1) * m));
        network.pullBack(slopes[k]!, x, next);
        x.set(next);
      }
    },
  };
};
