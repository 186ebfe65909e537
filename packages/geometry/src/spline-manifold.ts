import { product, svd } from '@drnn/linalg';
import { failure, firstNonFinite, type Matrix, matrix, refuse } from '@drnn/tensor';
import { circularCoordinates } from './circular-coordinates.js';
import { distancesOf } from './distances.js';
import { landmarks } from './landmarks.js';
import { principalComponents } from './principal-components.js';

export interface SplineManifoldOptions {
  /** A curve with two ends, or a closed one: what `bettiNumbers` says of a loop. */
  readonly topology: 'line' | 'ring';
  /** Control points. Default by cross-validation among 6, 8, 12, 16, 24 and 32. */
  readonly knots?: number;
  /** Principal components that the curve lies in. Default 10. */
  readonly components?: number;
  /** Alternations of fitting the curve and finding each state's place on it. Default 15. */
  readonly rounds?: number;
}

export interface Decoded {
  /** `[state]`: the place on the curve, a part of its length in [0, 1]. */
  readonly parameter: Float64Array;
  /** `[state]`: how far the state is from it, within the components. */
  readonly distance: Float64Array;
}

export interface SplineManifold {
  readonly topology: 'line' | 'ring';
  readonly knots: number;
  /** Its length, and the root mean square distance of the states that it was fitted to. */
  readonly length: number;
  readonly error: number;
  /** Held-out mean square distance of each number of knots; null where it was given. */
  readonly validation: readonly { readonly knots: number; readonly error: number }[] | null;
  /** The state `[unit]` at a part of the length. */
  readonly stateAt: (parameter: number) => Float64Array;
  readonly decode: (states: Matrix) => Decoded;
  /** Velocities `[state, unit]` as the speed along the curve `[state]` and what is across it, within the components. */
  readonly flow: (
    states: Matrix,
    velocities: Matrix,
  ) => { readonly along: Float64Array; readonly across: Float64Array };
}

const GRID = 600;
const LANDMARKS = 150;
const CANDIDATES = [6, 8, 12, 16, 24, 32] as const;
const FOLDS = 5;
/** A larger curve is not worth less than so much of the held-out distance. */
const WORTH = 0.01;
/** Against spans of the curve without a state. */
const STIFFNESS = 1e-3;

/** First control point and the weights of four of a uniform cubic B-spline, u in [0, 1]. */
const basisAt = (u: number, knots: number, isClosed: boolean, weights: Float64Array): number => {
  const spans = isClosed ? knots : knots - 3;
  const x = Math.min(Math.max(u, 0), 1) * spans;
  const first = Math.min(Math.floor(x), spans - 1);
  const t = x - first;
  weights[0] = (1 - t) ** 3 / 6;
  weights[1] = (3 * t ** 3 - 6 * t ** 2 + 4) / 6;
  weights[2] = (-3 * t ** 3 + 3 * t ** 2 + 3 * t + 1) / 6;
  weights[3] = t ** 3 / 6;
  return first;
};

/** Control points `[knot, component]` that are nearest in least squares to states at given places. */
const controlPoints = (states: Matrix, places: Float64Array, knots: number, isClosed: boolean): Matrix => {
  const d = states.columns;
  const gram = matrix(knots, knots);
  const right = matrix(knots, d);
  const weights = new Float64Array(4);
  for (let k = 0; k < states.rows; k++) {
    const first = basisAt(places[k]!, knots, isClosed, weights);
    for (let a = 0; a < 4; a++) {
      const i = (first + a) % knots;
      for (let b = 0; b < 4; b++) gram.data[i * knots + ((first + b) % knots)]! += weights[a]! * weights[b]!;
      for (let j = 0; j < d; j++) right.data[i * d + j]! += weights[a]! * states.data[k * d + j]!;
    }
  }
  const second = [1, -2, 1];
  for (let i = 0; i < (isClosed ? knots : knots - 2); i++) {
    second.forEach((p, a) => {
      second.forEach((q, b) => {
        gram.data[((i + a) % knots) * knots + ((i + b) % knots)]! += (STIFFNESS * states.rows * p * q) / knots;
      });
    });
  }
  const { left, values, right: basis } = svd(gram);
  const image = product(left, right, { transposeA: true });
  for (let i = 0; i < knots; i++) {
    const size = values[i]!;
    for (let j = 0; j < d; j++) image.data[i * d + j]! *= size > 1e-12 * values[0]! ? 1 / size : 0;
  }
  return product(basis, image);
};

