import { lu, luSolve, product } from '@drnn/linalg';
import { firstNonFinite, identity, type Matrix, matrix, refuse } from '@drnn/tensor';
import { expectState } from './controllability.js';
import { type AttractorNetwork, holdInput } from './network.js';
import { channelMatrix, type Channels } from './stimulation-channels.js';
import { type StimulatedNetwork, stimulatedNetwork } from './stimulated-network.js';

export interface OptimalStimulusOptions {
  /** u `[input]`, held beside the stimulus. Default 0. */
  readonly input?: ArrayLike<number>;
  /** Where stimuli enter. Default a current into every unit. */
  readonly channels?: Channels;
  /** Steps of the stimulus, and of the run. */
  readonly horizon: number;
  /** C `[output, unit]`: what of the state must arrive. Default all of it. */
  readonly readout?: Matrix;
  /** |u| of every channel and step at most. Default none. */
  readonly bound?: number;
  /** u `[step, channel]` to begin from. Default 0, from which the first step is the stimulus of the linearised network. */
  readonly start?: Matrix;
  /** Most steps of Gauss and Newton's method. Default 600. */
  readonly limit?: number;
  /** |C x_T - y| that counts as there. Default 1e-8 for each square root of an output. */
  readonly tolerance?: number;
}

export interface OptimalStimulus {
  /** u `[step, channel]`. */
  readonly stimulus: Matrix;
  /** sum |u|^2, and the largest |u|. */
  readonly energy: number;
  readonly peak: number;
  /** |C x_T - y|. */
  readonly error: number;
  /**
   * `reached`: the error is at most the tolerance and the gradient of the Lagrangian 1e-6 of |u|. `near`: the target is
   * reached, the energy may not be least. `not-reached`: the error did not come down to the tolerance.
   */
  readonly status: 'reached' | 'near' | 'not-reached';
  /** |u - M' p| / |u| over what is free to change, p the multipliers of the target: 0 at a minimum. */
  readonly stationarity: number;
  readonly rounds: number;
  /** Rates of the run `[step + 1, unit]`. */
  readonly rates: Matrix;
}

/** Of |Cx - y|^2, in turn: so weak that energy decides, so strong that the target does. */
const STRENGTHS = Array.from({ length: 15 }, (_, k) => 10 ** (k - 2));
/** Steps at one strength while the target is not yet reached. */
const STEPS_ON_THE_WAY = 40;

interface Run {
  readonly states: Matrix;
  readonly slopes: Matrix;
}

const runWith = (network: StimulatedNetwork, start: Float64Array, u: Float64Array, horizon: number): Run => {
  const { units: n, channels: m } = network;
  const states = matrix(horizon + 1, n);
  const slopes = matrix(horizon, n);
  states.data.set(start);
  for (let k = 0; k < horizon; k++) {
    network.step(
      states.data.subarray(k * n, (k + 1) * n),
      u.subarray(k * m, (k + 1) * m),
      states.data.subarray((k + 1) * n, (k + 2) * n),
      slopes.data.subarray(k * n, (k + 1) * n),
    );
  }
  return { states, slopes };
};

/** M_k = d C x_T / du_k `[output, channel]` for all steps, one after the other: `[output, step x channel]`. */
const sensitivity = (network: StimulatedNetwork, { slopes }: Run, C: Matrix, horizon: number): Matrix => {
  const { units: n, channels: m, held, mixing } = network;
  const isRate = held.form === 'rate';
  const { alpha, W } = held;
  const M = matrix(C.rows, horizon * m);
  let P = matrix(C.rows, n, C.data.slice());
  for (let k = horizon - 1; k >= 0; k--) {
    const slope = slopes.data.subarray(k * n, (k + 1) * n);
    const scaled = matrix(C.rows, n);
    for (let o = 0; o < C.rows; o++) {
      for (let i = 0; i < n; i++) scaled.data[o * n + i] = P.data[o * n + i]! * alpha[i]! * (isRate ? slope[i]! : 1);
    }
    const part = product(scaled, mixing);
    for (let o = 0; o < C.rows; o++) M.data.set(part.data.subarray(o * m, (o + 1) * m), o * horizon * m + k * m);
    const next = product(scaled, W);
    for (let o = 0; o < C.rows; o++) {
      for (let i = 0; i < n; i++) {
        next.data[o * n + i] = (isRate ? 1 : slope[i]!) * next.data[o * n + i]! + (1 - alpha[i]!) * P.data[o * n + i]!;
      }
    }
    P = next;
  }
  return M;
};

const square = (x: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * x[i]!;
  return sum;
};

/**
 * The stimulus of least energy sum |u|^2 that takes a network from a state to another in `horizon` steps, rates `[unit]`
 * (in the current form inside (-1, 1)), or to a readout C x = y. Of |u|^2 / 2 + rho |C x_T - y|^2 / 2 with rho from 0.01 up
 * to 1e12, each from the end of the one before: Gauss and Newton's steps with the exact derivative M of the run, (I + rho
 * M'M) du = -grad by the smaller M M', and Armijo's line search; entries at a bound rest while the gradient holds them
 * there. The first step is the stimulus of the linearised network. A local minimum. Cost of a step n^2 (outputs) for each
 * step of the run, and a few runs. Errors: those of the network, the channels, the states and the readout.
 */
