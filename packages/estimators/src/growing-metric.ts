import type { FreePattern } from '@drnn/objectives';
import { type Metric, metricOf, projectOut, oneFixed } from '@drnn/solvers';
import { copyMatrix, type Host, identity, matrix, type Matrix } from '@drnn/tensor';

/** X'X + Lambda of a window of rows that come and go, with its inverse kept for as long as that is cheap. */
export interface GrowingMetric {
  /** X'X. */
  readonly gram: Matrix;
  /** Whether `metric` has an inverse at hand. */
  readonly isReady: boolean;
  /** X [row, predictor] joins. Cost 2 rows P^2 flop, and as much again twice while an inverse is kept. */
  add(x: Matrix): void;
  /** Rows with this X'X leave. Cost P^2; the inverse is made anew when next asked for. */
  drop(gram: Matrix): void;
  /** The metric for a ridge [predictor] that was lambda times the number of rows in the window. */
  metric(ridge: Float64Array): Metric;
}

/** Fewer new rows than this fraction of P are cheaper to take into the inverse than to invert again. */
const mostOfOrder = 1 / 4;
/** The inverse is made anew when the window has grown by this much: the ridge, which grows with it, is not followed. */
const mostGrowth = 0.05;

/**
 * Keeps X'X by rank-k updates and (X'X + Lambda)^-1 by Woodbury's identity (1950): with A = L L' for I + X A^-1 X',
 * A^-1 - K'K, K = L^-1 X A^-1, 4 k P^2 flop for k rows in place of the 2.3 P^3 of a factor and an inverse. Under a general
 * mask, whose projection needs a factor a unit, all is made anew.
 */
export const growingMetric = (host: Host, predictors: number, free: FreePattern): GrowingMetric => {
  const gram = matrix(predictors, predictors);
  let inverse: Matrix | null = null;
  let rows = 0;
  let rowsInverted = 0;

  return {
    gram,
    get isReady() {
      return inverse !== null;
    },
    add: (x) => {
      host.rankUpdate(gram, x);
      rows += x.rows;
      if (inverse === null) return;
      if (x.rows > mostOfOrder * predictors || rows > (1 + mostGrowth) * rowsInverted) {
        inverse = null;
        return;
      }
      const gain = host.matMul(x, inverse);
      const scatter = host.matMul(gain, x, { transposeB: true });
      for (let t = 0; t < x.rows; t++) scatter.data[t * (x.rows + 1)]! += 1;
      const result = host.cholesky(scatter, scatter);
      if (!result.ok) {
        inverse = null;
        return;
      }
      host.triangularSolve(result.factor.lower, gain, { out: gain });
      host.rankUpdate(inverse, gain, -1);
    },
    drop: (part) => {
      for (let i = 0; i < gram.data.length; i++) gram.data[i]! -= part.data[i]!;
      inverse = null;
    },
    metric: (ridge) => {
      if (free.kind === 'sets') return metricOf(host, gram, ridge, free);
      if (inverse === null) {
        inverse = metricOf(host, gram, ridge, { kind: 'all' }).solve(identity(predictors));
        rowsInverted = rows;
      }
      return metricByInverse(host, inverse, free);
    },
  };
};

const metricByInverse = (host: Host, inverse: Matrix, free: FreePattern): Metric => {
  const unconstrained = (gradient: Matrix): Matrix => host.matMul(inverse, gradient);
  const solve =
    free.kind === 'one-fixed'
      ? oneFixed(free.fixed, () => ({ columns: inverse, at: free.fixed }))(unconstrained)
      : unconstrained;
  const n = inverse.rows;
  return {
    solve,
    approximateSolve: solve,
    dualNorm: (gradient) => {
      const inside = copyMatrix(gradient);
      projectOut(free, inside);
      return host.columnDot(inside, solve(inside)).map((square) => Math.sqrt(Math.max(square, 0)));
    },
    inverseDiagonal: () => Float64Array.from({ length: n }, (_, p) => inverse.data[p * (n + 1)]!),
    jitter: 0,
  };
};
