import { type Host, type Matrix, matrix } from '@drnn/tensor';
import type { MapPoint } from './fixed-point-map.js';

/**
 * A way of choosing the next point from those seen. Units are independent, so all memory is per unit (per column), and
 * one unit may be made to forget without the others.
 */
export interface Acceleration {
  readonly name: string;
  begin(host: Host, predictors: number, units: number, safeStep: number): Proposal;
}

export interface Proposal {
  /** Where to evaluate next: a new matrix inside the free coordinates. */
  next(point: MapPoint): Matrix;
  /** Takes in an accepted point; units with `rejected` 1 stayed at `before` and forget. */
  learn(before: MapPoint, after: MapPoint, rejected: Uint8Array): void;
}

/** No memory: theta + safeStep F, which lowers every unit's objective. */
export const unaccelerated: Acceleration = {
  name: 'none',
  begin: (_host, _predictors, _units, safeStep) => ({
    next: ({ theta, direction }) => {
      const result = matrix(theta.rows, theta.columns);
      for (let i = 0; i < result.data.length; i++) result.data[i] = theta.data[i]! + safeStep * direction.data[i]!;
      return result;
    },
    learn: () => undefined,
  }),
};
