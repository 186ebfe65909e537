import type { Matrix } from '@drnn/tensor';
import { matrix } from '@drnn/tensor';
import { transposedTimes } from './currents.js';
import { mapRows } from './map-rows.js';

/**
 * J, the derivative of a system at the state where it was last evaluated. Directions are the rows of `[count,
 * dimension]`, so that each is contiguous. Nothing here allocates.
 */
export interface Derivative {
  readonly dimension: number;
  /** Row d of `out` is J times row d of `directions`; the two do not overlap. */
  tangent(directions: Float64Array, count: number, out: Float64Array): void;
  /** out = J' v. */
  adjoint(v: Float64Array, out: Float64Array): void;
  /** out = J, `[dimension, dimension]`. */
  jacobian(out: Float64Array): void;
  /** Whether what runs this system shall end: its time is up. What it returns then is worth nothing. Default never. */
  isCut?(): boolean;
}

/** The products of a J that is held as a matrix. */
export const denseDerivative = (J: Matrix): Derivative => {
  const n = J.rows;
  return {
    dimension: n,
    tangent: (directions, count, out) => mapRows(J.data, n, n, directions, count, out),
    adjoint: (v, out) => transposedTimes(J.data, n, n, v, out),
    jacobian: (out) => out.set(J.data),
  };
};

/** tr J. */
export const traceOf = ({ rows, data }: Matrix): number => {
  let sum = 0;
  for (let i = 0; i < rows; i++) sum += data[i * rows + i]!;
  return sum;
};

/** Room for a J. */
export const emptyJacobian = (dimension: number): Matrix => matrix(dimension, dimension);
