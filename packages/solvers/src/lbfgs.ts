import { copyMatrix, matrix, type Matrix, refuse } from '@drnn/tensor';
import { projectOut } from './free.js';
import { scaleColumns } from './columns.js';
import { backtrack } from './line-search.js';
import { type Measured, measured, startOf } from './measured.js';
import type { Evaluation, Problem } from './problem.js';
import type { Solver } from './solver.js';
import { defaultStop } from './stopping.js';

/** s = theta' - theta and y = g' - g of one step; 1 / s'y of each unit, 0 where the pair says nothing. */
interface Pair {
  readonly steps: Matrix;
  readonly gradients: Matrix;
  readonly weight: Float64Array;
}

export interface LbfgsState extends Measured {
  /** A^-1 g [predictor, unit]. */
  readonly preconditioned: Matrix;
  /** The last pairs, the oldest first. */
  readonly pairs: readonly Pair[];
  /** gamma_j, by which A^-1 is scaled to the unit's curvature. */
  readonly scaling: Float64Array;
  /** How often in a row each unit found no step. */
  readonly stuck: Uint8Array;
}

/** Failures in a row, the last along the plain metric, after which a unit counts as exhausted. */
const patience = 3;
/** s'y below this part of |s| |y| is rounding. */
const leastCosine = 1e-12;

/**
 * L-BFGS, each unit on its own (Nocedal 1980; Nocedal & Wright 2006, algorithm 7.4) with H0 = gamma_j A^-1, A = X'X +
 * Lambda, gamma_j = s'y / y'A^-1 y, so that what it has to learn is only how the unit's Hessian differs from the shared
 * metric. Backtracking on all units at once; a unit that finds no step forgets its pairs. Every direction is inside the
 * free coordinates, since A^-1 is the inverse there. Cost a step: an evaluation a trial, mostly one (4 T P N flop), two
 * solves with the metric and 8 memory P N. Memory 2 `memory` matrices of the size of Theta. Default 5 pairs.
 */
export const lbfgs = (memory = 5): Solver<LbfgsState> => {
  refuse(
    Number.isInteger(memory) && memory >= 1 && memory <= 100
      ? []
      : [{ path: 'lbfgs memory', seen: `${memory}`, expected: 'a whole number from 1 to 100' }],
  );
  return {
    name: `lbfgs(${memory})`,
    stop: defaultStop,
    init: async (problem, start) => {
      const theta = await startOf(problem, start);
      return {
        ...(await preconditionedAt(problem, 0, { theta, ...(await problem.evaluate(theta)) })),
        pairs: [],
        scaling: new Float64Array(theta.columns).fill(1),
        stuck: new Uint8Array(theta.columns),
        exhausted: false,
      };
    },
    step: async (problem, state) => {
      const { host } = problem.on;
      const direction = await quasiNewtonDirection(problem, state);
      const { length, ...found } = await backtrack(problem, { ...state, direction });
      const next = await preconditionedAt(problem, state.step + 1, found);
      const stuck = state.stuck.map((count, j) => (length[j] === 0 ? Math.min(255, count + 1) : 0));
      const pair = pairOf(difference(next.theta, state.theta), difference(next.gradient, state.gradient), (a, b) =>
        host.columnDot(a, b),
      );
      const across = host.columnDot(pair.gradients, difference(next.preconditioned, state.preconditioned));
      const forget = (weight: Float64Array): Float64Array => weight.map((w, j) => (length[j] === 0 ? 0 : w));
      return {
        ...next,
        pairs: [...state.pairs.map((old) => ({ ...old, weight: forget(old.weight) })), pair].slice(-memory),
        scaling: state.scaling.map((gamma, j) => {
          if (length[j] === 0) return 1;
          const scaled = 1 / (pair.weight[j]! * across[j]!);
          return pair.weight[j]! > 0 && Number.isFinite(scaled) && scaled > 0 ? scaled : gamma;
        }),
        stuck,
        exhausted: stuck.every((count) => count >= patience),
      };
    },
  };
};

const preconditionedAt = async (
  problem: Problem,
  step: number,
  at: Evaluation & { readonly theta: Matrix },
): Promise<Measured & { readonly preconditioned: Matrix }> => {
  const preconditioned = (await problem.metric()).solve(at.gradient);
  const size = problem.on.host.columnDot(at.gradient, preconditioned).map((s) => Math.sqrt(Math.max(s, 0)));
  return { ...(await measured(problem, step, { ...at, size })), preconditioned };
};

/** -H_k g by the two loops; the metric's own direction for a unit where that does not descend. */
const quasiNewtonDirection = async (problem: Problem, state: LbfgsState): Promise<Matrix> => {
  const { host } = problem.on;
  const { pairs } = state;
  const q = copyMatrix(state.gradient);
  const projections: Float64Array[] = [];
  for (const { steps, gradients, weight } of pairs.toReversed()) {
    const a = host.columnDot(steps, q).map((s, j) => s * weight[j]!);
    projections.unshift(a);
    host.columnScaleAdd(
      a.map((each) => -each),
      gradients,
      q,
    );
  }
  const direction = pairs.length === 0 ? copyMatrix(state.preconditioned) : (await problem.metric()).solve(q);
  scaleColumns(direction, state.scaling);
  pairs.forEach(({ steps, gradients, weight }, k) => {
    const b = host.columnDot(gradients, direction);
    host.columnScaleAdd(
      b.map((each, j) => projections[k]![j]! - weight[j]! * each),
      steps,
      direction,
    );
  });
  projectOut(problem.free, direction);
  const slope = host.columnDot(direction, state.gradient);
  slope.forEach((s, j) => {
    const from = s > 0 ? direction : state.preconditioned;
    for (let i = j; i < direction.data.length; i += slope.length) direction.data[i] = -from.data[i]!;
  });
  return direction;
};

const difference = (a: Matrix, b: Matrix): Matrix => {
  const result = matrix(a.rows, a.columns);
  for (let i = 0; i < result.data.length; i++) result.data[i] = a.data[i]! - b.data[i]!;
  return result;
};

const pairOf = (steps: Matrix, gradients: Matrix, columnDot: (a: Matrix, b: Matrix) => Float64Array): Pair => {
  const [ss, sy, yy] = [columnDot(steps, steps), columnDot(steps, gradients), columnDot(gradients, gradients)];
  return {
    steps,
    gradients,
    weight: sy.map((product, j) => (product > leastCosine * Math.sqrt(ss[j]! * yy[j]!) ? 1 / product : 0)),
  };
};
