import { svd } from '@drnn/linalg';
import { type Matrix, matrix } from '@drnn/tensor';
import { distance } from './distance.js';

/** Row k, not copied. */
export const rowOf = (a: Matrix, k: number): Float64Array => a.data.subarray(k * a.columns, (k + 1) * a.columns);

/** Coordinates of states on their first two principal directions, about the mean `[state, 2]`. */
export const onPlane = (states: Matrix): Matrix => {
  const { rows, columns } = states;
  const centred = matrix(rows, columns, states.data.slice());
  for (let j = 0; j < columns; j++) {
    let mean = 0;
    for (let k = 0; k < rows; k++) mean += states.data[k * columns + j]! / rows;
    for (let k = 0; k < rows; k++) centred.data[k * columns + j]! -= mean;
  }
  const { left, values } = svd(centred);
  const plane = matrix(rows, 2);
  for (let k = 0; k < rows; k++) {
    for (let c = 0; c < Math.min(2, values.length); c++)
      plane.data[k * 2 + c] = left.data[k * left.columns + c]! * values[c]!;
  }
  return plane;
};

/** Whether points on a plane lie around their mean, and leave no gap of a quarter. */
export const isRing = (plane: Matrix): boolean => {
  const radii = Float64Array.from({ length: plane.rows }, (_, k) =>
    Math.hypot(plane.data[2 * k]!, plane.data[2 * k + 1]!),
  );
  const mean = radii.reduce((sum, r) => sum + r / radii.length, 0);
  if (!(radii.reduce((least, r) => Math.min(least, r), Infinity) > 0.4 * mean)) return false;
  const angles = Float64Array.from(radii, (_, k) => Math.atan2(plane.data[2 * k + 1]!, plane.data[2 * k]!)).sort();
  let widest = angles[0]! + 2 * Math.PI - angles.at(-1)!;
  for (let k = 1; k < angles.length; k++) widest = Math.max(widest, angles[k]! - angles[k - 1]!);
  return widest < Math.PI / 2;
};

/** States in their order along a line (by the first direction) or a ring (by the angle). */
export const inOrder = (states: Matrix, isClosed: boolean): Matrix => {
  const plane = onPlane(states);
  const key = Float64Array.from({ length: states.rows }, (_, k) =>
    isClosed ? Math.atan2(plane.data[2 * k + 1]!, plane.data[2 * k]!) : plane.data[2 * k]!,
  );
  const order = Array.from(key.keys()).sort((a, b) => key[a]! - key[b]!);
  const sorted = matrix(states.rows, states.columns);
  order.forEach((k, to) => sorted.data.set(rowOf(states, k), to * states.columns));
  return sorted;
};

/** Arclength of the polygon through states, and of all of it, closed or not. */
export const arclength = (
  states: Matrix,
  isClosed: boolean,
): { readonly positions: Float64Array; readonly length: number } => {
  const positions = new Float64Array(states.rows);
  for (let k = 1; k < states.rows; k++)
    positions[k] = positions[k - 1]! + distance(rowOf(states, k), rowOf(states, k - 1));
  const length = positions.at(-1)! + (isClosed ? distance(rowOf(states, states.rows - 1), rowOf(states, 0)) : 0);
  return { positions, length };
};

/** `count` states at equal arclength on the polygon; noise between neighbours is averaged over about a spacing first. */
export const resample = (states: Matrix, isClosed: boolean, count: number): Matrix => {
  const n = states.columns;
  const { positions, length } = arclength(states, isClosed);
  const result = matrix(count, n);
  let k = 0;
  for (let c = 0; c < count; c++) {
    const at = (length * c) / (isClosed ? count : count - 1);
    while (k + 1 < states.rows && positions[k + 1]! < at) k += 1;
    const next = k + 1 < states.rows ? k + 1 : isClosed ? 0 : k;
    const end = k + 1 < states.rows ? positions[k + 1]! : length;
    const part = end > positions[k]! ? Math.min(1, (at - positions[k]!) / (end - positions[k]!)) : 0;
    for (let i = 0; i < n; i++) {
      result.data[c * n + i] = (1 - part) * states.data[k * n + i]! + part * states.data[next * n + i]!;
    }
  }
  return result;
};

/** Unit tangents at the knots, by differences of fourth order where there are neighbours enough. */
export const tangents = (knots: Matrix, isClosed: boolean): Matrix => {
  const { rows: count, columns: n } = knots;
  const result = matrix(count, n);
  for (let k = 0; k < count; k++) {
    const at = (offset: number): Float64Array =>
      rowOf(knots, isClosed ? (k + offset + count) % count : Math.min(count - 1, Math.max(0, k + offset)));
    const hasFour = isClosed ? count >= 5 : k >= 2 && k + 2 < count;
    const t = Float64Array.from({ length: n }, (_, i) =>
      hasFour ? 8 * (at(1)[i]! - at(-1)[i]!) - (at(2)[i]! - at(-2)[i]!) : at(1)[i]! - at(-1)[i]!,
    );
    const size = Math.hypot(...t);
    result.data.set(
      t.map((value) => (size > 0 ? value / size : 0)),
      k * n,
    );
  }
  return result;
};

/** The point of the polygon that is nearest to a state: its arclength, how far it is, and the knot next to it. */
export const nearestOn = (
  knots: Matrix,
  positions: Float64Array,
  length: number,
  isClosed: boolean,
  state: Float64Array,
): { readonly position: number; readonly distance: number; readonly segment: number } => {
  let best = { position: 0, distance: Infinity, segment: 0 };
  const { rows: count, columns: n } = knots;
  for (let k = 0; k < (isClosed ? count : count - 1); k++) {
    const a = rowOf(knots, k);
    const b = rowOf(knots, (k + 1) % count);
    let [dot, square] = [0, 0];
    for (let i = 0; i < n; i++) {
      dot += (state[i]! - a[i]!) * (b[i]! - a[i]!);
      square += (b[i]! - a[i]!) ** 2;
    }
    const part = square > 0 ? Math.min(1, Math.max(0, dot / square)) : 0;
    const d = distance(
      state,
      a.map((value, i) => value + part * (b[i]! - value)),
    );
    if (d < best.distance) {
      const end = k + 1 < count ? positions[k + 1]! : length;
      best = {
        position: positions[k]! + part * (end - positions[k]!),
        distance: d,
        segment: part < 0.5 ? k : (k + 1) % count,
      };
    }
  }
  return best;
};

/** Ordered states averaged over neighbours, about as many as come to a knot: their order is not the curve's in small. */
export const smoothed = (sorted: Matrix, isClosed: boolean, count: number): Matrix => {
  const { rows, columns: n } = sorted;
  const half = Math.floor(rows / count / 2);
  if (half < 1) return sorted;
  const result = matrix(rows, n);
  for (let k = 0; k < rows; k++) {
    const reach = isClosed ? half : Math.min(half, k, rows - 1 - k);
    for (let offset = -reach; offset <= reach; offset++) {
      const row = rowOf(sorted, (k + offset + rows) % rows);
      for (let i = 0; i < n; i++) result.data[k * n + i]! += row[i]! / (2 * reach + 1);
    }
  }
  return result;
};
