import { failure, firstNonFinite, type Matrix, refuse } from '@drnn/tensor';
import { type Pair, reduceCoboundary, type Simplices } from './coboundary.js';

/** A hole of the growing complex: there from a distance on, until another. */
export interface Bar {
  readonly birth: number;
  /** Infinity for the one component that is there at every distance. */
  readonly death: number;
}

export interface PersistentHomology {
  /** Connected components (H0), the longest bars first. */
  readonly components: readonly Bar[];
  /** Loops (H1), the longest first; bars shorter than rounding are left out. */
  readonly loops: readonly Bar[];
  /** Voids (H2), likewise; null unless asked for. */
  readonly voids: readonly Bar[] | null;
  /** The distance from which on the complex is a cone: every loop has ended there. */
  readonly radius: number;
}

export interface PersistentHomologyOptions {
  /** Up to which dimension: 1, components and loops, or 2, voids as well, of some 150 states. Default 1. */
  readonly dimension?: 1 | 2;
}

/** Edges in the order in which they appear, those up to the radius. */
export interface Edges {
  readonly vertices: number;
  readonly radius: number;
  readonly length: Float64Array;
  /** Ends, lower < upper. */
  readonly lower: Int32Array;
  readonly upper: Int32Array;
  /** `[vertex, vertex]`: the place of the edge between them, or `length.length` where there is none. */
  readonly place: Int32Array;
}

/** Entries of a column that a table of bits can have. */
const MOST = 2 ** 31;

/** The edges of a Rips complex from distances `[state, state]`, sorted. Errors: see `persistentHomology`. */
export const edgesOf = (distances: Matrix): Edges => {
  const { rows: n, data } = distances;
  let isSymmetric = distances.columns === n;
  for (let i = 0; isSymmetric && i < n; i++) {
    for (let j = 0; j <= i; j++) {
      if (data[i * n + j] !== data[j * n + i] || !(data[i * n + j]! >= 0)) isSymmetric = false;
    }
  }
  refuse(
    n >= 1 && isSymmetric && firstNonFinite(data) < 0
      ? []
      : [
          {
            path: 'distances',
            seen: `[${n}, ${distances.columns}]`,
            expected: '[state, state], symmetric, finite, none below 0',
            hint: 'distancesOf makes them of states',
          },
        ],
  );
  let radius = Infinity;
  for (let i = 0; i < n; i++) {
    let furthest = 0;
    for (let j = 0; j < n; j++) furthest = Math.max(furthest, data[i * n + j]!);
    radius = Math.min(radius, furthest);
  }
  const pairs: number[] = [];
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) if (data[i * n + j]! <= radius) pairs.push(i * n + j);
  // By length, then place: equal lengths need an order too.
  const order = Float64Array.from(pairs).sort((a, b) => data[a]! - data[b]! || a - b);
  if (order.length * n > MOST) {
    throw failure({
      path: 'distances',
      seen: `${n} states`,
      expected: `fewer, with ${order.length} edges among them`,
      hint: 'landmarks takes some of them',
    });
  }
  const place = new Int32Array(n * n).fill(order.length);
  const upper = Int32Array.from(order, (at) => Math.floor(at / n));
  const lower = Int32Array.from(order, (at) => at % n);
  for (let e = 0; e < order.length; e++) {
    place[upper[e]! * n + lower[e]!] = e;
    place[lower[e]! * n + upper[e]!] = e;
  }
  return { vertices: n, radius, length: Float64Array.from(order, (at) => data[at]!), lower, upper, place };
};

/** Edges that merge two components, in order: they close no loop. */
const mergesOf = ({ vertices, length, lower, upper }: Edges): Uint8Array => {
  const parent = Int32Array.from({ length: vertices }, (_, i) => i);
  const rootOf = (vertex: number): number => {
    let at = vertex;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  };
  const merges = new Uint8Array(length.length);
  for (let e = 0; e < length.length; e++) {
    const [a, b] = [rootOf(upper[e]!), rootOf(lower[e]!)];
    if (a === b) continue;
    parent[a] = b;
    merges[e] = 1;
  }
  return merges;
};

/** The first vertex that is joined to both ends of each edge before the edge itself is there; -1 without. */
const apparentTriangles = ({ vertices: n, length, lower, upper, place }: Edges): Int32Array => {
  const apparent = new Int32Array(length.length).fill(-1);
  for (let e = 0; e < length.length; e++) {
    const [i, j] = [upper[e]! * n, lower[e]! * n];
    for (let k = 0; k < n; k++) {
      if (place[i + k]! < e && place[j + k]! < e) {
        apparent[e] = k;
        break;
      }
    }
  }
  return apparent;
};

/** Edges as simplices with the triangles on them; orientation from the lower to the upper end. */
export const edgeSimplices = (edges: Edges): Simplices => {
  const { vertices: n, length, lower, upper, place } = edges;
  const none = length.length;
  return {
    count: none,
    vertices: n,
    isSkipped: mergesOf(edges),
    apparent: apparentTriangles(edges),
    cofaces: (e, visit) => {
      const [i, j] = [upper[e]!, lower[e]!];
      for (let k = 0; k < n; k++) {
        const [a, b] = [place[i * n + k]!, place[j * n + k]!];
        // Also the ends themselves, which have no edge to themselves.
        if (a === none || b === none) continue;
        const coface = a > b ? (a > e ? a * n + j : e * n + k) : b > e ? b * n + i : e * n + k;
        visit(coface, j < k && k < i ? -1 : 1);
      }
    },
  };
};

