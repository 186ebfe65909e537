import type { Matrix } from '@drnn/tensor';
import { denseDerivative, type Derivative, emptyJacobian } from './derivative.js';

/** x[t+1] = F(x[t], t). The derivative speaks of the state where `image` was last evaluated. */
export interface IteratedMap extends Derivative {
  /** out = F(x) at step `time`, which a map without inputs does not look at. */
  image(x: Float64Array, out: Float64Array, time: number): void;
}

/** A map whose Jacobian dF/dx `[dimension, dimension]` is written entry by entry. */
export interface DenseMap {
  readonly dimension: number;
  /** out = F(x). */
  image(x: Float64Array, out: Float64Array, time: number): void;
  /** out.data = dF/dx at x, all of it. */
  jacobian(x: Float64Array, out: Matrix): void;
}

/** Makes an `IteratedMap` of F and dF/dx, for systems of a few variables. */
export const mapOf = ({ dimension, image, jacobian }: DenseMap): IteratedMap => {
  const J = emptyJacobian(dimension);
  return {
    ...denseDerivative(J),
    image: (x, out, time) => {
      image(x, out, time);
      jacobian(x, J);
    },
  };
};
