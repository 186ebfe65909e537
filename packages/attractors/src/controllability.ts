import { eigen, product, svd } from '@drnn/linalg';
import { failure, firstNonFinite, identity, type Matrix, matrix, refuse } from '@drnn/tensor';
import { gramian, observabilityGramian } from './gramian.js';
import { jacobianAt, slopesAt } from './linearisation.js';
import { type AttractorNetwork, type HeldNetwork, holdInput } from './network.js';
import { channelMatrix, type Channels } from './stimulation-channels.js';

export interface ControllabilityOptions {
  /** u `[input]`, held. Default 0. */
  readonly input?: ArrayLike<number>;
  /** Where stimuli enter. Default a current into every unit. */
  readonly channels?: Channels;
  /** What is read out `[output, unit]` of the state. Default all of it. */
  readonly readout?: Matrix;
  /** Steps. Default as many as there are, which needs a stable state. */
  readonly horizon?: number;
}

/** What stimuli can do to a mode, and how well it is seen. */
export interface ModeControl {
  readonly multiplier: readonly [re: number, im: number];
  /** |l_k^H B|^2 / (1 - |mu|^2) of the infinite horizon, with l_k^H r_k = 1; infinite for a mode that does not decay. */
  readonly reach: number;
  /** (1 - |mu|^2) |l_k^H B|^2: modal controllability. */
  readonly modal: number;
}

/** How stimuli act near a state, and what is seen of it, to first order. */
export interface Controllability {
  /** J `[unit, unit]` and B `[unit, channel]` of x+ = J x + B u. */
  readonly jacobian: Matrix;
  readonly stimulation: Matrix;
  /** W_c, the states that stimuli of unit energy reach; W_o, the energy that is seen of each. `[unit, unit]`. */
  readonly controllability: Matrix;
  readonly observability: Matrix;
  /** tr W_c: the mean over directions, and over each unit its diagonal `[unit]`. */
  readonly trace: number;
  readonly byUnit: Float64Array;
  /** Energy that the state's easiest and hardest directions cost, 1 / eigenvalues of W_c. */
  readonly easiest: number;
  readonly hardest: number;
  /** log det W_c; -Infinity where some direction is out of reach. */
  readonly logDeterminant: number;
  /** Directions whose eigenvalue of W_c is above 1e-12 of the largest: the others cannot be told from rounding. */
  readonly reachable: number;
  /** sqrt eig(W_c W_o), descending `[unit]`: what each balanced direction carries from stimulus to readout. */
  readonly hankel: Float64Array;
  /** Sum over channels of |b|^2-normalised columns, `[channel]`: tr of the Gramian of each channel alone. */
  readonly byChannel: Float64Array;
  readonly modes: readonly ModeControl[];
}

/** Below this part of the largest eigenvalue a direction of a Gramian is rounding. */
export const REACHABLE = 1e-12;

/** dF/du: A D E in the rate form, A E in the current form. */
export const stimulationAt = (held: HeldNetwork, rates: Float64Array, E: Matrix): Matrix => {
  const slope = held.form === 'rate' ? slopesAt(held, rates) : null;
  const B = matrix(E.rows, E.columns);
  for (let i = 0; i < E.rows; i++) {
    const gain = held.alpha[i]! * (slope === null ? 1 : slope[i]!);
    for (let k = 0; k < E.columns; k++) B.data[i * E.columns + k] = gain * E.data[i * E.columns + k]!;
  }
  return B;
};

/** Refuses a state that is not `[unit]` or not finite. */
export const expectState = (path: string, state: Float64Array, units: number): void => {
  refuse(
    state.length === units && firstNonFinite(state) < 0
      ? []
      : [{ path, seen: `[${state.length}]`, expected: `[unit=${units}], finite numbers` }],
  );
};

