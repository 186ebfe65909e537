import { type Matrix, variable } from '@drnn/tensor';
import type { Problem } from './problem.js';

/** The sign of each source unit, chosen from a fit without signs. */
export interface SignChoice {
  /** 1 excitatory, -1 inhibitory, 0 where a unit sends nothing at all; [unit]. */
  readonly signs: Int8Array;
  /**
   * How clear each choice is, from 0 (as much weight of one sign as of the other) to 1 (all weights of one sign):
   * |sum of weights| / sum of |weights|, with the weights of the choice.
   */
  readonly clarity: Float64Array;
}

/**
 * Chooses for Dale's law the sign of each source unit p by the sum over targets j of s_j theta_pj, the weights of an
 * unconstrained fit, where s_j is the mean curvature of unit j's loss at theta: targets whose weights are known better
 * count more, since the Hessian of unit j is about s_j (X'X). The choice itself is not a convex problem; the refit with
 * the chosen signs is. Cost one pass.
 */
export const chooseSigns = async (problem: Problem, theta: Matrix): Promise<SignChoice> => {
  const { units, transitions } = problem.shape;
  const curvatures = await problem.curvatures(theta);
  try {
    const { columnSums } = await problem.on.pass(problem.rows.design, {
      currents: {},
      data: { h: curvatures },
      columnSums: [variable('h')],
    });
    const weight = (columnSums[0] ?? new Float64Array(units)).map((total) => Math.max(0, total) / transitions);
    const signs = new Int8Array(units);
    const clarity = new Float64Array(units);
    for (let p = 0; p < units; p++) {
      let [sum, size] = [0, 0];
      for (let j = 0; j < units; j++) {
        const w = weight[j]! * theta.data[p * units + j]!;
        sum += w;
        size += Math.abs(w);
      }
      signs[p] = Math.sign(sum);
      clarity[p] = size > 0 ? Math.abs(sum) / size : 0;
    }
    return { signs, clarity };
  } finally {
    curvatures.release();
  }
};
