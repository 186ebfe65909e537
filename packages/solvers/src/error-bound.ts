import { copyMatrix, matrix, type Matrix } from '@drnn/tensor';
import { scaleColumns } from './columns.js';
import { residualOf } from './fixed-point-map.js';
import type { Problem } from './problem.js';

/**
 * Estimates |H_j^-1 g_j| / |theta_j|, the largest over units, where H_j is unit j's Hessian on its free coordinates: by
 * conjugate gradients on all units at once, preconditioned by the metric, until each unit's preconditioned residual
 * has fallen to a tenth, or the estimate has grown by less than 1% in four products. The iterates grow from 0 towards
 * the solution, so that a stop before that gives an estimate from below. Cost 6 T P N flop a product. (Hestenes & Stiefel 1952.)
 */
export const thetaErrorBound = async (
  problem: Problem,
  theta: Matrix,
  gradient: Matrix,
  maxProducts = 30,
): Promise<number> => {
  const { host } = problem.on;
  const metric = await problem.metric();
  const solution = matrix(gradient.rows, gradient.columns);
  const remaining = copyMatrix(gradient);
  const preconditioned = metric.solve(remaining);
  const direction = copyMatrix(preconditioned);
  let energy = host.columnDot(remaining, preconditioned);
  const goal = energy.map((e) => e / 100);
  const sizes = host.columnDot(theta, theta);
  const estimates: number[] = [];
  const settled = (): boolean => (estimates.at(-1) ?? Infinity) <= 1.01 * (estimates.at(-5) ?? 0);
  for (let k = 0; k < maxProducts && energy.some((e, j) => e > goal[j]!) && !settled(); k++) {
    const product = await problem.curvatureTimes(theta, direction);
    const curvature = host.columnDot(direction, product);
    const length = energy.map((e, j) => (curvature[j]! > 0 ? e / curvature[j]! : 0));
    host.columnScaleAdd(length, direction, solution);
    host.columnScaleAdd(
      length.map((a) => -a),
      product,
      remaining,
    );
    const next = metric.solve(remaining);
    const nextEnergy = host.columnDot(remaining, next);
    // A direction without curvature and with a gradient (a unit all of whose samples are clipped): no finite step.
    const flat = curvature.some((c, j) => !(c > 0) && energy[j]! > goal[j]!);
    if (flat || nextEnergy.some((e, j) => !(e <= 1e8 * 100 * goal[j]!))) return Infinity;
    const beta = nextEnergy.map((e, j) => (energy[j]! > 0 && length[j]! > 0 ? e / energy[j]! : 0));
    scaleColumns(direction, beta);
    for (let i = 0; i < direction.data.length; i++) direction.data[i]! += next.data[i]!;
    energy = nextEnergy;
    estimates.push(relativeSize(host.columnDot(solution, solution), sizes));
  }
  const bound = estimates.at(-1) ?? 0;
  const noiseFloor = await problem.noiseFloor();
  if (noiseFloor === 0) return bound;
  // What the rows' rounding hides of the gradient moves theta in the same proportion as what is seen of it.
  const seen = residualOf(metric.dualNorm(gradient), await problem.gradientScale(), 0);
  return seen > 0 ? bound * Math.max(1, noiseFloor / seen) : noiseFloor;
};

/** The largest of |s_j| / |theta_j|, from squared norms; a unit at zero counts in absolute terms. */
export const relativeSize = (steps: Float64Array, sizes: Float64Array): number => {
  let largest = 0;
  for (let j = 0; j < steps.length; j++) {
    const ratio = Math.sqrt(steps[j]! / (sizes[j]! > 0 ? sizes[j]! : 1));
    if (!(ratio <= largest)) largest = Number.isNaN(ratio) ? Infinity : ratio;
  }
  return largest;
};