/**
 * The Gramians of a network near a state r `[unit]` (rates, in both forms), x+ = J x + B u with J one step's derivative
 * and B that of the stimulus; x is the network's own state, the current in the current form. All of it is local: a
 * stimulus that leaves the neighbourhood meets another J. Cost some 60 n^3 and the modes' 30 n^3. Errors: those of the
 * network and the channels; an infinite horizon at an unstable state.
 */
export const controllability = (
  network: AttractorNetwork,
  state: Float64Array,
  { input, channels, readout, horizon = Infinity }: ControllabilityOptions = {},
): Controllability => {
  const held = holdInput(network, input);
  const n = held.units;
  expectState('state', state, n);
  if (readout !== undefined && (readout.columns !== n || firstNonFinite(readout.data) >= 0)) {
    throw failure({
      path: 'readout',
      seen: `[${readout.rows}, ${readout.columns}]`,
      expected: `[output, unit=${n}], finite numbers`,
    });
  }
  const J = jacobianAt(held, state);
  const B = stimulationAt(held, state, channelMatrix(held, channels));
  const Wc = gramian(J, B, horizon);
  const Wo = observabilityGramian(J, readout ?? identity(n), horizon);
  const { values, left: vectors } = svd(Wc);
  const largest = values[0] ?? 0;
  const reachable = values.filter((value) => value > REACHABLE * largest).length;
  return {
    jacobian: J,
    stimulation: B,
    controllability: Wc,
    observability: Wo,
    trace: values.reduce((total, value) => total + value, 0),
    byUnit: Float64Array.from({ length: n }, (_, i) => Wc.data[i * n + i]!),
    easiest: 1 / largest,
    hardest: reachable < n ? Infinity : 1 / values[n - 1]!,
    logDeterminant: reachable < n ? -Infinity : values.reduce((total, value) => total + Math.log(value), 0),
    reachable,
    hankel: hankelValues(values, vectors, Wo),
    byChannel: channelTraces(B, observabilityOfAll(readout, Wo, J, horizon)),
    modes: modesOf(J, B),
  };
};

/** sum A'^k A^k, whose quadratic form b'Gb is the trace of the Gramian of b alone. */
const observabilityOfAll = (readout: Matrix | undefined, Wo: Matrix, J: Matrix, horizon: number): Matrix =>
  readout === undefined ? Wo : observabilityGramian(J, identity(J.rows), horizon);

const channelTraces = (B: Matrix, G: Matrix): Float64Array => {
  const GB = product(G, B);
  const traces = new Float64Array(B.columns);
  for (let i = 0; i < B.rows; i++) {
    for (let k = 0; k < B.columns; k++) traces[k]! += B.data[i * B.columns + k]! * GB.data[i * B.columns + k]!;
  }
  return traces;
};

/** With W_c = V S V', eig(W_c W_o) = eig(S^1/2 V' W_o V S^1/2), symmetric. */
const hankelValues = (values: Float64Array, vectors: Matrix, Wo: Matrix): Float64Array => {
  const n = values.length;
  const turned = product(product(vectors, Wo, { transposeA: true }), vectors);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) turned.data[i * n + j]! *= Math.sqrt(values[i]! * values[j]!);
  }
  return svd(turned).values.map(Math.sqrt);
};

const modesOf = (J: Matrix, B: Matrix): readonly ModeControl[] => {
  const { values, left } = eigen(J, { order: 'modulus' });
  const real = product(left.real, B, { transposeA: true });
  const imaginary = product(left.imaginary, B, { transposeA: true });
  return Array.from(values.real, (re, k) => {
    const im = values.imaginary[k]!;
    let reach = 0;
    for (let c = k * B.columns; c < (k + 1) * B.columns; c++) reach += real.data[c]! ** 2 + imaginary.data[c]! ** 2;
    const rest = 1 - re * re - im * im;
    return { multiplier: [re, im] as const, reach: rest > 0 ? reach / rest : Infinity, modal: rest * reach };
  });
};
