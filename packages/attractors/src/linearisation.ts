import { type ComplexMatrix, eigen, eigenvalues, type Eigenvalues, product, spectralNorm } from '@drnn/linalg';
import { failure, firstNonFinite, type Matrix, matrix } from '@drnn/tensor';
import { currentsOf } from './currents.js';
import { longestRow, steepestCurvature } from './equations.js';
import { isMarginal } from './marginal.js';
import { type AttractorNetwork, type HeldNetwork, holdInput } from './network.js';
import { spectralNormBound } from './spectral-norm.js';

/** One mode of the linearised map: of a complex pair, one of the two. */
export interface Mode {
  /** mu, an eigenvalue of J = I - A + A D W. */
  readonly multiplier: readonly [re: number, im: number];
  /** Steps in which it falls to 1/e, -1 / ln|mu|; negative where it grows, infinite where |mu| = 1. */
  readonly timeConstant: number;
  /** Turns a step, arg(mu) / 2 pi. */
  readonly frequency: number;
  /** The same of the flow, a -> 0: time constants 1 / (1 - Re lambda) and turns in one; null where units differ in a. */
  readonly flowTimeConstant: number | null;
  readonly flowFrequency: number | null;
  /** kappa = |l| |r|: how far a change of J moves mu. */
  readonly condition: number;
  /** By how far mu may be off: rounding, and the distance of the state from the true root. */
  readonly uncertainty: number;
}

export interface NonNormality {
  /** sqrt(|J|_F^2 - sum |mu|^2) / |J|_F: 0 for a normal J. */
  readonly henrici: number;
  /** The largest eigenvalue of the symmetric part of D W - I: above 0 the flow can grow at first even where it decays. */
  readonly numericalAbscissa: number;
  /** max_t |J^t|_2 up to the steps asked for, and its t; null where none were. */
  readonly transientGrowth: { readonly factor: number; readonly step: number } | null;
}

/** `node`: stable, the slowest mode real; `focus`: stable, it turns; `flip`: unstable by multipliers below -1 alone. */
export type PointKind = 'node' | 'focus' | 'saddle' | 'source' | 'flip';

export interface Linearisation {
  /** lambda, all eigenvalues of D W, the rightmost first: [re, im]. They do not depend on a or the form. */
  readonly eigenvalues: readonly (readonly [re: number, im: number])[];
  /** All mu, the largest modulus first. */
  readonly multipliers: readonly (readonly [re: number, im: number])[];
  /** All |mu| < 1: nearby states of the network itself come back. */
  readonly isMapStable: boolean;
  /** All Re mu < 1: those of the flow a -> 0 do. */
  readonly isFlowStable: boolean;
  /** Some | |mu| - 1 | is within three times its uncertainty: rounding decides about `isMapStable`. */
  readonly isMarginal: boolean;
  /** How many |mu| > 1, and how many Re mu > 1. */
  readonly mapIndex: number;
  readonly flowIndex: number;
  readonly kind: PointKind;
  /** The slowest modes, the largest |mu| first. */
  readonly modes: readonly Mode[];
  /** Eigenvectors `[unit, mode]` of J: right ones of length 1, their largest entry real and positive, l_k^H r_k = 1. */
  readonly right: ComplexMatrix;
  readonly left: ComplexMatrix;
  /** l_k^H dF/du `[mode, input]`: what a pulse of each input does to each mode at once. */
  readonly pulseResponse: ComplexMatrix;
  /** l_k^H dF/du / (1 - mu_k) `[mode, input]`: what a small constant change does in the end, where mu is not 1. */
  readonly steadyResponse: ComplexMatrix;
  readonly nonNormality: NonNormality;
}

export interface LinearisationOptions {
  /** u `[input]`, held. Default 0. */
  readonly input?: ArrayLike<number>;
  /** How far the state may be from the root it stands for, a point's `certificateRadius`. Default 0. */
  readonly radius?: number;
  /** Modes that come with vectors and responses. Default 20. */
  readonly modes?: number;
  /** Steps for which the transient growth is sought, 4 N^3 each. Default 0, none. */
  readonly transient?: number;
}

/** D = 1 - tanh^2 z at rates r, from the currents, which know it better than 1 - r^2 near saturation. */
export const slopesAt = ({ units: n, W, drive }: HeldNetwork, rates: Float64Array): Float64Array => {
  const z = new Float64Array(n);
  currentsOf(W.data, n, n, rates, drive, z);
  return z.map((value) => 1 / Math.cosh(value) ** 2);
};