export const optimalStimulus = (
  network: AttractorNetwork,
  { from, to }: { readonly from: Float64Array; readonly to: Float64Array },
  {
    input,
    channels,
    horizon,
    readout,
    bound = Infinity,
    start: begin,
    limit = 600,
    tolerance = 1e-8 * Math.sqrt((readout ?? network.W).rows),
  }: OptimalStimulusOptions,
): OptimalStimulus => {
  const held = holdInput(network, input);
  const n = held.units;
  expectState('from', from, n);
  const C = readout ?? identity(n);
  refuse([
    ...(Number.isSafeInteger(horizon) && horizon >= 1
      ? []
      : [{ path: 'horizon', seen: `${horizon}`, expected: 'a whole number of steps, 1 or more' }]),
    ...(C.columns === n && C.rows >= 1 && firstNonFinite(C.data) < 0
      ? []
      : [{ path: 'readout', seen: `[${C.rows}, ${C.columns}]`, expected: `[output, unit=${n}], finite numbers` }]),
    ...(to.length === C.rows && firstNonFinite(to) < 0
      ? []
      : [
          {
            path: 'to',
            seen: `[${to.length}]`,
            expected: `[${readout === undefined ? 'unit' : 'output'}=${C.rows}], finite numbers`,
          },
        ]),
    ...(bound > 0 ? [] : [{ path: 'bound', seen: `${bound}`, expected: 'above 0' }]),
  ]);
  const stimulated = stimulatedNetwork(held, channelMatrix(held, channels));
  const start = stimulated.toState('from', from);
  // A readout is of the network's own state; without one, the target is given as rates.
  const y = readout === undefined ? stimulated.toState('to', to) : to;
  const size = horizon * stimulated.channels;
  const outputs = C.rows;
  const errorOf = ({ states }: Run): Float64Array =>
    product(C, matrix(n, 1, states.data.slice(horizon * n))).data.map((value, o) => value - y[o]!);
  const cut = (value: number): number => Math.min(bound, Math.max(-bound, value));

  refuse(
    begin === undefined || (begin.data.length === size && firstNonFinite(begin.data) < 0)
      ? []
      : [
          {
            path: 'start',
            seen: `[${begin.rows}, ${begin.columns}]`,
            expected: `[step=${horizon}, channel=${stimulated.channels}], finite`,
          },
        ],
  );
  let u: Float64Array = begin === undefined ? new Float64Array(size) : begin.data.map(cut);
  let run = runWith(stimulated, start, u, horizon);
  let e = errorOf(run);
  let rounds = 0;
  let stationarity = Number.NaN;
  for (const rho of STRENGTHS) {
    for (let k = 0; rounds < limit; k++) {
      if (k >= STEPS_ON_THE_WAY && Math.sqrt(square(e)) > tolerance) break;
      rounds += 1;
      const M = sensitivity(stimulated, run, C, horizon);
      const pull = product(M, matrix(outputs, 1, e), { transposeA: true }).data;
      const gradient = u.map((value, i) => value + rho * pull[i]!);
      const free = u.map((value, i) => (Math.abs(value) >= bound && value * gradient[i]! < 0 ? 0 : 1));
      // u = M' p with (M M' + I / rho) p = M u - e, over the free entries; those that rest are part of the run.
      const masked = Number.isFinite(bound)
        ? matrix(
            outputs,
            size,
            M.data.map((value, i) => value * free[i % size]!),
          )
        : M;
      const G = product(masked, masked, { transposeB: true });
      for (let o = 0; o < outputs; o++) G.data[o * outputs + o]! += 1 / rho;
      const right = product(masked, matrix(size, 1, u)).data.map((value, o) => value - e[o]!);
      const factor = lu(G);
      if (factor.zeroPivot >= 0) break;
      const p = luSolve(factor, matrix(outputs, 1, right));
      const wanted = product(masked, p, { transposeA: true }).data;
      const move = wanted.map((value, i) => (free[i] === 0 ? 0 : value - u[i]!));
      const slope = move.reduce((sum, value, i) => sum + value * gradient[i]!, 0);
      const now = square(u) + rho * square(e);
      stationarity = Math.sqrt(square(move)) / Math.max(Math.sqrt(square(u)), 1e-300);
      let isDown = false;
      for (let length = 1; length > 1e-6; length /= 2) {
        const tried: Float64Array = u.map((value, i) => cut(value + length * move[i]!));
        const triedRun = runWith(stimulated, start, tried, horizon);
        const triedError = errorOf(triedRun);
        if (square(tried) + rho * square(triedError) <= now + 2e-4 * length * Math.min(0, slope)) {
          isDown = square(tried) + rho * square(triedError) < now;
          [u, run, e] = [tried, triedRun, triedError];
          break;
        }
      }
      if (!isDown || stationarity < 1e-10) break;
    }
    if (Math.sqrt(square(e)) <= tolerance && stationarity < 1e-7) break;
  }
  const error = Math.sqrt(square(e));
  const isThere = error <= tolerance || (square(u) === 0 && error === 0);
  const rates = matrix(horizon + 1, n);
  rates.data.set(stimulated.toRates(run.states.data));
  return {
    stimulus: matrix(horizon, stimulated.channels, u),
    energy: square(u),
    peak: u.reduce((top, value) => Math.max(top, Math.abs(value)), 0),
    error,
    status: !isThere ? 'not-reached' : stationarity < 1e-6 || square(u) === 0 ? 'reached' : 'near',
    stationarity,
    rounds,
    rates,
  };
};
