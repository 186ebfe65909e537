import { discreteLyapunov, eigenvalues } from '@drnn/linalg';
import { failure, identity, type Matrix, matrix, transpose } from '@drnn/tensor';
import { currentsOf } from './currents.js';
import { directEquations, longestRow, steepestCurvature } from './equations.js';
import type { FixedPoint } from './fixed-points.js';
import { jacobianAt } from './linearisation.js';
import type { HeldNetwork } from './network.js';
import { spectralNormBound } from './spectral-norm.js';

/** Up to here a trap that |J| does not prove is sought in the norm of a Lyapunov equation, 30 N^3. */
const LYAPUNOV_UP_TO = 300;
/** Without a proven trap, a state so near (times sqrt N) has arrived. */
const ARRIVED = 1e-6;
/** Steps between two looks at the traps. */
const EVERY = 4;

/** What no state leaves, and every state of ends at the point: |d|^2 or d'P d below `level`, d = r - r*. */
export interface Trap {
  /** Index of the point. */
  readonly point: number;
  readonly state: Float64Array;
  /** Null for the identity. */
  readonly metric: Float64Array | null;
  readonly level: number;
  readonly isProven: boolean;
}

/**
 * Around r* the map is r* + J d + R with |R| <= a L / 2 |d|^2; `curvature` is a L. Where |J|_2 < 1, all |d| < 2 (1 - |J|) / (a L) come
 * closer. Otherwise with J'P J - P = -I: d'P d falls where |P| |J| a L |d| + |P| (a L |d| / 2)^2 < 1, and as P >= I, d'P d
 * below the square of that |d| is inside.
 */
export const trapOf = (J: Matrix, curvature: number, point: number, state: Float64Array): Trap => {
  const n = J.rows;
  const norm = spectralNormBound(J);
  const whole = 2 * Math.sqrt(n);
  if (norm < 1) {
    const radius = curvature === 0 ? whole : Math.min(whole, (1.9 * (1 - norm)) / curvature);
    return { point, state, metric: null, level: radius * radius, isProven: true };
  }
  if (n <= LYAPUNOV_UP_TO) {
    const P = discreteLyapunov(transpose(J), identity(n));
    const size = spectralNormBound(P);
    const linear = size * norm * curvature;
    const quadratic = size * (curvature / 2) ** 2;
    const radius = (2 * 0.95) / (linear + Math.sqrt(linear * linear + 4 * 0.95 * quadratic));
    if (Number.isFinite(radius) && radius > 0)
      return { point, state, metric: P.data, level: radius * radius, isProven: true };
  }
  return { point, state, metric: null, level: ARRIVED * ARRIVED * n, isProven: false };
};

/** Where runs of a network end. */
export interface Destinations {
  /** Indices of the stable points. */
  readonly stable: readonly number[];
  /** Stable points whose trap is proven; a run to another must come within 1e-6 sqrt N of it. */
  readonly proven: readonly number[];
  /** Runs r, in place, for at most `limit` steps: the index of its stable point, or -1; `steps` says when. */
  follow(r: Float64Array, limit: number): { readonly point: number; readonly steps: number };
}

/** The traps of all map-stable fixed points, and the map itself, in the rate form. When it is late no more are made. */
export const destinations = (
  held: HeldNetwork,
  points: readonly FixedPoint[],
  isLate: () => boolean = () => false,
): Destinations => {
  const n = held.units;
  const rate: HeldNetwork = { ...held, form: 'rate' };
  const equations = directEquations(rate, 1);
  const g = new Float64Array(n);
  const moving = points.findIndex(
    ({ state, class: kind }) => kind === 'fixed' && !(state.length === n && equations.residual(state, g) < 1e-6),
  );
  if (moving >= 0) {
    throw failure({
      path: `points[${moving}]`,
      seen: 'a state that the network leaves',
      expected: 'fixed points of this network',
      hint: 'hold the input that they were found with',
    });
  }
  const a = held.alpha.reduce((top, value) => Math.max(top, value), 0);
  const curvature = a * steepestCurvature * longestRow(held.W.data, n, n) * spectralNormBound(held.W);
  const traps = points.flatMap(({ state, class: kind }, point) => {
    if (kind !== 'fixed' || isLate()) return [];
    const J = jacobianAt(rate, state);
    const { real, imaginary } = eigenvalues(J, { order: 'modulus' });
    return Math.hypot(real[0] ?? 0, imaginary[0] ?? 0) < 1 ? [trapOf(J, curvature, point, state)] : [];
  });
  const d = new Float64Array(n);
  const image = new Float64Array(n);
  const isIn = ({ state, metric, level }: Trap, r: Float64Array): boolean => {
    let sum = 0;
    for (let i = 0; i < n && sum < level; i++) {
      const difference = r[i]! - state[i]!;
      d[i] = difference;
      sum += difference * difference;
    }
    if (sum >= level) return false;
    if (metric === null) return true;
    currentsOf(metric, n, n, d, null, image);
    sum = 0;
    for (let i = 0; i < n; i++) sum += d[i]! * image[i]!;
    return sum < level;
  };
  return {
    stable: traps.map(({ point }) => point),
    proven: traps.filter(({ isProven }) => isProven).map(({ point }) => point),
    follow: (r, limit) => {
      // There is nowhere to arrive.
      if (traps.length === 0) return { point: -1, steps: 0 };
      for (let step = 0; step <= limit; step++) {
        if (step % EVERY === 0) {
          if (isLate()) return { point: -1, steps: step };
          for (const trap of traps) if (isIn(trap, r)) return { point: trap.point, steps: step };
        }
        currentsOf(held.W.data, n, n, r, held.drive, image);
        for (let i = 0; i < n; i++) r[i]! += held.alpha[i]! * (Math.tanh(image[i]!) - r[i]!);
      }
      return { point: -1, steps: limit };
    },
  };
};

/** Columns that span the real invariant subspace of modes: real and imaginary parts, made orthonormal `[column, unit]`. */
export const orthonormalSpan = (vectors: readonly Float64Array[]): Matrix => {
  const kept: Float64Array[] = [];
  for (const vector of vectors) {
    const v = vector.slice();
    for (let round = 0; round < 2; round++) {
      for (const other of kept) {
        const overlap = v.reduce((sum, value, i) => sum + value * other[i]!, 0);
        for (let i = 0; i < v.length; i++) v[i]! -= overlap * other[i]!;
      }
    }
    const length = Math.hypot(...v);
    if (length > 1e-8) kept.push(v.map((value) => value / length));
  }
  const span = matrix(kept.length, vectors[0]?.length ?? 0);
  kept.forEach((v, k) => span.data.set(v, k * v.length));
  return span;
};
