import type { Equations } from './equations.js';
import { factor, solve, solveTransposed } from './lu.js';
import type { NewtonSpace } from './newton.js';

/**
 * What Kantorovich's theorem (1948) says of Newton's method at a state, with beta = |J^-1|, eta = |J^-1 G|, the Lipschitz
 * constant L of J, and h = beta L eta. With h <= 1/2 there is a root within `radius` = (1 - sqrt(1 - 2h)) / (beta L), and
 * no other within `uniqueRadius` = (1 + sqrt(1 - 2h)) / (beta L). Rounding of G is in eta. Distances are of rates.
 */
export interface Certificate {
  readonly h: number;
  /** Infinite where h > 1/2: nothing is proven. */
  readonly radius: number;
  /** 0 where h > 1/2. */
  readonly uniqueRadius: number;
  /** The smallest singular value of J, I - D W or its reduction to the rank of W. */
  readonly smallestSingularValue: number;
  /** sign det(I - D W), (-1)^(real eigenvalues of D W above 1): 1 or -1; 0 where J is singular. */
  readonly indexSign: number;
  /** Newton's method from any state within this distance of x, in the unknowns, leads to this root; 0 unless certified. */
  readonly attraction: number;
}

/** Up to here |J^-1| is bounded by the norms of the inverse; above it is 1.2 / sigma_min by inverse iteration. */
const INVERT_UP_TO = 300;

/** From below, and to 1e-6 of itself unless two singular values are close: inverse iteration on J'J, from x as it is. */
const largestOfInverse = ({ jacobian, pivots }: NewtonSpace, n: number, x: Float64Array): number => {
  let last = 0;
  for (let round = 0; round < 60; round++) {
    let length = 0;
    for (let i = 0; i < n; i++) length += x[i]! * x[i]!;
    length = Math.sqrt(length);
    for (let i = 0; i < n; i++) x[i]! /= length;
    solveTransposed(jacobian, n, pivots, x);
    solve(jacobian, n, pivots, x);
    let next = 0;
    for (let i = 0; i < n; i++) next += x[i]! * x[i]!;
    // |(J'J)^-1 x| is the square of what is asked for.
    next = Math.sqrt(Math.sqrt(next));
    if (!Number.isFinite(next)) return Infinity;
    if (next - last <= 1e-6 * next) return next;
    last = next;
  }
  return last;
};

/** |J^-1| from above by min(|.|_F, sqrt(|.|_1 |.|_inf)) of the inverse. Cost 2 n^3. */
const inverseNormBound = ({ jacobian, pivots }: NewtonSpace, n: number): number => {
  const column = new Float64Array(n);
  const rowSums = new Float64Array(n);
  let frobenius = 0;
  let largestColumn = 0;
  for (let j = 0; j < n; j++) {
    column.fill(0);
    column[j] = 1;
    solve(jacobian, n, pivots, column);
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const size = Math.abs(column[i]!);
      sum += size;
      rowSums[i]! += size;
      frobenius += size * size;
    }
    largestColumn = Math.max(largestColumn, sum);
  }
  const largestRow = rowSums.reduce((top, sum) => Math.max(top, sum), 0);
  return Math.min(Math.sqrt(frobenius), Math.sqrt(largestColumn * largestRow));
};

/**
 * The certificate of a state x. Up to 300 unknowns |J^-1| is bounded from above by norms of the computed inverse; above,
 * it is estimated, within a few percent, and multiplied by 1.2. Cost up to 8/3 n^3.
 */
export const certify = (equations: Equations, x: Float64Array, space: NewtonSpace): Certificate => {
  const n = equations.order;
  const { g, jacobian, pivots } = space;
  equations.residual(x, g);
  equations.jacobian(jacobian);
  const indexSign = factor(jacobian, n, pivots);
  const nothing = { h: Infinity, radius: Infinity, uniqueRadius: 0, indexSign, attraction: 0 };
  if (indexSign === 0) return { ...nothing, smallestSingularValue: 0 };
  const start = Float64Array.from({ length: n }, (_, i) => 1 + ((i * 0.6180339887498949) % 1));
  const estimate = largestOfInverse(space, n, start);
  const smallestSingularValue = 1 / estimate;
  solve(jacobian, n, pivots, g);
  let eta = 0;
  for (let i = 0; i < n; i++) eta += g[i]! * g[i]!;
  const bound = n <= INVERT_UP_TO ? inverseNormBound(space, n) : 1.2 * estimate;
  // J was rounded as it was formed and factored.
  const beta = bound * (1 + 4 * n * Number.EPSILON * bound * n);
  eta = Math.sqrt(eta) + beta * equations.rounding;
  const h = beta * equations.lipschitz * eta;
  // Of weights so large that a product overflows nothing is proven either.
  if (!(h <= 0.5)) return { ...nothing, h: Number.isNaN(h) ? Infinity : h, smallestSingularValue };
  const root = Math.sqrt(1 - 2 * h);
  const scale = beta * equations.lipschitz;
  const radius = (2 * eta) / (1 + root);
  // Rheinboldt (1974): from within 2 / (3 beta L) of a root Newton's method leads there; beta and L are bounds, so are these.
  const attraction = scale > 0 ? Math.max(0, (2 / 3) * ((1 - 2 * scale * radius) / scale) - radius) : Infinity;
  return {
    h,
    radius: radius * Math.max(1, equations.stretch),
    uniqueRadius: scale > 0 ? (1 + root) / scale : Infinity,
    smallestSingularValue,
    indexSign,
    attraction,
  };
};
