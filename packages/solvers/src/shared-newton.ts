import { failure } from '@drnn/tensor';
import { unaccelerated } from './acceleration.js';
import { type FixedPointMap, type MapSolver, mapSolver } from './fixed-point-map.js';

/** Above this bound on the curvature the metric is so far from the Hessian that steps are too short to be of use. */
export const usefulCurvatureBound = 100;

/**
 * The step of Newton's method with one matrix for all units: F = -A_SS^-1 g_S with A = X'X + Lambda, factored once. At
 * the targets A is the Hessian of the variance-weighted loss (CORNN, section 4.1); with curvature at most c, a step of
 * F / c lowers every unit's objective (Boehning & Lindsay 1988), and steps of F converge for c < 2.
 */
export const sharedMetricMap: FixedPointMap = {
  name: 'shared-newton',
  prepare: async (problem) => {
    const bound = problem.curvatureBound;
    if (bound === null || bound > usefulCurvatureBound) {
      throw failure({
        path: 'solver',
        seen: `shared-newton with a curvature of ${bound === null ? 'no known bound' : `up to ${bound.toPrecision(3)}`}`,
        expected: `a curvature of at most ${usefulCurvatureBound} times that of the shared metric`,
        hint: 'clip the slope (clip 0.2), cap the weights, or use the solver newton',
      });
    }
    const metric = await problem.metric();
    return {
      safeStep: 1 / Math.max(bound, Number.MIN_VALUE),
      direction: (gradient) => {
        const step = metric.solve(gradient);
        for (let i = 0; i < step.data.length; i++) step.data[i] = -step.data[i]!;
        return step;
      },
      size: (gradient, direction) =>
        problem.on.host.columnDot(gradient, direction).map((s) => Math.sqrt(Math.max(-s, 0))),
    };
  },
};

/** Shared-metric Newton from the fixed point, plain: each step costs one pass. `accelerate` it. */
export const sharedNewton: MapSolver = mapSolver(sharedMetricMap, unaccelerated);
