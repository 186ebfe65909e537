import { failure, type Matrix, refuse } from '@drnn/tensor';
import { reduceCoboundary } from './coboundary.js';
import { type Bar, type Edges, edgeSimplices, edgesOf } from './persistent-homology.js';

export interface CircularCoordinatesOptions {
  /** Which loop: 0, the default, is the longest. */
  readonly loop?: number;
  /** Where between its birth and its death states are joined, 0 to below 1. Default 0.5. */
  readonly at?: number;
  /** Of the coefficients, which are then read as whole numbers. Default 47. */
  readonly prime?: number;
}

export interface CircularCoordinates {
  /** `[state]`, radians in [0, 2 pi): once round the loop, from anywhere and either way. */
  readonly angles: Float64Array;
  readonly bar: Bar;
  /** The distance up to which states were joined. */
  readonly scale: number;
}

const isPrime = (p: number): boolean => {
  if (!Number.isInteger(p) || p < 3 || p > 251) return false;
  for (let k = 2; k * k <= p; k++) if (p % k === 0) return false;
  return true;
};

/** f of min |alpha + df|^2 over edges, by conjugate gradients on the graph's Laplacian; each part has mean 0. */
const smoothest = ({ vertices: n, lower, upper }: Edges, count: number, alpha: Float64Array): Float64Array => {
  const f = new Float64Array(n);
  const r = new Float64Array(n);
  for (let e = 0; e < count; e++) {
    r[upper[e]!]! -= alpha[e]!;
    r[lower[e]!]! += alpha[e]!;
  }
  const p = r.slice();
  const q = new Float64Array(n);
  let size = r.reduce((sum, value) => sum + value * value, 0);
  const enough = 1e-24 * size;
  for (let step = 0; step < 20 * n && size > enough; step++) {
    q.fill(0);
    for (let e = 0; e < count; e++) {
      const difference = p[upper[e]!]! - p[lower[e]!]!;
      q[upper[e]!]! += difference;
      q[lower[e]!]! -= difference;
    }
    let curvature = 0;
    for (let i = 0; i < n; i++) curvature += p[i]! * q[i]!;
    if (!(curvature > 0)) break;
    const length = size / curvature;
    let next = 0;
    for (let i = 0; i < n; i++) {
      f[i]! += length * p[i]!;
      r[i]! -= length * q[i]!;
      next += r[i]! * r[i]!;
    }
    for (let i = 0; i < n; i++) p[i] = r[i]! + (next / size) * p[i]!;
    size = next;
  }
  return f;
};

/**
 * Angles of states along a loop, from distances `[state, state]`: the cocycle of the bar over Z/p, read as whole numbers, and
 * the smoothest map to the circle in its class, by least squares over the edges of the complex. Null where there is no such
 * loop. Cost that of the homology and n^2 a step of conjugate gradients. Errors: those of `persistentHomology`; no prime
 * from 3 to 251; a cocycle that is none over the whole numbers, which another prime mends. Source: de Silva, Morozov and
 * Vejdemo-Johansson 2011.
 */
export const circularCoordinates = (
  distances: Matrix,
  options: CircularCoordinatesOptions = {},
): CircularCoordinates | null => {
  const { loop = 0, at = 0.5, prime = 47 } = options;
  refuse([
    ...(isPrime(prime) ? [] : [{ path: 'prime', seen: `${prime}`, expected: 'a prime from 3 to 251' }]),
    ...(at >= 0 && at < 1 ? [] : [{ path: 'at', seen: `${at}`, expected: '0 to below 1' }]),
    ...(Number.isInteger(loop) && loop >= 0
      ? []
      : [{ path: 'loop', seen: `${loop}`, expected: 'a whole number, 0 or more' }]),
  ]);
  const edges = edgesOf(distances);
  const { vertices: n, length, lower, upper, place } = edges;
  const pairs = reduceCoboundary(edgeSimplices(edges), prime).map(({ simplex, coface, chain }) => ({
    bar: { birth: length[simplex]!, death: coface < 0 ? Infinity : length[Math.floor(coface / n)]! },
    chain,
  }));
  const chosen = pairs.toSorted((a, b) => b.bar.death - b.bar.birth - (a.bar.death - a.bar.birth))[loop];
  if (chosen === undefined || !(chosen.bar.death > chosen.bar.birth)) return null;
  const { bar, chain } = chosen;
  const scale = bar.birth + at * (bar.death - bar.birth);
  let count = 0;
  while (count < length.length && length[count]! <= scale) count += 1;
  const alpha = new Float64Array(count);
  for (const [edge, coefficient] of chain) {
    if (edge < count) alpha[edge] = coefficient > prime / 2 ? coefficient - prime : coefficient;
  }
  const on = (from: number, to: number): number => (from < to ? 1 : -1) * alpha[place[from * n + to]!]!;
  for (let e = 0; e < count; e++) {
    for (let k = 0; k < n; k++) {
      const [i, j] = [lower[e]!, upper[e]!];
      if (place[i * n + k]! >= e || place[j * n + k]! >= e) continue;
      if (on(i, j) + on(j, k) + on(k, i) !== 0) {
        throw failure({ path: 'prime', seen: `${prime}`, expected: 'another prime: this one has no whole cocycle' });
      }
    }
  }
  const f = smoothest(edges, count, alpha);
  return { angles: f.map((value) => 2 * Math.PI * (value - Math.floor(value))), bar, scale };
};

export interface CircularAgreement {
  /** The mean of |difference|, radians, under the best shift and reflection. */
  readonly error: number;
  /** |mean exp(i (a -+ b))|: 1 where they agree up to a shift and reflection. */
  readonly correlation: number;
  readonly isReflected: boolean;
  /** b = shift + a, or shift - a where it is reflected. */
  readonly shift: number;
}

/** How two lists of angles agree, up to where they start and which way they run. Errors: other lengths. */
export const circularAgreement = (a: ArrayLike<number>, b: ArrayLike<number>): CircularAgreement => {
  if (a.length !== b.length || a.length === 0) {
    throw failure({ path: 'angles', seen: `${a.length} and ${b.length}`, expected: 'as many of both, one or more' });
  }
  const [best] = [1, -1]
    .map((sign): CircularAgreement => {
      let [re, im] = [0, 0];
      for (let k = 0; k < a.length; k++) {
        re += Math.cos(b[k]! - sign * a[k]!) / a.length;
        im += Math.sin(b[k]! - sign * a[k]!) / a.length;
      }
      const shift = Math.atan2(im, re);
      let error = 0;
      for (let k = 0; k < a.length; k++) {
        const apart = b[k]! - sign * a[k]! - shift;
        error += Math.abs(Math.atan2(Math.sin(apart), Math.cos(apart))) / a.length;
      }
      return { error, correlation: Math.hypot(re, im), isReflected: sign < 0, shift };
    })
    .toSorted((p, q) => q.correlation - p.correlation);
  return best!;
};