/** D W in the rate form, W D in the current form. */
const effectiveWeights = ({ units: n, W, form }: HeldNetwork, slope: Float64Array): Matrix => {
  const K = matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) K.data[i * n + j] = W.data[i * n + j]! * slope[form === 'rate' ? i : j]!;
  }
  return K;
};

/** J = I - A + A K `[unit, unit]`: the derivative of one step of the network, in its own state. */
const jacobianOf = ({ units: n, alpha }: HeldNetwork, K: Matrix): Matrix => {
  const J = matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) J.data[i * n + j] = alpha[i]! * K.data[i * n + j]!;
    J.data[i * n + i]! += 1 - alpha[i]!;
  }
  return J;
};

/** J of one step at rates r. */
export const jacobianAt = (held: HeldNetwork, rates: Float64Array): Matrix =>
  jacobianOf(held, effectiveWeights(held, slopesAt(held, rates)));

const pairs = ({ real, imaginary }: Eigenvalues): readonly (readonly [number, number])[] =>
  Array.from(real, (re, k) => [re, imaginary[k]!] as const);

const columnsOf = ({ real, imaginary }: ComplexMatrix, order: readonly number[]): ComplexMatrix => {
  const pick = (from: Matrix): Matrix => {
    const to = matrix(from.rows, order.length);
    for (let i = 0; i < from.rows; i++) {
      order.forEach((k, c) => (to.data[i * order.length + c] = from.data[i * from.columns + k]!));
    }
    return to;
  };
  return { real: pick(real), imaginary: pick(imaginary) };
};

const frobenius = (a: Matrix): number => Math.sqrt(a.data.reduce((sum, value) => sum + value * value, 0));

const TRANSIENT_TOLERANCE = 1e-6;

const transientGrowthOf = (J: Matrix, steps: number): NonNormality['transientGrowth'] => {
  if (steps === 0) return null;
  let power = J;
  let best = { factor: spectralNorm(J, TRANSIENT_TOLERANCE), step: 1 };
  for (let step = 2; step <= steps; step++) {
    power = product(J, power);
    const factor = spectralNorm(power, TRANSIENT_TOLERANCE);
    if (factor > best.factor) best = { factor, step };
  }
  return best;
};

/** l_k^H B, B = dF/du: A D Win in the rate form, A Win in the current form. */
const pulseResponseOf = (held: HeldNetwork, slope: Float64Array, left: ComplexMatrix): ComplexMatrix => {
  const { units: n, Win, alpha, form } = held;
  const modes = left.real.columns;
  const inputs = Win.columns;
  const response = { real: matrix(modes, inputs), imaginary: matrix(modes, inputs) };
  for (let i = 0; i < n; i++) {
    const gain = alpha[i]! * (form === 'rate' ? slope[i]! : 1);
    for (let k = 0; k < modes; k++) {
      for (let m = 0; m < inputs; m++) {
        const value = gain * Win.data[i * inputs + m]!;
        response.real.data[k * inputs + m]! += left.real.data[i * modes + k]! * value;
        response.imaginary.data[k * inputs + m]! -= left.imaginary.data[i * modes + k]! * value;
      }
    }
  }
  return response;
};

/** The response over 1 - mu_k. */
const steadyResponseOf = (pulse: ComplexMatrix, multipliers: readonly (readonly [number, number])[]): ComplexMatrix => {
  const { rows, columns } = pulse.real;
  const steady = { real: matrix(rows, columns), imaginary: matrix(rows, columns) };
  for (let k = 0; k < rows; k++) {
    const [re = 0, im = 0] = multipliers[k] ?? [];
    const p = 1 - re;
    const size = p * p + im * im;
    for (let m = k * columns; m < (k + 1) * columns; m++) {
      const x = pulse.real.data[m]!;
      const y = pulse.imaginary.data[m]!;
      steady.real.data[m] = (x * p - y * im) / size;
      steady.imaginary.data[m] = (y * p + x * im) / size;
    }
  }
  return steady;
};

const kindOf = (multipliers: readonly (readonly [number, number])[]): PointKind => {
  const unstable = multipliers.filter(([re, im]) => Math.hypot(re, im) > 1);
  if (unstable.length === 0) return (multipliers[0]?.[1] ?? 0) === 0 ? 'node' : 'focus';
  if (unstable.every(([re, im]) => im === 0 && re < -1)) return 'flip';
  return unstable.length === multipliers.length ? 'source' : 'saddle';
};

