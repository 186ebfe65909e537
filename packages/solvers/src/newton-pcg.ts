import { copyMatrix, type Issue, type Matrix, mul, refuse, type Rows, variable } from '@drnn/tensor';
import { batchedPcg, type PcgResult } from './batched-pcg.js';
import { largestDamping, nextDamping } from './damping.js';
import { projectOut } from './free.js';
import { backtrack } from './line-search.js';
import { type Measured, measured, startOf } from './measured.js';
import type { Problem } from './problem.js';
import { eigenbasisSolve, type SharedEigenbasis, sharedEigenbasis } from './shared-eigenbasis.js';
import type { Solver } from './solver.js';
import { defaultStop } from './stopping.js';

export interface NewtonPcgOptions {
  /**
   * `metric`, the factor of X'X + Lambda, fits where curvature is near 1 (variance weights). `eigenbasis`, (s_j X'X +
   * Lambda)^-1 with s_j the mean of unit j's curvature, costs an eigendecomposition once and fits where units differ.
   * Default `metric`.
   */
  readonly preconditioner?: 'metric' | 'eigenbasis';
  /** Products with the Hessians in one step at most. Default 200. */
  readonly maxProducts?: number;
  /** Part of Newton's decrement that a step may leave out, far from the optimum. Default 0.1. */
  readonly forcing?: number;
  /**
   * `keep` the curvatures of a step as rows [transition, unit] (4 T P N flop a product), or `recompute` them in each
   * product (6 T P N, no memory). Default `keep`.
   */
  readonly curvatures?: 'keep' | 'recompute';
}

export interface NewtonPcgState extends Measured {
  /** mu_j: how much of the shared metric is added to each unit's Hessian. */
  readonly damping: Float64Array;
  /** Products the step that led here took, and g'H^-1 g as it was at the point before [unit]; none at the start. */
  readonly products: number;
  readonly decrement: Float64Array;
  readonly basis: SharedEigenbasis | null;
}

/**
 * Newton's method for each unit, its systems solved by conjugate gradients on all units at once (`batchedPcg`) and no
 * Hessian ever formed. Inexact (Dembo, Eisenstat & Steihaug 1982): what a solve may lack of the decrement is
 * min(forcing, |g_j| / |g_j at zero|), so that convergence is superlinear. Steps are searched and damped as in `newton`.
 * No bound on the curvature is needed. Cost a step: an evaluation a trial (4 T P N flop), one more for the curvatures,
 * and the products.
 */
export const newtonPcgWith = (options: NewtonPcgOptions = {}): Solver<NewtonPcgState> => {
  const { preconditioner = 'metric', maxProducts = 200, forcing = 0.1, curvatures = 'keep' } = options;
  const issues: Issue[] = [];
  if (!(Number.isInteger(maxProducts) && maxProducts >= 1)) {
    issues.push({ path: 'newton-pcg maxProducts', seen: `${maxProducts}`, expected: 'a whole number of at least 1' });
  }
  if (!(forcing > 0 && forcing < 1)) {
    issues.push({ path: 'newton-pcg forcing', seen: `${forcing}`, expected: 'a number between 0 and 1' });
  }
  refuse(issues);
  return {
    name: 'newton-pcg',
    stop: defaultStop,
    init: async (problem, start) => {
      const theta = await startOf(problem, start);
      const { host } = problem.on;
      return {
        ...(await measured(problem, 0, { theta, ...(await problem.evaluate(theta)) })),
        damping: new Float64Array(theta.columns),
        products: 0,
        decrement: new Float64Array(theta.columns),
        basis: preconditioner === 'metric' ? null : sharedEigenbasis(host, await problem.gram(), problem.ridge),
        exhausted: false,
      };
    },
    step: async (problem, state) => {
      const relative = state.size.map((size, j) => (size > 0 ? Math.min(forcing, size / state.scale[j]!) : forcing));
      const solved = await inexactDirection(problem, state, { relative, maxProducts, keep: curvatures === 'keep' });
      const { direction, decrement, products } = solved;
      const { length, theta, value, gradient } = await backtrack(problem, { ...state, direction });
      return {
        ...(await measured(problem, state.step + 1, { theta, value, gradient })),
        damping: state.damping.map((mu, j) => nextDamping(mu, length[j]!)),
        products,
        decrement,
        basis: state.basis,
        // A unit that found no step tries again with more damping, as long as there is more to be had.
        exhausted: length.every((a, j) => a === 0 && state.damping[j]! >= largestDamping),
      };
    },
  };
};

