import type { Equations } from './equations.js';
import { type Attraction, FAILED } from './newton.js';

export interface DescentSpace {
  readonly g: Float64Array;
  readonly gradient: Float64Array;
  readonly mean: Float64Array;
  readonly square: Float64Array;
}

export const descentSpace = (order: number): DescentSpace => ({
  g: new Float64Array(order),
  gradient: new Float64Array(order),
  mean: new Float64Array(order),
  square: new Float64Array(order),
});

/**
 * Adam (Kingma and Ba 2015) on |G|^2 / 2 from x, in place, with a step of its own for every seed: 0.1, by a cosine to
 * 0.001 over `steps`. What follows is Newton's method, from where neither it nor Levenberg's would have come. Returns
 * the index of a known root, or `FAILED` with x where it ended. Cost of a step 4 n^2.
 */
export const descend = (
  equations: Equations,
  x: Float64Array,
  { g, gradient, mean, square }: DescentSpace,
  steps: number,
  attraction: Attraction,
  isLate?: () => boolean,
): number => {
  mean.fill(0);
  square.fill(0);
  let decayOfMean = 1;
  let decayOfSquare = 1;
  for (let step = 0; step < steps && isLate?.() !== true; step++) {
    equations.residual(x, g);
    if (step % 25 === 0) {
      const known = attraction(x);
      if (known >= 0) return known;
    }
    equations.transposedTimes(g, gradient);
    decayOfMean *= 0.9;
    decayOfSquare *= 0.999;
    const rate = 0.001 + 0.0495 * (1 + Math.cos((Math.PI * step) / steps));
    for (let i = 0; i < x.length; i++) {
      const slope = gradient[i]!;
      const m = 0.9 * mean[i]! + 0.1 * slope;
      const v = 0.999 * square[i]! + 0.001 * slope * slope;
      mean[i] = m;
      square[i] = v;
      x[i]! -= (rate * (m / (1 - decayOfMean))) / (Math.sqrt(v / (1 - decayOfSquare)) + 1e-8);
    }
    equations.contain(x);
  }
  return FAILED;
};