/** The curve as GRID + 1 points at equal steps of its length. */
interface Curve {
  readonly points: Matrix;
  readonly length: number;
}

const curveOf = (control: Matrix, isClosed: boolean): Curve => {
  const d = control.columns;
  const fine = 4 * GRID;
  const raw = matrix(fine + 1, d);
  const weights = new Float64Array(4);
  for (let g = 0; g <= fine; g++) {
    const first = basisAt(g / fine, control.rows, isClosed, weights);
    for (let a = 0; a < 4; a++) {
      const i = (first + a) % control.rows;
      for (let j = 0; j < d; j++) raw.data[g * d + j]! += weights[a]! * control.data[i * d + j]!;
    }
  }
  const travelled = new Float64Array(fine + 1);
  for (let g = 1; g <= fine; g++) {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += (raw.data[g * d + j]! - raw.data[(g - 1) * d + j]!) ** 2;
    travelled[g] = travelled[g - 1]! + Math.sqrt(sum);
  }
  const length = travelled[fine]!;
  const points = matrix(GRID + 1, d);
  for (let g = 0, at = 0; g <= GRID; g++) {
    const wanted = (length * g) / GRID;
    while (at < fine - 1 && travelled[at + 1]! < wanted) at += 1;
    const step = travelled[at + 1]! - travelled[at]!;
    const t = step > 0 ? Math.min(1, Math.max(0, (wanted - travelled[at]!) / step)) : 0;
    for (let j = 0; j < d; j++) {
      points.data[g * d + j] = (1 - t) * raw.data[at * d + j]! + t * raw.data[(at + 1) * d + j]!;
    }
  }
  return { points, length };
};

/** The nearest place on the curve of each state: the nearest point, then the nearest on the two pieces that meet there. */
const project = (states: Matrix, { points }: Curve, isClosed: boolean): Decoded => {
  const d = states.columns;
  const parameter = new Float64Array(states.rows);
  const distance = new Float64Array(states.rows);
  for (let k = 0; k < states.rows; k++) {
    let nearest = 0;
    let least = Infinity;
    for (let g = 0; g <= GRID; g++) {
      let sum = 0;
      for (let j = 0; j < d && sum < least; j++) sum += (states.data[k * d + j]! - points.data[g * d + j]!) ** 2;
      if (sum < least) [nearest, least] = [g, sum];
    }
    let place = nearest;
    for (const side of [-1, 0]) {
      const from = isClosed ? (nearest + side + GRID) % GRID : nearest + side;
      if (from < 0 || from >= GRID) continue;
      let [along, size] = [0, 0];
      for (let j = 0; j < d; j++) {
        const step = points.data[(from + 1) * d + j]! - points.data[from * d + j]!;
        along += step * (states.data[k * d + j]! - points.data[from * d + j]!);
        size += step * step;
      }
      const t = size > 0 ? Math.min(1, Math.max(0, along / size)) : 0;
      let sum = 0;
      for (let j = 0; j < d; j++) {
        const on = (1 - t) * points.data[from * d + j]! + t * points.data[(from + 1) * d + j]!;
        sum += (states.data[k * d + j]! - on) ** 2;
      }
      if (sum < least) [place, least] = [from + t, sum];
    }
    parameter[k] = isClosed ? (place / GRID) % 1 : place / GRID;
    distance[k] = Math.sqrt(least);
  }
  return { parameter, distance };
};

const rowsOf = ({ columns, data }: Matrix, rows: ArrayLike<number>): Matrix => {
  const result = matrix(rows.length, columns);
  for (let k = 0; k < rows.length; k++) {
    result.data.set(data.subarray(rows[k]! * columns, (rows[k]! + 1) * columns), k * columns);
  }
  return result;
};