/** `newtonPcgWith` as it is without options. */
export const newtonPcg: Solver<NewtonPcgState> = newtonPcgWith();

const curvature = variable('h');
// Made once: a backend knows an expression it has compiled by its identity.
const curvatureAlong = mul(curvature, variable('v'));

/** -(H_j + mu_j A)^-1 g_j for all units, as nearly as the tolerances ask. */
const inexactDirection = async (
  problem: Problem,
  state: NewtonPcgState,
  solve: { readonly relative: Float64Array; readonly maxProducts: number; readonly keep: boolean },
): Promise<PcgResult> => {
  const { host } = problem.on;
  const right = copyMatrix(state.gradient);
  for (let i = 0; i < right.data.length; i++) right.data[i] = -right.data[i]!;
  const kept = solve.keep || state.basis !== null ? await problem.curvatures(state.theta) : null;
  try {
    const precondition = await preconditionerFor(problem, state, kept);
    const gram = state.damping.some((mu) => mu > 0) ? await problem.gram() : null;
    return await batchedPcg({
      host,
      right,
      relative: solve.relative,
      maxProducts: solve.maxProducts,
      project: (a) => projectOut(problem.free, a),
      precondition,
      hessianTimes: async (v) => {
        const product =
          kept !== null && solve.keep
            ? await keptTimes(problem, kept, v)
            : await problem.curvatureTimes(state.theta, v);
        if (gram !== null) addDamping(problem, gram, state.damping, v, product);
        return product;
      },
    });
  } finally {
    kept?.release();
  }
};

/** X' (h * X V) + Lambda V. */
const keptTimes = async (problem: Problem, kept: Rows, v: Matrix): Promise<Matrix> => {
  const { backProject } = await problem.on.pass(problem.rows.design, {
    currents: { v },
    data: { h: kept },
    backProject: [curvatureAlong],
  });
  const [product] = backProject;
  if (product === undefined) throw new Error('a pass returned less than it was asked for');
  for (let p = 0; p < v.rows; p++) {
    const lambda = problem.ridge[p]!;
    for (let i = p * v.columns; i < (p + 1) * v.columns; i++) product.data[i]! += lambda * v.data[i]!;
  }
  return product;
};

/** product + mu_j (X'X + Lambda) v_j, in place. */
const addDamping = (problem: Problem, gram: Matrix, damping: Float64Array, v: Matrix, product: Matrix): void => {
  const { host } = problem.on;
  const shared = host.matMul(gram, v);
  for (let p = 0; p < v.rows; p++) {
    const lambda = problem.ridge[p]!;
    for (let i = p * v.columns; i < (p + 1) * v.columns; i++) shared.data[i]! += lambda * v.data[i]!;
  }
  host.columnScaleAdd(damping, shared, product);
};

const preconditionerFor = async (
  problem: Problem,
  { basis, damping }: NewtonPcgState,
  kept: Rows | null,
): Promise<(residual: Matrix) => Matrix> => {
  if (basis === null || kept === null) return (await problem.metric()).solve;
  const { columnSums } = await problem.on.pass(problem.rows.design, {
    currents: {},
    data: { h: kept },
    columnSums: [curvature],
  });
  const mean = (columnSums[0] ?? new Float64Array(damping.length)).map((total) => total / problem.shape.transitions);
  // A unit all of whose samples are clipped has no curvature to be scaled by.
  const largest = mean.reduce((a, b) => Math.max(a, b), 0);
  const least = largest > 0 ? 1e-6 * largest : 1;
  return eigenbasisSolve(problem.on.host, basis, problem.free, {
    gram: mean.map((s, j) => Math.max(s, least) + damping[j]!),
    ridge: damping.map((mu) => 1 + mu),
  });
};
