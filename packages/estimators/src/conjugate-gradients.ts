import { copyMatrix, type Host, matrix, type Matrix } from '@drnn/tensor';

export interface ConjugateGradientsRequest {
  readonly host: Host;
  /** H_j v_j for all units j, 0 at fixed coordinates. */
  readonly times: (v: Matrix) => Promise<Matrix>;
  /** P_j^-1 r_j for all units, inside the free coordinates. */
  readonly precondition: (r: Matrix) => Matrix;
  /** b [predictor, unit], 0 at fixed coordinates. */
  readonly right: Matrix;
  /** Asked after every product with each unit's remaining decrement (estimated): whether that is enough. */
  readonly enough: (remaining: Float64Array, products: number) => boolean;
}

export interface ConjugateGradientsResult {
  /** x with H_j x_j near b_j. */
  readonly solution: Matrix;
  /** b' x: twice the decrease of the quadratic model, from below. */
  readonly decrement: Float64Array;
  /** e' H e of what is left, estimated. */
  readonly remaining: Float64Array;
  readonly products: number;
}

/** So many steps of one unit make the estimate of what is left. */
const delay = 2;

/**
 * Preconditioned conjugate gradients for all units at once, H_j x_j = b_j: one pass a product. What is left of a unit's
 * energy, e' H e, is estimated by the larger of r' P^-1 r and its decrease over the last two steps (Hestenes & Stiefel
 * 1952, theorem 6:1). A unit that breaks down (curvature or residual not positive, or not finite) keeps what it has,
 * and starts again from there with its preconditioned residual once; then it rests.
 */
export const conjugateGradients = async (request: ConjugateGradientsRequest): Promise<ConjugateGradientsResult> => {
  const { host, times, precondition, right } = request;
  const { rows, columns } = right;
  const solution = matrix(rows, columns);
  const residual = copyMatrix(right);
  let preconditioned = precondition(residual);
  const direction = copyMatrix(preconditioned);
  let size = host.columnDot(residual, preconditioned);
  const recent = Array.from({ length: delay }, () => new Float64Array(columns));
  const remaining = size.slice();
  const resting = Uint8Array.from(size, (s) => (s > 0 && Number.isFinite(s) ? 0 : 1));
  const restarted = new Uint8Array(columns);
  let products = 0;
  while (!resting.every((rests) => rests === 1)) {
    const image = await times(direction);
    products++;
    const curvature = host.columnDot(direction, image);
    const step = new Float64Array(columns);
    for (let j = 0; j < columns; j++) {
      const length = size[j]! / curvature[j]!;
      if (resting[j] === 0 && curvature[j]! > 0 && Number.isFinite(length)) step[j] = length;
    }
    host.columnScaleAdd(step, direction, solution);
    host.columnScaleAdd(
      step.map((s) => -s),
      image,
      residual,
    );
    preconditioned = precondition(residual);
    const next = host.columnDot(residual, preconditioned);
    const mix = new Float64Array(columns);
    const slot = recent[products % delay];
    for (let j = 0; j < columns; j++) {
      if (resting[j] === 1) continue;
      if (slot !== undefined) slot[j] = step[j]! * size[j]!;
      if (step[j]! > 0 && next[j]! > 0 && Number.isFinite(next[j]!)) {
        mix[j] = next[j]! / size[j]!;
        remaining[j] = Math.max(next[j]!, ...recent.map((gains) => gains[j]!));
      } else if (next[j] === 0) {
        resting[j] = 1;
        remaining[j] = 0;
      } else if (restarted[j] === 0 && next[j]! > 0 && Number.isFinite(next[j]!)) restarted[j] = 1;
      else resting[j] = 1;
    }
    if (request.enough(remaining, products)) break;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const at = i * columns + j;
        direction.data[at] = resting[j] === 1 ? 0 : preconditioned.data[at]! + mix[j]! * direction.data[at]!;
      }
    }
    size = next;
  }
  return { solution, decrement: host.columnDot(right, solution), remaining, products };
};