/** Shortest ways from a state along a graph of near neighbours, as few as connect all. */
const waysFrom = ({ rows: n, data }: Matrix, start: number): Float64Array => {
  const order = Array.from({ length: n }, (_, i) =>
    Int32Array.from({ length: n }, (__, j) => j).sort((a, b) => data[i * n + a]! - data[i * n + b]! || a - b),
  );
  for (let near = Math.min(6, n - 1); ; near *= 2) {
    const isJoined = new Uint8Array(n * n);
    order.forEach((others, i) => {
      for (const j of others.subarray(0, near + 1)) {
        isJoined[i * n + j] = 1;
        isJoined[j * n + i] = 1;
      }
    });
    const way = new Float64Array(n).fill(Infinity);
    const isDone = new Uint8Array(n);
    way[start] = 0;
    for (let round = 0; round < n; round++) {
      let at = -1;
      for (let i = 0; i < n; i++) if (isDone[i] === 0 && (at < 0 || way[i]! < way[at]!)) at = i;
      isDone[at] = 1;
      for (let j = 0; j < n; j++) {
        if (isJoined[at * n + j] === 1) way[j] = Math.min(way[j]!, way[at]! + data[at * n + j]!);
      }
    }
    if (near >= n - 1 || way.every(Number.isFinite)) return way;
  }
};

/** A first place of each state: by the loop's coordinate, or by the way from one end. */
const firstPlaces = (states: Matrix, isClosed: boolean): Float64Array => {
  const chosen = landmarks(states, LANDMARKS);
  const outline = rowsOf(states, chosen);
  const distances = distancesOf(outline);
  const places = new Float64Array(chosen.length);
  if (isClosed) {
    const found = circularCoordinates(distances);
    if (found === null) {
      throw failure({ path: 'topology', seen: 'states without a loop', expected: 'a ring', hint: 'line has two ends' });
    }
    places.set(found.angles.map((angle) => angle / (2 * Math.PI)));
  } else {
    const away = waysFrom(distances, 0);
    const end = away.reduce((most, value, i) => (value > away[most]! ? i : most), 0);
    const way = waysFrom(distances, end);
    const longest = way.reduce((most, value) => Math.max(most, value), 0) || 1;
    places.set(way.map((value) => value / longest));
  }
  const d = states.columns;
  return Float64Array.from({ length: states.rows }, (_, k) => {
    let nearest = 0;
    let least = Infinity;
    for (let l = 0; l < chosen.length; l++) {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += (states.data[k * d + j]! - outline.data[l * d + j]!) ** 2;
      if (sum < least) [nearest, least] = [l, sum];
    }
    return places[nearest]!;
  });
};

const fitCurve = (
  states: Matrix,
  first: Float64Array,
  knots: number,
  { isClosed, rounds }: { readonly isClosed: boolean; readonly rounds: number },
): Curve => {
  let places = first;
  let curve = curveOf(controlPoints(states, places, knots, isClosed), isClosed);
  for (let round = 0; round < rounds; round++) {
    places = project(states, curve, isClosed).parameter;
    curve = curveOf(controlPoints(states, places, knots, isClosed), isClosed);
  }
  return curve;
};

const meanSquare = (values: Float64Array): number =>
  values.reduce((sum, value) => sum + value * value, 0) / Math.max(1, values.length);

/**
 * A curve through a cloud of states `[state, unit]`, open or closed, and the place of each state on it: what a population
 * encodes is read without being told (SPUD). The first places come from the topology, a loop's circular coordinate or the way
 * from one end; then a cubic spline is fitted to the states at their places, and every state gets the place on it that is
 * nearest, in turn; places are parts of its length. Decoding cannot be better than noise across the tangent allows: 1 /
 * |dr/dtheta| standard deviations of each unit's noise. Cost: rounds x states x 600 places x components, thirty times that
 * with cross-validation. Errors: fewer than 40 states; not finite; no loop for a ring; fewer than 4 knots. Source: Chaudhuri
 * et al. 2019; Hastie and Stuetzle 1989.
 */
