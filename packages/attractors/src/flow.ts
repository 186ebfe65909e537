import type { Matrix } from '@drnn/tensor';
import { denseDerivative, type Derivative, emptyJacobian, traceOf } from './derivative.js';

/** x' = f(x). The derivative speaks of the state where `velocity` was last evaluated. */
export interface Flow extends Derivative {
  /** out = f(x). */
  velocity(x: Float64Array, out: Float64Array): void;
  /** tr J. */
  divergence(): number;
}

/** A flow whose Jacobian df/dx `[dimension, dimension]` is written entry by entry. */
export interface DenseFlow {
  readonly dimension: number;
  /** out = f(x). */
  velocity(x: Float64Array, out: Float64Array): void;
  /** out.data = df/dx at x, all of it. */
  jacobian(x: Float64Array, out: Matrix): void;
}

/** Makes a `Flow` of f and df/dx, for systems of a few variables. */
export const flowOf = ({ dimension, velocity, jacobian }: DenseFlow): Flow => {
  const J = emptyJacobian(dimension);
  return {
    ...denseDerivative(J),
    velocity: (x, out) => {
      velocity(x, out);
      jacobian(x, J);
    },
    divergence: () => traceOf(J),
  };
};