/**
 * The network near a state r `[unit]` (rates, also of the current form): J = I - A + A K with K = D W, D = 1 - tanh^2(W r
 * + c), in the current form K = W D, whose eigenvalues are the same. Multipliers are 1 - a + a lambda where all units
 * share one a. At a state that is no fixed point the flow itself comes on top of it.
 *
 * Cost: an eigenproblem, some 30 N^3, two where units differ in a. Errors: those of the network; a state that is not
 * `[unit]` or not finite. Source: Sussillo and Barak 2013; for inputs Mante et al. 2013.
 */
export const linearise = (
  network: AttractorNetwork,
  state: Float64Array,
  options: LinearisationOptions = {},
): Linearisation => {
  const held = holdInput(network, options.input);
  const { units: n } = held;
  if (state.length !== n || firstNonFinite(state) >= 0) {
    throw failure({ path: 'state', seen: `[${state.length}]`, expected: `[unit=${n}], finite numbers` });
  }
  const slope = slopesAt(held, state);
  const K = effectiveWeights(held, slope);
  const J = jacobianOf(held, K);
  const a = held.alpha[0]!;
  const solved = eigen(held.isUniform ? K : J);
  const lambda = pairs(held.isUniform ? solved.values : eigenvalues(K));
  const unsorted = pairs(solved.values).map(([re, im]) =>
    held.isUniform ? ([1 - a + a * re, a * im] as const) : ([re, im] as const),
  );
  // Stable, so that the two of a pair stay together.
  const order = unsorted.map((_, k) => k).sort((p, q) => Math.hypot(...unsorted[q]!) - Math.hypot(...unsorted[p]!));
  const multipliers = order.map((k) => unsorted[k]!);
  const size = frobenius(J);
  // What J changes by within the radius, and what it was rounded by.
  const radius = options.radius ?? 0;
  const change =
    n * Number.EPSILON * size +
    (radius === 0 ? 0 : radius * steepestCurvature * longestRow(held.W.data, n, n) * spectralNormBound(held.W));
  const modes = order.map((k, place): Mode => {
    const [re, im] = multipliers[place]!;
    const modulus = Math.hypot(re, im);
    const condition = solved.conditions[k]!;
    const [lambdaRe, lambdaIm] = held.isUniform ? [solved.values.real[k]!, solved.values.imaginary[k]!] : [null, null];
    return {
      multiplier: [re, im],
      timeConstant: modulus === 0 ? 0 : -1 / Math.log(modulus),
      frequency: Math.atan2(im, re) / (2 * Math.PI),
      flowTimeConstant: lambdaRe === null ? null : 1 / (1 - lambdaRe),
      flowFrequency: lambdaIm === null ? null : lambdaIm / (2 * Math.PI),
      condition,
      uncertainty: condition * change,
    };
  });
  const kept = order.slice(0, options.modes ?? 20);
  const left = columnsOf(solved.left, kept);
  const pulseResponse = pulseResponseOf(held, slope, left);
  const symmetric = matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) symmetric.data[i * n + j] = (K.data[i * n + j]! + K.data[j * n + i]!) / 2;
  }
  const squares = multipliers.reduce((sum, [re, im]) => sum + re * re + im * im, 0);
  return {
    eigenvalues: lambda,
    multipliers,
    isMapStable: multipliers.every(([re, im]) => Math.hypot(re, im) < 1),
    isFlowStable: multipliers.every(([re]) => re < 1),
    isMarginal: isMarginal(J, modes, change),
    mapIndex: multipliers.filter(([re, im]) => Math.hypot(re, im) > 1).length,
    flowIndex: multipliers.filter(([re]) => re > 1).length,
    kind: kindOf(multipliers),
    modes: modes.slice(0, kept.length),
    right: columnsOf(solved.right, kept),
    left,
    pulseResponse,
    steadyResponse: steadyResponseOf(pulseResponse, multipliers),
    nonNormality: {
      henrici: size === 0 ? 0 : Math.sqrt(Math.max(0, size * size - squares)) / size,
      numericalAbscissa: (eigenvalues(symmetric).real[0] ?? 0) - 1,
      transientGrowth: transientGrowthOf(J, options.transient ?? 0),
    },
  };
};
