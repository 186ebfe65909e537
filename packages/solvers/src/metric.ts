import type { FreePattern } from '@drnn/objectives';
import { type CholeskyFactor, copyMatrix, failure, type Host, matrix, type Matrix } from '@drnn/tensor';
import { projectOut } from './free.js';

/**
 * The metric A = X'X + Lambda that all units share: at the targets it is the Hessian of the variance-weighted loss,
 * and c A majorises every Hessian where the curvature is at most c (Boehning & Lindsay 1988; CORNN section 4.1).
 */
export interface Metric {
  /**
   * D with A_SS D_S = G_S on the free set S of each unit and 0 elsewhere: the exact projection in the metric. The columns
   * of G are those of `units`, by default of all.
   */
  solve(gradient: Matrix, units?: Int32Array): Matrix;
  /**
   * The same to some digits less, by products with A^-1 where that is at hand: some twice as fast, and all that a
   * preconditioner needs.
   */
  approximateSolve(gradient: Matrix, units?: Int32Array): Matrix;
  /** sqrt(g_S' A_SS^-1 g_S) for each unit: the dual norm over the free coordinates. */
  dualNorm(gradient: Matrix): Float64Array;
  /** (A^-1)_pp for every predictor, no coordinate fixed. Cost 2/3 to 2 P^3, once. */
  inverseDiagonal(): Float64Array;
  /** What had to be added to the diagonal to factor A, 0 as a rule; the objective is untouched by it. */
  readonly jitter: number;
}

export interface FactoredMetric extends Metric {
  /** L L' = A, with what had to be added to its diagonal. */
  readonly factor: CholeskyFactor;
}

/** Factors the metric. Cost P^3 / 3, and |S|^3 / 3 for each unit under a general mask. */
export const metricOf = (host: Host, gram: Matrix, ridge: Float64Array, free: FreePattern): FactoredMetric => {
  const { factor, jitter } = factorise(host, gram, ridge);
  let inverse: Matrix | null = null;
  const inverted = (): Matrix => (inverse ??= host.choleskyInverse(factor));
  const unconstrained = (g: Matrix): Matrix => host.choleskySolve(factor, g);
  const { solve, approximateSolve } = ((): Pick<Metric, 'solve' | 'approximateSolve'> => {
    if (free.kind === 'one-fixed') {
      const { fixed } = free;
      if (fixed.length >= factor.order / 4) {
        const eliminate = oneFixed(fixed, () => ({ columns: inverted(), at: fixed }));
        return {
          solve: eliminate(unconstrained),
          approximateSolve: eliminate((g) => host.matMul(inverted(), g)),
        };
      }
      // Of few units the columns that they need are cheaper than all of A^-1.
      const own = matrix(factor.order, fixed.length);
      fixed.forEach((p, j) => (own.data[p * fixed.length + j] = 1));
      const at = Int32Array.from(fixed.keys());
      const columns = unconstrained(own);
      const few = oneFixed(fixed, () => ({ columns, at }))(unconstrained);
      return { solve: few, approximateSolve: few };
    }
    const each =
      free.kind === 'sets' ? maskedSolve(host, withDiagonal(host, gram, ridge, jitter), free.sets) : unconstrained;
    return { solve: each, approximateSolve: each };
  })();
  return {
    solve,
    approximateSolve,
    dualNorm: (gradient) => {
      const inside = copyMatrix(gradient);
      projectOut(free, inside);
      return host.columnDot(inside, solve(inside)).map((square) => Math.sqrt(Math.max(square, 0)));
    },
    inverseDiagonal: () => {
      const { data, columns } = inverted();
      return Float64Array.from({ length: columns }, (_, p) => data[p * columns + p]!);
    },
    factor,
    jitter,
  };
};

/** Whether every pivot is above the rounding of its diagonal entry: below that, a factor says nothing of a sign. */
const isDefinite = (diagonal: Float64Array, { lower }: CholeskyFactor): boolean => {
  const n = diagonal.length;
  for (let k = 0; k < n; k++) if (!(lower.data[k * n + k]! ** 2 > n * Number.EPSILON * diagonal[k]!)) return false;
  return true;
};