export const splineManifold = (states: Matrix, options: SplineManifoldOptions): SplineManifold => {
  const { topology, components = 10, rounds = 15 } = options;
  const isClosed = topology === 'ring';
  refuse([
    ...(states.rows >= 40 && states.columns >= 1 && firstNonFinite(states.data) < 0
      ? []
      : [
          {
            path: 'states',
            seen: `[${states.rows}, ${states.columns}]`,
            expected: '[state, unit], 40 states or more, finite numbers',
          },
        ]),
    ...(options.knots === undefined || (Number.isInteger(options.knots) && options.knots >= 4)
      ? []
      : [{ path: 'knots', seen: `${options.knots}`, expected: 'a whole number, 4 or more' }]),
  ]);
  const space = principalComponents(states, { count: components });
  const inside = space.project(states);
  const first = firstPlaces(inside, isClosed);
  const how = { isClosed, rounds };
  const validation =
    options.knots === undefined
      ? CANDIDATES.filter((knots) => 4 * knots <= states.rows).map((knots) => {
          let error = 0;
          for (let fold = 0; fold < FOLDS; fold++) {
            const every = Array.from({ length: states.rows }, (_, k) => k);
            const kept = every.filter((k) => k % FOLDS !== fold);
            const curve = fitCurve(
              rowsOf(inside, kept),
              Float64Array.from(kept, (k) => first[k]!),
              knots,
              {
                isClosed,
                rounds: Math.min(6, rounds),
              },
            );
            const out = rowsOf(
              inside,
              every.filter((k) => k % FOLDS === fold),
            );
            error += meanSquare(project(out, curve, isClosed).distance) / FOLDS;
          }
          return { knots, error };
        })
      : null;
  const least = validation?.reduce((best, { error }) => Math.min(best, error), Infinity) ?? 0;
  const knots = options.knots ?? validation?.find(({ error }) => error <= (1 + WORTH) * least)?.knots ?? CANDIDATES[0];
  const curve = fitCurve(inside, first, knots, how);
  const { points, length } = curve;
  const d = points.columns;
  const decode = (other: Matrix): Decoded => project(space.project(other), curve, isClosed);
  return {
    topology,
    knots,
    length,
    error: Math.sqrt(meanSquare(project(inside, curve, isClosed).distance)),
    validation,
    stateAt: (parameter) => {
      const x = (isClosed ? parameter - Math.floor(parameter) : Math.min(1, Math.max(0, parameter))) * GRID;
      const g = Math.min(GRID - 1, Math.floor(x));
      const t = x - g;
      return space.mean.map((value, i) => {
        let sum = value;
        for (let j = 0; j < d; j++) {
          sum +=
            space.components.data[i * d + j]! * ((1 - t) * points.data[g * d + j]! + t * points.data[(g + 1) * d + j]!);
        }
        return sum;
      });
    },
    decode,
    flow: (other, velocities) => {
      refuse(
        velocities.rows === other.rows && velocities.columns === states.columns
          ? []
          : [
              {
                path: 'velocities',
                seen: `[${velocities.rows}, ${velocities.columns}]`,
                expected: `[state=${other.rows}, unit=${states.columns}]`,
              },
            ],
      );
      const { parameter } = decode(other);
      const moving = product(velocities, space.components);
      const along = new Float64Array(other.rows);
      const across = new Float64Array(other.rows);
      for (let k = 0; k < other.rows; k++) {
        const g = Math.min(GRID - 1, Math.floor(parameter[k]! * GRID));
        let [size, dot, square] = [0, 0, 0];
        for (let j = 0; j < d; j++) {
          const step = points.data[(g + 1) * d + j]! - points.data[g * d + j]!;
          size += step * step;
          dot += step * moving.data[k * d + j]!;
          square += moving.data[k * d + j]! ** 2;
        }
        along[k] = size > 0 ? dot / Math.sqrt(size) : 0;
        across[k] = Math.sqrt(Math.max(0, square - along[k]! ** 2));
      }
      return { along, across };
    },
  };
};
