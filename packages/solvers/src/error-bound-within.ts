import type { Matrix } from '@drnn/tensor';
import { thetaErrorBound } from './error-bound.js';
import type { Problem } from './problem.js';
import type { StructureAt } from './structure-at.js';

/**
 * `thetaErrorBound` of a problem with structure: |H_SS^-1 s_S| / |theta_j|, s the nearest subgradient and S the
 * coordinates that may move. On that manifold the objective is smooth, and an optimum that is not degenerate lies on the
 * manifold of every point near it (Hare & Lewis 2004). Curvature of the penalty is left out, which errs on the side of
 * a larger bound.
 */
export const errorBoundWithin = (
  problem: Problem,
  theta: Matrix,
  { subgradient, active }: Pick<StructureAt, 'subgradient' | 'active'>,
): Promise<number> => {
  const within = (a: Matrix): Matrix => {
    for (let i = 0; i < a.data.length; i++) if (active[i] === 0) a.data[i] = 0;
    return a;
  };
  const view: Problem = {
    ...problem,
    curvatureTimes: async (at, direction) => within(await problem.curvatureTimes(at, direction)),
    metric: async () => {
      const metric = await problem.metric();
      return { ...metric, solve: (gradient) => within(metric.solve(gradient)) };
    },
  };
  return thetaErrorBound(view, theta, subgradient);
};
