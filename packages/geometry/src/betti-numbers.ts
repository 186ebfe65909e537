import { randomStream, uniform } from '@drnn/simulator';
import { failure, firstNonFinite, type Matrix, matrix, refuse } from '@drnn/tensor';
import { distancesOf } from './distances.js';
import { landmarks } from './landmarks.js';
import { type Bar, persistentHomology, type PersistentHomology } from './persistent-homology.js';
import { principalComponents } from './principal-components.js';

export interface BettiNumbersOptions {
  /** 2 for voids as well, at some ten times the cost. Default 1. */
  readonly dimension?: 1 | 2;
  /** States that stand for the cloud. Default 150. */
  readonly landmarks?: number;
  /** Principal components that are kept. Default 6. */
  readonly components?: number;
  /** The part of the states with the furthest neighbours, which is left out. Default 0.1. */
  readonly trimmed?: number;
  /** Frames that landmarks are taken of, evenly. Default 1200. */
  readonly frames?: number;
  /** Surrogates, in each of which units are turned in time on their own. Default 100; 0 for none. */
  readonly surrogates?: number;
  /** Of the longest bar of each surrogate. Default 0.95. */
  readonly quantile?: number;
  /** A loop must also end at so many times the distance at which it began. Default 2.2. */
  readonly ratio?: number;
  /** The same of a void. Default 1.5. */
  readonly voidRatio?: number;
  /** Components are apart where the next shorter merge is shorter by so much. Default 2. */
  readonly gap?: number;
  /** Default 1. */
  readonly seed?: number;
}

export interface BettiNumbers {
  /** Components, loops and voids that are more than chance; voids null unless asked for. */
  readonly components: number;
  readonly loops: number;
  readonly voids: number | null;
  /** The quantile of the longest bar among surrogates; null without surrogates. */
  readonly longestLoop: number | null;
  readonly longestVoid: number | null;
  /** The frames that stood for the cloud, and their bars. */
  readonly landmarks: Int32Array;
  readonly homology: PersistentHomology;
}

/** The neighbour whose distance says how dense a cloud is about a state. */
const NEIGHBOUR = 10;

const lengthOf = ({ birth, death }: Bar): number => death - birth;

const rowsOf = ({ columns, data }: Matrix, rows: ArrayLike<number>): Matrix => {
  const result = matrix(rows.length, columns);
  for (let k = 0; k < rows.length; k++) {
    result.data.set(data.subarray(rows[k]! * columns, (rows[k]! + 1) * columns), k * columns);
  }
  return result;
};

/** Rows whose k-th neighbour is nearest, without the last part of them. */
const denseRows = (states: Matrix, trimmed: number): Int32Array => {
  const { rows: n, data } = distancesOf(states);
  const near = Math.min(NEIGHBOUR, n - 1);
  const nearest = new Float64Array(near + 1);
  const away = Float64Array.from({ length: n }, (_, i) => {
    nearest.fill(Infinity);
    for (let j = i * n; j < (i + 1) * n; j++) {
      const distance = data[j]!;
      if (!(distance < nearest[near]!)) continue;
      let at = near;
      for (; at > 0 && nearest[at - 1]! > distance; at--) nearest[at] = nearest[at - 1]!;
      nearest[at] = distance;
    }
    return nearest[near]!;
  });
  const kept = Math.max(1, n - Math.floor(trimmed * n));
  const order = Int32Array.from(away.keys()).sort((a, b) => away[a]! - away[b]! || a - b);
  return order.slice(0, kept).sort();
};

interface Outline {
  readonly rows: Int32Array;
  readonly homology: PersistentHomology;
}

const outlineOf = (states: Matrix, options: Required<Omit<BettiNumbersOptions, 'surrogates' | 'seed'>>): Outline => {
  const { project } = principalComponents(states, { count: options.components });
  const projected = project(states);
  const step = Math.max(1, states.rows / options.frames);
  const thinned = Int32Array.from({ length: Math.min(options.frames, states.rows) }, (_, k) => Math.floor(k * step));
  const some = rowsOf(projected, thinned);
  const dense = denseRows(some, options.trimmed);
  const inside = rowsOf(some, dense);
  const chosen = landmarks(inside, options.landmarks);
  const homology = persistentHomology(distancesOf(rowsOf(inside, chosen)), { dimension: options.dimension });
  return { rows: chosen.map((k) => thinned[dense[k]!]!), homology };
};