/** Triangles with the tetrahedra on them, those that end a loop skipped. Over Z/2: all signs are +1. */
const triangleSimplices = (
  edges: Edges,
  loops: readonly Pair[],
  apparent: Int32Array,
): Simplices & {
  readonly latestEdge: Int32Array;
} => {
  const { vertices: n, length, lower, upper, place } = edges;
  const none = length.length;
  const isEnd = new Set(loops.map(({ coface }) => coface));
  // Place of the triangle that is the latest edge and the vertex opposite, in the order in which triangles appear.
  const placeOf = new Int32Array(none * n).fill(-1);
  const [latest, opposite]: [number[], number[]] = [[], []];
  const skipped: number[] = [];
  for (let e = 0; e < none; e++) {
    const [i, j] = [upper[e]! * n, lower[e]! * n];
    for (let k = 0; k < n; k++) {
      if (!(place[i + k]! < e && place[j + k]! < e)) continue;
      placeOf[e * n + k] = latest.length;
      skipped.push(apparent[e] === k || isEnd.has(e * n + k) ? 1 : 0);
      latest.push(e);
      opposite.push(k);
    }
  }
  const count = latest.length;
  if (count * n > MOST) {
    throw failure({
      path: 'distances',
      seen: `${n} states with ${count} triangles`,
      expected: 'fewer, for dimension 2',
      hint: 'landmarks takes some 150 of them',
    });
  }
  const latestEdge = Int32Array.from(latest);
  const oppositeVertex = Int32Array.from(opposite);
  /** The place of the triangle with vertices x, y, z and edges a = yz, b = xz, c = xy. */
  const triangle = (x: number, y: number, z: number, a: number, b: number, c: number): number =>
    a > b ? (a > c ? placeOf[a * n + x]! : placeOf[c * n + z]!) : b > c ? placeOf[b * n + y]! : placeOf[c * n + z]!;
  const visitCofaces = (t: number, visit: (coface: number, sign: number) => void, isOwn: boolean): void => {
    const c = latestEdge[t]!;
    const [x, y, z] = [upper[c]!, lower[c]!, oppositeVertex[t]!];
    const [a, b] = [place[y * n + z]!, place[x * n + z]!];
    for (let v = 0; v < n; v++) {
      const [p, q, r] = [place[x * n + v]!, place[y * n + v]!, place[z * n + v]!];
      if (p === none || q === none || r === none) continue;
      if (isOwn && (p > c || q > c || r > c)) continue;
      const [tx, ty, tz] = [triangle(v, y, z, a, r, q), triangle(v, x, z, b, r, p), triangle(v, x, y, c, q, p)];
      const other = Math.max(tx, ty, tz);
      if (isOwn) {
        if (other < t) return visit(t * n + v, 1);
      } else visit(other < t ? t * n + v : other === tx ? tx * n + x : other === ty ? ty * n + y : tz * n + z, 1);
    }
  };
  const own = new Int32Array(count).fill(-1);
  for (let t = 0; t < count; t++) {
    if (skipped[t] === 0) visitCofaces(t, (coface) => void (own[t] = coface % n), true);
  }
  // An apparent pair of a skipped triangle cannot be: it would be paired twice.
  return {
    count,
    vertices: n,
    isSkipped: Uint8Array.from(skipped),
    apparent: own,
    latestEdge,
    cofaces: (t, visit) => visitCofaces(t, visit, false),
  };
};

const ROUNDING = 1e-12;

const byLength = (a: Bar, b: Bar): number =>
  a.death === b.death ? a.birth - b.birth : b.death - b.birth - (a.death - a.birth);

/**
 * Persistent homology of the Vietoris and Rips complex over Z/2, from distances `[state, state]`: components merge, loops
 * close and fill, and voids likewise, as the distance grows at which states are joined. By cohomology with clearing: edges
 * that merge components close no loop; pairs of a simplex and a coface that are each other's nearest need no reduction,
 * which is nearly all. Cost some n^3 (400 states in ten dimensions: seconds), of voids n^4 (150: seconds): take some hundred
 * `landmarks` of a longer recording. Errors: not square, not symmetric, negative or not finite; more simplices than fit.
 * Source: Bauer 2021; de Silva et al. 2011.
 */
export const persistentHomology = (
  distances: Matrix,
  { dimension = 1 }: PersistentHomologyOptions = {},
): PersistentHomology => {
  const edges = edgesOf(distances);
  const { length, radius, vertices: n } = edges;
  const simplices = edgeSimplices(edges);
  const components: Bar[] = [{ birth: 0, death: Infinity }];
  simplices.isSkipped.forEach((isMerge, e) => {
    if (isMerge === 1) components.push({ birth: 0, death: length[e]! });
  });
  const isLong = ({ birth, death }: Bar): boolean => death - birth > ROUNDING * radius;
  const pairs = reduceCoboundary(simplices);
  const loops = pairs.map(({ simplex, coface }): Bar => ({
    birth: length[simplex]!,
    death: coface < 0 ? Infinity : length[Math.floor(coface / n)]!,
  }));
  let voids: readonly Bar[] | null = null;
  if (dimension === 2) {
    const triangles = triangleSimplices(edges, pairs, simplices.apparent);
    voids = reduceCoboundary(triangles)
      .map(({ simplex, coface }): Bar => ({
        birth: length[triangles.latestEdge[simplex]!]!,
        death: coface < 0 ? Infinity : length[triangles.latestEdge[Math.floor(coface / n)]!]!,
      }))
      .filter(isLong)
      .toSorted(byLength);
  }
  return { components: components.toSorted(byLength), loops: loops.filter(isLong).toSorted(byLength), voids, radius };
};