/** X'X + Lambda + jitter I. */
const withDiagonal = (host: Host, gram: Matrix, ridge: Float64Array, jitter: number): Matrix => {
  const a = host.copy(gram);
  ridge.forEach((lambda, p) => (a.data[p * a.columns + p]! += lambda + jitter));
  return a;
};

const diagonalOf = ({ rows, columns, data }: Matrix): Float64Array =>
  Float64Array.from({ length: rows }, (_, p) => data[p * columns + p]!);

/** Where X'X is singular (few samples, no ridge), any positive definite metric still gives descent. */
const factorise = (
  host: Host,
  gram: Matrix,
  ridge: Float64Array,
): { readonly factor: CholeskyFactor; readonly jitter: number } => {
  const n = gram.rows;
  const trace = diagonalOf(gram).reduce((sum, square, p) => sum + square + ridge[p]!, 0);
  const scale = trace > 0 ? trace / n : 1;
  for (let jitter = 0; ; jitter = jitter === 0 ? 1e-14 * scale : jitter * 10) {
    const a = withDiagonal(host, gram, ridge, jitter);
    const diagonal = diagonalOf(a);
    const result = host.cholesky(a, a);
    if (result.ok && isDefinite(diagonal, result.factor)) return { factor: result.factor, jitter };
    if (!(jitter < scale)) {
      throw failure({
        path: 'recording',
        seen: 'a Gram matrix that is not finite',
        expected: 'values whose squares can be summed in float64',
        hint: 'scale the recording',
      });
    }
  }
};

/** Columns of A^-1, and which of them is that of each unit's fixed predictor. */
export interface InverseColumns {
  readonly columns: Matrix;
  readonly at: Int32Array;
}

/**
 * The solution of A D = G with D_pj = 0 for the one fixed predictor p of unit j, from that without:
 * D - A^-1 e_p D_pj / (A^-1)_pp, exact and free of iterations.
 */
export const oneFixed =
  (fixed: Int32Array, inverseColumns: () => InverseColumns) =>
  (unconstrained: (gradient: Matrix) => Matrix): Metric['solve'] => {
    return (gradient, units) => {
      const { columns: inverse, at } = inverseColumns();
      const width = inverse.columns;
      const { rows, columns } = gradient;
      const unitOf = (c: number): number => units?.[c] ?? c;
      const own = Int32Array.from({ length: columns }, (_, c) => fixed[unitOf(c)]!);
      const from = Int32Array.from({ length: columns }, (_, c) => at[unitOf(c)]!);
      const d = unconstrained(gradient);
      const shift = Float64Array.from(own, (p, c) => d.data[p * columns + c]! / inverse.data[p * width + from[c]!]!);
      for (let p = 0; p < rows; p++) {
        for (let c = 0; c < columns; c++) d.data[p * columns + c]! -= inverse.data[p * width + from[c]!]! * shift[c]!;
      }
      for (let c = 0; c < columns; c++) d.data[own[c]! * columns + c] = 0;
      return d;
    };
  };

const maskedSolve = (host: Host, a: Matrix, sets: readonly Int32Array[]): Metric['solve'] => {
  const factors = host.choleskyBatch(a, sets).map((result, j) => {
    if (!result.ok) throw new Error(`the metric of unit ${j} is not positive definite`);
    return result.factor;
  });
  return (gradient, units) => {
    const { columns } = gradient;
    const result = matrix(gradient.rows, columns);
    for (let c = 0; c < columns; c++) {
      const j = units?.[c] ?? c;
      const set = sets[j]!;
      const right = matrix(set.length, 1);
      set.forEach((p, k) => (right.data[k] = gradient.data[p * columns + c]!));
      const solution = host.choleskySolve(factors[j]!, right, right);
      set.forEach((p, k) => (result.data[p * columns + c] = solution.data[k]!));
    }
    return result;
  };
};