/** Every unit turned in time by a number of frames of its own. */
const turnedInTime = (states: Matrix, draw: () => number): Matrix => {
  const { rows, columns, data } = states;
  const result = matrix(rows, columns);
  for (let j = 0; j < columns; j++) {
    const shift = Math.floor(draw() * rows);
    for (let t = 0; t < rows; t++) result.data[t * columns + j] = data[((t + shift) % rows) * columns + j]!;
  }
  return result;
};

/** Merges before the largest step between two lengths that follow each other, where that is a step at all. */
const partsOf = (components: readonly Bar[], gap: number): number => {
  const merges = components.slice(1).map(lengthOf);
  let parts = 1;
  let largest = gap;
  for (let k = 0; k + 1 < merges.length; k++) {
    const ratio = merges[k]! / merges[k + 1]!;
    if (ratio > largest) [parts, largest] = [k + 2, ratio];
  }
  return parts;
};

/**
 * How many components, loops and voids activity `[time, unit]` has: Betti numbers of landmarks on its principal components,
 * the sparsest states left out. A loop or a void counts when its bar is longer than the longest of 95% of surrogates, in
 * which every unit is turned in time on its own, so that each keeps its own course and they know nothing of each other; and
 * when its death is well above its birth, which bars of evenly spread states are not. Surrogates say nothing of components,
 * for parts along one unit are parts in them too: components count by the largest step in the lengths at which they merge.
 * Cost: as many homologies of so many landmarks as there are surrogates, some seconds, and ten times that for voids. Errors: fewer than 20 states; not finite. Source:
 * Gardner et al. 2022 for surrogates of this kind.
 */
export const bettiNumbers = (states: Matrix, options: BettiNumbersOptions = {}): BettiNumbers => {
  const { surrogates = 100, seed = 1 } = options;
  const all = {
    dimension: options.dimension ?? 1,
    landmarks: options.landmarks ?? 150,
    components: Math.min(options.components ?? 6, states.columns),
    trimmed: options.trimmed ?? 0.1,
    frames: options.frames ?? 1200,
    quantile: options.quantile ?? 0.95,
    ratio: options.ratio ?? 2.2,
    voidRatio: options.voidRatio ?? 1.5,
    gap: options.gap ?? 2,
  };
  refuse([
    ...(states.rows >= 2 * NEIGHBOUR && states.columns >= 1
      ? []
      : [
          {
            path: 'states',
            seen: `[${states.rows}, ${states.columns}]`,
            expected: `[time, unit], ${2 * NEIGHBOUR} or more`,
          },
        ]),
    ...(all.trimmed >= 0 && all.trimmed < 1
      ? []
      : [{ path: 'trimmed', seen: `${all.trimmed}`, expected: 'a part, 0 to below 1' }]),
    ...(Number.isInteger(surrogates) && surrogates >= 0
      ? []
      : [{ path: 'surrogates', seen: `${surrogates}`, expected: 'a whole number, 0 or more' }]),
  ]);
  if (firstNonFinite(states.data) >= 0) {
    throw failure({ path: 'states', seen: 'NaN or infinity', expected: 'finite numbers' });
  }
  const { rows, homology } = outlineOf(states, all);
  const stream = randomStream(seed, 'betti numbers');
  const others = Array.from({ length: surrogates }, (_, k) => {
    const generator = stream(k);
    return outlineOf(
      turnedInTime(states, () => uniform(generator)),
      all,
    ).homology;
  });
  const thresholdOf = (pick: (of: PersistentHomology) => readonly Bar[] | null): number | null => {
    if (surrogates === 0) return null;
    const longest = Float64Array.from(others, (other) => lengthOf(pick(other)?.[0] ?? { birth: 0, death: 0 })).sort();
    return longest[Math.min(surrogates - 1, Math.ceil(all.quantile * surrogates) - 1)]!;
  };
  const counted = (bars: readonly Bar[], threshold: number | null, ratio: number): number =>
    bars.filter((bar) => lengthOf(bar) > (threshold ?? 0) && bar.death > ratio * bar.birth).length;
  const longestLoop = thresholdOf(({ loops }) => loops);
  const longestVoid = all.dimension === 2 ? thresholdOf(({ voids }) => voids) : null;
  return {
    components: partsOf(homology.components, all.gap),
    loops: counted(homology.loops, longestLoop, all.ratio),
    voids: homology.voids === null ? null : counted(homology.voids, longestVoid, all.voidRatio),
    longestLoop,
    longestVoid,
    landmarks: rows,
    homology,
  };
};
