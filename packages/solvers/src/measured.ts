import { copyMatrix, type Matrix } from '@drnn/tensor';
import { residualOf, sum } from './fixed-point-map.js';
import { projectOut } from './free.js';
import type { Evaluation, Problem } from './problem.js';
import type { Iterate } from './solver.js';

/** What a solver of any kind knows at a point it has evaluated. */
export interface Measured extends Iterate {
  /** |g_j at zero|, the scale of the residual. */
  readonly scale: Float64Array;
  /** |g_j| in the metric's dual norm. */
  readonly size: Float64Array;
}

/** A starting point, copied, inside the free coordinates. */
export const startOf = async (problem: Problem, start: Matrix | undefined): Promise<Matrix> => {
  const theta = copyMatrix(start ?? (await problem.start()));
  projectOut(problem.free, theta);
  return theta;
};

/**
 * What every state tells, of a point and its evaluation. Cost one solve with the metric, 2 P^2 N flop, unless `size`, the
 * dual norms of the gradient, is known.
 */
export const measured = async (
  problem: Problem,
  step: number,
  at: Evaluation & { readonly theta: Matrix; readonly size?: Float64Array },
): Promise<Measured> => {
  const scale = await problem.gradientScale();
  const size = at.size ?? (await problem.metric()).dualNorm(at.gradient);
  return {
    step,
    theta: at.theta,
    value: at.value,
    objective: sum(at.value),
    gradient: at.gradient,
    residual: residualOf(size, scale, await problem.noiseFloor()),
    scale,
    size,
  };
};
