import { failure, firstNonFinite, type Matrix, matrix, refuse } from '@drnn/tensor';

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
  /** The distance from which on the complex is a cone: every loop has ended there. */
  readonly radius: number;
}

/** Euclidean distances between states `[state, unit]`, `[state, state]`. Cost n^2 N / 2. */
export const distancesOf = (states: Matrix): Matrix => {
  const { rows: n, columns, data } = states;
  if (firstNonFinite(data) >= 0) throw failure({ path: 'states', seen: 'NaN or infinity', expected: 'finite numbers' });
  const result = matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let k = 0; k < columns; k++) sum += (data[i * columns + k]! - data[j * columns + k]!) ** 2;
      result.data[i * n + j] = Math.sqrt(sum);
      result.data[j * n + i] = Math.sqrt(sum);
    }
  }
  return result;
};

/**
 * `count` of the states `[state, unit]`, each as far as possible from those before it (maxmin), the first one the given: a
 * sparse outline of a cloud. Cost count n N. Errors: no states.
 */
export const landmarks = (states: Matrix, count: number, first = 0): Int32Array => {
  const { rows, columns, data } = states;
  if (!(first >= 0 && first < rows)) throw failure({ path: 'first', seen: `${first}`, expected: `0 to ${rows - 1}` });
  const chosen = new Int32Array(Math.min(count, rows));
  const distance = new Float64Array(rows).fill(Infinity);
  let next = first;
  for (let k = 0; k < chosen.length; k++) {
    chosen[k] = next;
    let furthest = 0;
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let j = 0; j < columns; j++) sum += (data[i * columns + j]! - data[chosen[k]! * columns + j]!) ** 2;
      distance[i] = Math.min(distance[i]!, sum);
      if (distance[i]! > distance[furthest]!) furthest = i;
    }
    next = furthest;
  }
  return chosen;
};

/** Entries of a column of the coboundary matrix over Z/2, the earliest triangle on top; equal ones cancel in pairs. */
interface Column {
  readonly clear: () => void;
  readonly push: (diameter: number, triangle: number) => void;
  /** The earliest triangle that is left, or -1. */
  readonly pivot: () => number;
}

const columnHeap = (): Column => {
  let diameters = new Float64Array(1024);
  let triangles = new Float64Array(1024);
  let size = 0;
  const isBefore = (a: number, b: number): boolean => {
    const apart = diameters[a]! - diameters[b]!;
    return apart < 0 || (apart === 0 && triangles[a]! < triangles[b]!);
  };
  const swap = (a: number, b: number): void => {
    const [diameter, triangle] = [diameters[a]!, triangles[a]!];
    diameters[a] = diameters[b]!;
    triangles[a] = triangles[b]!;
    diameters[b] = diameter;
    triangles[b] = triangle;
  };
  const push = (diameter: number, triangle: number): void => {
    if (size === diameters.length) {
      const [moreDiameters, moreTriangles] = [new Float64Array(2 * size), new Float64Array(2 * size)];
      moreDiameters.set(diameters);
      moreTriangles.set(triangles);
      [diameters, triangles] = [moreDiameters, moreTriangles];
    }
    diameters[size] = diameter;
    triangles[size] = triangle;
    for (let at = size; at > 0 && isBefore(at, (at - 1) >> 1); at = (at - 1) >> 1) swap(at, (at - 1) >> 1);
    size += 1;
  };
  const pop = (): void => {
    size -= 1;
    diameters[0] = diameters[size]!;
    triangles[0] = triangles[size]!;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      if (left >= size) return;
      const next = left + 1 < size && isBefore(left + 1, left) ? left + 1 : left;
      if (!isBefore(next, at)) return;
      swap(at, next);
      at = next;
    }
  };
  return {
    clear: () => {
      size = 0;
    },
    push,
    pivot: () => {
      while (size > 0) {
        const [diameter, triangle] = [diameters[0]!, triangles[0]!];
        let count = 0;
        for (; size > 0 && triangles[0] === triangle; count++) pop();
        if (count % 2 === 1) {
          push(diameter, triangle);
          return triangle;
        }
      }
      return -1;
    },
  };
};

/** Vertices i > j > k of a triangle, with its place i (i-1) (i-2) / 6 + j (j-1) / 2 + k in the list of all. */
const triangleOf = (i: number, j: number, k: number): number => (i * (i - 1) * (i - 2)) / 6 + (j * (j - 1)) / 2 + k;

const ROUNDING = 1e-12;

/**
 * Persistent homology of the Vietoris and Rips complex over Z/2 in dimensions 0 and 1, from distances `[state, state]`:
 * components merge and loops close and fill as the distance grows at which states are joined. By cohomology with clearing:
 * edges that merge components close no loop; pairs of an edge and a triangle that are each other's nearest need no
 * reduction, which is nearly all. Cost some n^3 for n states on a curve or a surface (400: a second), far more in a cloud
 * without shape (400 in ten dimensions: minutes): take some hundred `landmarks` of
 * a longer recording. Errors: not square, not symmetric, negative or not finite. Source: Bauer 2021; de Silva et al. 2011.
 */
