import {
  div,
  type Expression,
  firstNonFinite,
  type Issue,
  type Matrix,
  max,
  min,
  pointwise,
  square,
  add,
} from '@drnn/tensor';
import type { Transfer } from './transfer.js';

/**
 * How much each sample counts, from data only, so that the loss stays convex.
 * - `none`: 1.
 * - `variance`: 1 / V(d), which is 1 / (1 - d^2) for tanh: efficient for noise in the current (CORNN, section 3).
 * - `capped`: min(1 / V(d), cap).
 * - `calibrated`: q / (q^2 + kappa) with q = V(d): efficient when noise enters both inside and outside the
 *   nonlinearity, kappa the ratio of their variances; at most 1 / (2 sqrt kappa).
 * - `explicit`: given numbers, [time, unit].
 */
export type Weights =
  | { readonly kind: 'none' }
  | { readonly kind: 'variance' }
  | { readonly kind: 'capped'; readonly cap: number }
  | { readonly kind: 'calibrated'; readonly kappa: number }
  | { readonly kind: 'explicit'; readonly values: Matrix };

/** What the options of an objective accept for `weights`. */
export type WeightsOption = 'none' | 'variance' | Weights;

export const weightsOf = (option: WeightsOption): Weights => (typeof option === 'string' ? { kind: option } : option);

/** Everything wrong with the numbers of a weight rule. */
export const weightIssues = (weights: Weights): readonly Issue[] => {
  switch (weights.kind) {
    case 'none':
    case 'variance':
      return [];
    case 'capped':
      return weights.cap > 0 && Number.isFinite(weights.cap)
        ? []
        : [{ path: 'weights.cap', seen: `${weights.cap}`, expected: 'a finite number above 0' }];
    case 'calibrated':
      return weights.kappa > 0 && Number.isFinite(weights.kappa)
        ? []
        : [{ path: 'weights.kappa', seen: `${weights.kappa}`, expected: 'a finite number above 0' }];
    case 'explicit': {
      const at = firstNonFinite(weights.values.data);
      const negative = weights.values.data.findIndex((w) => w < 0);
      return [
        ...(at >= 0
          ? [{ path: 'weights', seen: `${weights.values.data[at]} at entry ${at}`, expected: 'finite numbers' }]
          : []),
        ...(negative >= 0
          ? [
              {
                path: 'weights',
                seen: `${weights.values.data[negative]} at entry ${negative}`,
                expected: 'numbers of at least 0, since a negative weight makes the loss concave',
              },
            ]
          : []),
      ];
    }
  }
};

/** The weight as an expression in `d`; null for explicit weights, which are data of their own. */
export const weightExpression = (weights: Weights, transfer: Transfer): Expression | null =>
  weights.kind === 'explicit'
    ? null
    : pointwise(({ d }) => {
        const q = max(transfer.variance(d), 0);
        switch (weights.kind) {
          case 'none':
            return 1;
          case 'variance':
            return div(1, q);
          case 'capped':
            return min(div(1, q), weights.cap);
          case 'calibrated':
            return div(q, add(square(q), weights.kappa));
        }
      });
