import { copyMatrix, type Host, matrix, type Matrix } from '@drnn/tensor';
import { anderson } from './anderson.js';
import type { MapPoint } from './fixed-point-map.js';
import { proxNuclear, weightRows } from './nuclear-norm.js';

/** A model with a nuclear norm, and where its solution stands. */
export interface NuclearModel {
  readonly strength: number;
  /** rho: the weight of the distance between the two copies of W. */
  readonly coupling: number;
  /**
   * argmin of the rest of the model + rho / 2 |W - towards|^2, from theta0 with gradient [predictor, unit] of all of
   * that at theta0. Exact or nearly so.
   */
  readonly minimise: (theta0: Matrix, gradient: Matrix) => Matrix;
}

/** The minimum of a model: Theta inside the constraints, and the dual matrix with singular values at most the strength. */
export interface NuclearTarget {
  readonly target: Matrix;
  readonly dual: Matrix;
  /** Where the next model may start: W + dual / rho. */
  readonly shifted: Matrix;
}

const memory = 8;
const mostSteps = 300;
/** The two copies of W agree to this fraction of the step that they are to find. */
const agreement = 1e-4;

/**
 * Minimises g . (theta - theta0) + the model's own curvature + strength |W|_* by Douglas-Rachford splitting (Lions &
 * Mercier 1979; Eckstein & Bertsekas 1992): Z = prox of the norm at V, Theta = the minimum of the rest near 2 Z - V,
 * V + Theta - Z next, with Anderson's acceleration on V that forgets when the copies move apart. No pass over time: a
 * step costs one singular value decomposition of W and one solve. With rho = strength / |W| both copies move at the
 * pace of W itself.
 */
export const nuclearTarget = (
  host: Host,
  { strength, coupling, minimise }: NuclearModel,
  theta0: Matrix,
  smoothGradient: Matrix,
  from: Matrix,
): NuclearTarget => {
  const { rows: units, columns } = from;
  const size = units * columns;
  const column = (data: Float64Array): Matrix => matrix(size, 1, data);
  const start = weightRows(theta0, units);
  const proposal = anderson(memory).begin(host, size, 1, 1);
  const kept = Uint8Array.of(0);
  const forget = Uint8Array.of(1);
  let shifted = column(from.data.slice());
  let previous: { readonly point: MapPoint; readonly apart: number } | null = null;
  for (let k = 0; ; k++) {
    const v = matrix(units, columns, shifted.data);
    const z = proxNuclear(host, v, strength / coupling);
    const gradient = copyMatrix(smoothGradient);
    for (let i = 0; i < size; i++) {
      gradient.data[i]! += coupling * (start.data[i]! - 2 * z.data[i]! + v.data[i]!);
    }
    const target = minimise(theta0, gradient);
    const direction = column(new Float64Array(size));
    let [apart, moved, whole] = [0, 0, 0];
    for (let i = 0; i < size; i++) {
      const difference = target.data[i]! - z.data[i]!;
      direction.data[i] = difference;
      apart += difference ** 2;
      moved += (target.data[i]! - start.data[i]!) ** 2;
      whole += v.data[i]! ** 2;
    }
    const close = Math.max(agreement ** 2 * moved, 1e-28 * whole);
    if (apart <= close || k >= mostSteps || !Number.isFinite(apart)) {
      const dual = matrix(units, columns);
      for (let i = 0; i < size; i++) dual.data[i] = coupling * (v.data[i]! - z.data[i]!);
      return { target, dual, shifted: v };
    }
    const negative = column(direction.data.map((value) => -value));
    const point: MapPoint = { theta: shifted, value: noValue, gradient: negative, direction };
    if (previous !== null) proposal.learn(previous.point, point, apart > 4 * previous.apart ? forget : kept);
    previous = { point, apart };
    shifted = proposal.next(point);
  }
};

const noValue = new Float64Array(1);
