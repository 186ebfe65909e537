import { type Matrix } from '@drnn/tensor';
import type { Budget } from './budget.js';
import { currentsOf, transposedTimes } from './currents.js';
import type { Derivative } from './derivative.js';
import type { Flow } from './flow.js';
import type { IteratedMap } from './iterated-map.js';
import { mapRows } from './map-rows.js';
import type { HeldNetwork } from './network.js';

/** A network as a system in its own state: rates in the rate form, currents in the current form. */
interface Parts extends Derivative {
  /** out = A (tanh(W r + c) - r), or A (W tanh x + c - x); `drive` is c. */
  move(x: Float64Array, drive: Float64Array, out: Float64Array): void;
  /** tr (dmove/dx). */
  trace(): number;
}

/** The derivative of `leak` x + `move`, leak 0 for the flow and 1 for the map; `budget` is told of every product with W. */
const partsOf = ({ units: n, W, alpha, form }: HeldNetwork, leak: number, budget: Budget | undefined): Parts => {
  const w = W.data;
  const slope = new Float64Array(n);
  const scratch = new Float64Array(n);
  let wide = new Float64Array(n);
  const isRate = form === 'rate';
  return {
    dimension: n,
    ...(budget === undefined ? {} : { isCut: () => budget.over() !== null }),
    move: (x, drive, out) => {
      budget?.spend(w.length);
      if (isRate) {
        currentsOf(w, n, n, x, drive, out);
        for (let i = 0; i < n; i++) {
          const t = Math.tanh(out[i]!);
          slope[i] = 1 - t * t;
          out[i] = alpha[i]! * (t - x[i]!);
        }
      } else {
        for (let i = 0; i < n; i++) {
          const t = Math.tanh(x[i]!);
          slope[i] = 1 - t * t;
          scratch[i] = t;
        }
        currentsOf(w, n, n, scratch, drive, out);
        for (let i = 0; i < n; i++) out[i] = alpha[i]! * (out[i]! - x[i]!);
      }
    },
    tangent: (directions, count, out) => {
      budget?.spend(count * w.length);
      if (isRate) mapRows(w, n, n, directions, count, out);
      else {
        if (wide.length < count * n) wide = new Float64Array(count * n);
        for (let d = 0; d < count; d++) {
          for (let j = 0; j < n; j++) wide[d * n + j] = slope[j]! * directions[d * n + j]!;
        }
        mapRows(w, n, n, wide, count, out);
      }
      for (let d = 0; d < count; d++) {
        for (let i = 0; i < n; i++) {
          const k = d * n + i;
          const a = alpha[i]!;
          out[k] = (leak - a) * directions[k]! + a * (isRate ? slope[i]! : 1) * out[k]!;
        }
      }
    },
    adjoint: (v, out) => {
      budget?.spend(w.length);
      for (let i = 0; i < n; i++) scratch[i] = alpha[i]! * (isRate ? slope[i]! : 1) * v[i]!;
      transposedTimes(w, n, n, scratch, out);
      for (let j = 0; j < n; j++) out[j] = (leak - alpha[j]!) * v[j]! + (isRate ? 1 : slope[j]!) * out[j]!;
    },
    jacobian: (out) => {
      for (let i = 0; i < n; i++) {
        const a = alpha[i]!;
        const row = i * n;
        for (let j = 0; j < n; j++) out[row + j] = a * slope[isRate ? i : j]! * w[row + j]!;
        out[row + i]! += leak - a;
      }
    },
    trace: () => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += alpha[i]! * (slope[i]! * w[i * n + i]! - 1) + leak;
      return sum;
    },
  };
};

/** The flow A^-1 x' = -x + ..., with a step of the map as the unit of time; tau is 1 / a. */
export const networkFlow = (held: HeldNetwork, budget?: Budget): Flow => {
  const { move, trace, ...derivative } = partsOf(held, 0, budget);
  return { ...derivative, velocity: (x, out) => move(x, held.drive, out), divergence: trace };
};

/** One step of the network as it runs. With `drives` `[time, unit]` c changes; after its end it starts again. */
export const networkMap = (
  held: HeldNetwork,
  { drives, budget }: { readonly drives?: Matrix | undefined; readonly budget?: Budget | undefined } = {},
): IteratedMap => {
  const { move, trace: _trace, ...derivative } = partsOf(held, 1, budget);
  const n = held.units;
  // Views are made once: a step allocates nothing.
  const series = Array.from({ length: drives?.rows ?? 0 }, (_, t) => drives?.data.subarray(t * n, (t + 1) * n));
  return {
    ...derivative,
    image: (x, out, time) => {
      move(x, series.length === 0 ? held.drive : (series[time % series.length] ?? held.drive), out);
      for (let i = 0; i < n; i++) out[i]! += x[i]!;
    },
  };
};

/** Rates of a state, of either form. */
export const ratesOf = ({ form }: HeldNetwork, x: Float64Array): Float64Array =>
  form === 'rate' ? x.slice() : x.map(Math.tanh);

/** The state of rates, of either form; rates outside (-1, 1) have none in the current form and are taken to its edge. */
export const stateOf = ({ form }: HeldNetwork, rates: Float64Array): Float64Array =>
  form === 'rate' ? rates.slice() : rates.map((r) => Math.atanh(Math.max(-1 + 1e-12, Math.min(1 - 1e-12, r))));