export const persistentHomology = (distances: Matrix): PersistentHomology => {
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

  // Edges (i, j), i > j, by their place i (i-1) / 2 + j; the order of the filtration is by length, then place.
  const lengths = new Float64Array((n * (n - 1)) / 2);
  const [upper, lower] = [new Int32Array(lengths.length), new Int32Array(lengths.length)];
  for (let i = 0, e = 0; i < n; i++) {
    for (let j = 0; j < i; j++, e++) {
      lengths[e] = data[i * n + j]!;
      upper[e] = i;
      lower[e] = j;
    }
  }
  const order = Uint32Array.from(lengths.keys())
    .filter((e) => lengths[e]! <= radius)
    .sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  const isLater = (a: number, b: number): boolean => {
    const apart = lengths[a]! - lengths[b]!;
    return apart > 0 || (apart === 0 && a > b);
  };

  const parent = Int32Array.from({ length: n }, (_, i) => i);
  const rootOf = (vertex: number): number => {
    let at = vertex;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  };
  const components: Bar[] = [{ birth: 0, death: Infinity }];
  const merges = new Uint8Array(lengths.length);
  for (const e of order) {
    const [a, b] = [rootOf(upper[e]!), rootOf(lower[e]!)];
    if (a === b) continue;
    parent[a] = b;
    merges[e] = 1;
    components.push({ birth: 0, death: lengths[e]! });
  }

  const edgeOf = (a: number, b: number): number => (a > b ? (a * (a - 1)) / 2 + b : (b * (b - 1)) / 2 + a);
  const triangleWith = (i: number, j: number, k: number): number =>
    k > i ? triangleOf(k, i, j) : k > j ? triangleOf(i, k, j) : triangleOf(i, j, k);
  /** The earliest triangle on an edge, or -1. */
  const earliestOn = (e: number): number => {
    const [i, j] = [upper[e]!, lower[e]!];
    let best = -1;
    let shortest = Infinity;
    for (let k = 0; k < n; k++) {
      if (k === i || k === j) continue;
      const diameter = Math.max(lengths[e]!, data[i * n + k]!, data[j * n + k]!);
      if (diameter > radius || diameter > shortest) continue;
      const triangle = triangleWith(i, j, k);
      if (diameter < shortest || triangle < best) [best, shortest] = [triangle, diameter];
    }
    return best;
  };
  /** The latest edge of a triangle, whose length is its diameter. */
  const latestOf = (triangle: number): number => {
    let i = 2;
    for (let high = n; high - i > 1;) {
      const middle = (i + high) >> 1;
      if (triangleOf(middle, 1, 0) <= triangle) i = middle;
      else high = middle;
    }
    const rest = triangle - (i * (i - 1) * (i - 2)) / 6;
    let j = 1;
    for (let high = i; high - j > 1;) {
      const middle = (j + high) >> 1;
      if ((middle * (middle - 1)) / 2 <= rest) j = middle;
      else high = middle;
    }
    const k = rest - (j * (j - 1)) / 2;
    const [a, b, c] = [edgeOf(i, j), edgeOf(i, k), edgeOf(j, k)];
    const later = isLater(a, b) ? a : b;
    return isLater(later, c) ? later : c;
  };

  const column = columnHeap();
  const pushCoboundary = (e: number): void => {
    const [i, j] = [upper[e]!, lower[e]!];
    for (let k = 0; k < n; k++) {
      if (k === i || k === j) continue;
      const diameter = Math.max(lengths[e]!, data[i * n + k]!, data[j * n + k]!);
      if (diameter <= radius) column.push(diameter, triangleWith(i, j, k));
    }
  };
  /** Edges whose columns add up to the reduced one with this pivot. */
  const reduced = new Map<number, readonly number[]>();
  const loops: Bar[] = [];
  for (let at = order.length - 1; at >= 0; at--) {
    const e = order[at]!;
    if (merges[e] === 1) continue;
    const nearest = earliestOn(e);
    if (nearest >= 0 && latestOf(nearest) === e) continue;
    column.clear();
    pushCoboundary(e);
    const sum = new Set([e]);
    for (;;) {
      const pivot = column.pivot();
      if (pivot < 0) {
        loops.push({ birth: lengths[e]!, death: Infinity });
        break;
      }
      let owner = reduced.get(pivot);
      if (owner === undefined) {
        const latest = latestOf(pivot);
        // Such a pair was never reduced: its column is the edge's own.
        if (latest !== e && earliestOn(latest) === pivot) owner = [latest];
        else {
          reduced.set(pivot, [...sum]);
          const death = lengths[latest]!;
          if (death - lengths[e]! > ROUNDING * radius) loops.push({ birth: lengths[e]!, death });
          break;
        }
      }
      for (const edge of owner) {
        pushCoboundary(edge);
        if (!sum.delete(edge)) sum.add(edge);
      }
    }
  }
  const byLength = (a: Bar, b: Bar): number =>
    a.death === b.death ? a.birth - b.birth : b.death - b.birth - (a.death - a.birth);
  return { components: components.toSorted(byLength), loops: loops.toSorted(byLength), radius };
};
