import { type Metric, scaleColumns } from '@drnn/solvers';
import type { Matrix } from '@drnn/tensor';
import type { RoundPoint } from './round-point.js';

/**
 * r -> (s_j (X'X + Lambda / s))^-1 r for some units, s_j the mean curvature of unit j and s = `meanCurvature` that of all:
 * near the inverse of each unit's Hessian, with one factor for all. A unit whose samples are all trimmed has no
 * curvature; its preconditioner must not be infinite.
 */
export const roundPreconditioner = (
  metric: Metric,
  { curvatureSums }: Pick<RoundPoint, 'curvatureSums'>,
  transitions: number,
  meanCurvature: number,
): ((residual: Matrix, units?: Int32Array) => Matrix) => {
  const scale = curvatureSums.map((sum) => 1 / Math.max(sum / transitions, 1e-6 * meanCurvature));
  return (residual, units) => {
    const result = metric.approximateSolve(residual, units);
    scaleColumns(result, units === undefined ? scale : Float64Array.from(units, (j) => scale[j]!));
    return result;
  };
};
