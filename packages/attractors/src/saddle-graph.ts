import { fillGaussian, randomStream } from '@drnn/simulator';
import { eigen } from '@drnn/linalg';
import { checkTimeLimit } from './budget.js';
import type { FixedPoint } from './fixed-points.js';
import { jacobianAt } from './linearisation.js';
import { type AttractorNetwork, holdInput } from './network.js';
import { destinations, orthonormalSpan } from './trapping.js';

/** Runs along the unstable manifold of a point that ended at a stable one. */
export interface SaddleEdge {
  readonly from: number;
  readonly to: number;
  /** How many of the runs from it went there. */
  readonly runs: number;
  /** The mean number of steps until the run could no longer turn back. */
  readonly steps: number;
}

export interface SaddleGraph {
  /** Indices of the map-stable points. */
  readonly stable: readonly number[];
  /** Indices of the unstable points, each with the number of its unstable modes and of the runs that were made. */
  readonly unstable: readonly { readonly point: number; readonly index: number; readonly runs: number }[];
  readonly edges: readonly SaddleEdge[];
  /** Runs that ended at no stable point: on a cycle, in chaos, or still on their way. */
  readonly unresolved: readonly { readonly from: number; readonly runs: number }[];
  /** Fixed points that the time was up before: not known to be stable, or unstable and not run from. */
  readonly unexplored: readonly number[];
}

export interface SaddleGraphOptions {
  /** u `[input]`, held. Default 0. */
  readonly input?: ArrayLike<number>;
  /** Runs for each unstable mode of a point with two or more; one with a single mode has two. Default 32. */
  readonly directions?: number;
  /** Seed of the directions. Default 1. */
  readonly seed?: number;
  /** Most steps of a run. Default 60 times the slowest time constant of the point, and 1000 at least. */
  readonly limit?: number;
  /** Seconds of all together. Default none. */
  readonly timeLimit?: number;
}

/**
 * Which stable points the unstable manifold of each saddle leads to. Runs of the map start 1e-4 (or so much of the unique
 * radius) from the point: with one unstable mode on both sides along it, with more in random directions of the invariant
 * subspace. A run has arrived when it enters a set around a stable point that is proven to be its own. In a network with
 * symmetric W every point with one unstable mode has two edges. Cost: 2 N^2 a step and run. Errors: those of the network;
 * points that are not its own.
 */
export const saddleGraph = (
  network: AttractorNetwork,
  points: readonly FixedPoint[],
  options: SaddleGraphOptions = {},
): SaddleGraph => {
  const held = holdInput(network, options.input);
  const n = held.units;
  const rate = { ...held, form: 'rate' as const };
  checkTimeLimit(options.timeLimit);
  const end = performance.now() + 1000 * (options.timeLimit ?? Infinity);
  const isLate = (): boolean => performance.now() > end;
  const { stable, follow } = destinations(held, points, isLate);
  const stream = randomStream(options.seed ?? 1, 'saddles');
  const edges: SaddleEdge[] = [];
  const unstable: { point: number; index: number; runs: number }[] = [];
  const unresolved: { from: number; runs: number }[] = [];
  const unexplored: number[] = [];
  points.forEach(({ state, class: kind, uniqueRadius, mirror }, from) => {
    if (kind !== 'fixed' || stable.includes(from)) return;
    if (held.isOdd && mirror !== null && mirror < from) {
      // An odd map takes the runs from the mirror image to the mirror images of their ends.
      const image = unstable.find(({ point }) => point === mirror);
      if (image !== undefined) {
        unstable.push({ ...image, point: from });
        for (const edge of edges.filter((each) => each.from === mirror))
          edges.push({ ...edge, from, to: points[edge.to]?.mirror ?? edge.to });
        for (const { runs } of unresolved.filter((each) => each.from === mirror)) unresolved.push({ from, runs });
        return;
      }
    }
    if (isLate()) {
      unexplored.push(from);
      return;
    }
    const { values, right } = eigen(jacobianAt(rate, state), { order: 'modulus' });
    const moduli = Array.from(values.real, (re, k) => Math.hypot(re, values.imaginary[k]!));
    const mapIndex = moduli.filter((modulus) => modulus > 1).length;
    const column = (part: Float64Array, k: number): Float64Array =>
      Float64Array.from({ length: n }, (_, i) => part[i * n + k]!);
    const span = orthonormalSpan(
      Array.from({ length: mapIndex }, (_, k) => [column(right.real.data, k), column(right.imaginary.data, k)]).flat(),
    );
    const dimension = span.rows;
    const runs = dimension === 1 ? 2 : dimension * (options.directions ?? 32);
    const size = 1e-4 * Math.min(1, uniqueRadius);
    const slowest = moduli.reduce(
      (longest, modulus) => (modulus === 0 ? longest : Math.max(longest, 1 / Math.abs(Math.log(modulus)))),
      0,
    );
    const limit = options.limit ?? Math.max(1000, Math.min(1e6, Math.ceil(60 * slowest)));
    const weights = new Float64Array(dimension);
    const arrivals = new Map<number, { runs: number; steps: number }>();
    const r = new Float64Array(n);
    for (let run = 0; run < runs && !isLate(); run++) {
      if (dimension === 1) weights[0] = run === 0 ? 1 : -1;
      else fillGaussian(stream(from * 100_000 + run), 1, weights);
      const length = Math.hypot(...weights);
      r.set(state);
      for (let k = 0; k < dimension; k++) {
        for (let i = 0; i < n; i++) r[i]! += ((size * weights[k]!) / length) * span.data[k * n + i]!;
      }
      const { point, steps } = follow(r, limit);
      const before = arrivals.get(point) ?? { runs: 0, steps: 0 };
      arrivals.set(point, { runs: before.runs + 1, steps: before.steps + steps });
    }
    // Where the time ran out between two runs, the rest says nothing.
    if (isLate()) {
      unexplored.push(from);
      return;
    }
    unstable.push({ point: from, index: mapIndex, runs });
    for (const [to, arrived] of arrivals) {
      if (to < 0) unresolved.push({ from, runs: arrived.runs });
      else edges.push({ from, to, runs: arrived.runs, steps: arrived.steps / arrived.runs });
    }
  });
  return { stable, unstable, edges, unresolved, unexplored };
};
