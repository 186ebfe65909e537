import type { AttractorNetwork } from '@drnn/attractors';
import { principalComponents } from '@drnn/geometry';
import { randomStream, simulate, uniform } from '@drnn/simulator';
import { type Matrix, matrix, stackRows } from '@drnn/tensor';
import type { Attractors } from './attractors.js';

/** Three coordinates; those that a small network has not are 0. */
export type Place = readonly [x: number, y: number, z: number];

/** A network's points, modes and runs in three principal components, ready to be drawn. */
export interface PortraitView {
  readonly points: readonly {
    readonly at: Place;
    readonly kind: 'stable' | 'unstable' | 'degenerate' | 'slow';
    readonly speed: number;
    /** The direction of each unstable mode, at most three, times its |mu|. */
    readonly modes: readonly Place[];
  }[];
  readonly runs: readonly (readonly Place[])[];
  /** Limit cycles, closed curves; those that are only a few states are `isCurve` false. */
  readonly cycles: readonly { readonly isCurve: boolean; readonly path: readonly Place[] }[];
  /** Whether runs were left out because the time was up. */
  readonly isCut: boolean;
  /** What the components are of. */
  readonly axesOf: 'recording' | 'runs';
  /** The part of the variance that each coordinate holds. */
  readonly shares: Place;
  /** A state `[unit]` in the coordinates. */
  readonly place: (state: Float64Array) => Place;
}

export interface PortraitViewOptions {
  /** Activity `[time, unit]` in the network's units, which then gives the components. */
  readonly activity?: Matrix;
  readonly seed?: number;
  /** Seconds after which no further run is made. Default none. */
  readonly timeLimit?: number;
}

const MOST_SADDLES = 40;
const RANDOM_RUNS = 12;
const STEPS = 400;
/** Vertices of a drawn run, about. */
const DRAWN = 100;

const rowsOf = ({ rows, columns, data }: Matrix): readonly Float64Array[] =>
  Array.from({ length: rows }, (_, t) => data.subarray(t * columns, (t + 1) * columns));

/** Real vectors of the unstable modes of a point, each times |mu|; of a complex pair the real and the imaginary part. */
const unstableModes = ({ linearisation }: Attractors['points'][number]): readonly Float64Array[] => {
  const { multipliers, right, mapIndex } = linearisation;
  const n = right.real.rows;
  const shown = Math.min(3, mapIndex, right.real.columns);
  return Array.from({ length: shown }, (_, k) => {
    const [re = 0, im = 0] = multipliers[k] ?? [];
    const part = im < 0 ? right.imaginary : right.real;
    const v = Float64Array.from({ length: n }, (__, i) => part.data[i * right.real.columns + k]!);
    const length = Math.hypot(...v);
    return v.map((value) => (length === 0 ? 0 : (value * Math.hypot(re, im)) / length));
  });
};

/**
 * What a portrait shows: fixed and slow points, their unstable modes, and runs that leave unstable points along these and
 * random states, in the principal components of the activity or, without any, of points and runs. Cost: 2 N^2 a step of
 * up to 100 runs, an SVD.
 */
export const portraitView = (
  network: AttractorNetwork,
  found: Attractors,
  options: PortraitViewOptions = {},
): PortraitView => {
  const n = network.W.rows;
  const end = performance.now() + 1000 * (options.timeLimit ?? Infinity);
  let isCut = false;
  let isMade = false;
  const drive = new Float64Array(n);
  const inputs = found.input.length;
  for (let i = 0; i < n; i++) {
    drive[i] = network.b?.[i] ?? 0;
    const columns = network.Win?.columns ?? 0;
    // A held input is the same at every lag.
    for (let k = 0; k < columns; k++) drive[i]! += network.Win!.data[i * columns + k]! * found.input[k % inputs]!;
  }
  const run = (initial: Float64Array): Matrix => {
    // One there is, so that the components are of something.
    if (isMade && performance.now() > end) {
      isCut = true;
      return matrix(0, n);
    }
    isMade = true;
    const { rates } = simulate({ W: network.W, b: drive, alpha: network.alpha, steps: STEPS, initial });
    const kept = rowsOf(rates).filter((_, t) => t % Math.ceil(STEPS / DRAWN) === 0);
    const result = matrix(kept.length, n);
    kept.forEach((row, t) => result.data.set(row, t * n));
    return result;
  };
  const leaving = found.points
    .filter(({ class: kind, linearisation }) => kind === 'fixed' && linearisation.mapIndex > 0)
    .slice(0, MOST_SADDLES)
    .flatMap((point) =>
      unstableModes(point).flatMap((mode) =>
        [0.02, -0.02].map((size) => run(point.state.map((value, i) => value + size * mode[i]!))),
      ),
    );
  const stream = randomStream(options.seed ?? 1, 'portrait');
  const random = Array.from({ length: RANDOM_RUNS }, (_, k) => {
    const generator = stream(k);
    return run(Float64Array.from({ length: n }, () => 2 * uniform(generator) - 1));
  });
  const states = matrix(found.points.length, n);
  found.points.forEach(({ state }, k) => states.data.set(state, k * n));
  const { activity } = options;
  const shown = activity ?? stackRows([states, ...leaving, ...random, ...found.cycles.map(({ orbit }) => orbit)], n);
  const { components, variances, mean } = principalComponents(shown);
  const total = variances.reduce((sum, value) => sum + value, 0);
  const turned = (v: Float64Array): Place => {
    const at = [0, 0, 0];
    for (let k = 0; k < components.columns; k++) {
      for (let i = 0; i < n; i++) at[k]! += v[i]! * components.data[i * components.columns + k]!;
    }
    return [at[0] ?? 0, at[1] ?? 0, at[2] ?? 0];
  };
  const place = (state: Float64Array): Place => turned(state.map((value, i) => value - mean[i]!));
  const share = (k: number): number => (total === 0 ? 0 : (variances[k] ?? 0) / total);
  return {
    points: found.points.map((point) => ({
      at: place(point.state),
      kind: point.class !== 'fixed' ? point.class : point.linearisation.isMapStable ? 'stable' : 'unstable',
      speed: point.speed,
      modes: point.class === 'fixed' ? unstableModes(point).map(turned) : [],
    })),
    runs: [...leaving, ...random].map((part) => rowsOf(part).map(place)),
    cycles: found.cycles.flatMap(({ class: kind, orbit, pieces }) => {
      const all = rowsOf(orbit).map(place);
      const each = all.length / pieces;
      return Array.from({ length: pieces }, (_, k) => {
        const piece = all.slice(k * each, (k + 1) * each);
        return { isCurve: kind === 'circle', path: kind === 'circle' ? [...piece, ...piece.slice(0, 1)] : piece };
      });
    }),
    isCut,
    axesOf: activity === undefined ? 'runs' : 'recording',
    shares: [share(0), share(1), share(2)],
    place,
  };
};
