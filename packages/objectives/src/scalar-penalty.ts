/**
 * A convex function h of one weight, with all that solvers need of it: no derivative, but its proximal operator and its
 * one-sided slopes (Moreau 1965; Parikh & Boyd 2014). `assertPenalty` of `@drnn/objectives/laws` holds one to this.
 */
export interface ScalarPenalty {
  readonly name: string;
  /** h(x), finite for every finite x. */
  value(x: number): number;
  /** argmin over x of (x - v)^2 / 2 + step h(x), step >= 0. */
  prox(v: number, step: number): number;
  /** The slope of h just below x, and just above it; they differ where h has a kink. */
  slopeBelow(x: number): number;
  slopeAbove(x: number): number;
}

/** |x|: its prox is the soft threshold, sign(v) max(|v| - step, 0). */
export const absoluteValue: ScalarPenalty = {
  name: 'absolute value',
  value: Math.abs,
  prox: (v, step) => (v > step ? v - step : v < -step ? v + step : 0),
  slopeBelow: (x) => (x > 0 ? 1 : -1),
  slopeAbove: (x) => (x < 0 ? -1 : 1),
};
