import { copyMatrix, failure, matrix, variable } from '@drnn/tensor';
import { biasOnly } from './bias-only.js';
import { metricOf } from './metric.js';
import type { Problem } from './problem.js';
import { usefulCurvatureBound } from './shared-newton.js';

/** The strength per transition at which a penalty leaves next to nothing of a fit. */
export interface LargestStrength {
  /** That of the unit that needs the most. */
  readonly strength: number;
  /** [unit]. */
  readonly perUnit: Float64Array;
}

export interface RidgeMaxOptions {
  /** The fraction of what weights could explain that is nearly nothing. Default .01. */
  readonly explains?: number;
}

/** Keeps X'X positive definite; makes `ridgeMax` larger, if anything. */
const floor = 1e-10;

/**
 * The ridge at which a fit explains nearly nothing: with it, no unit's loss is below that of a bias alone by more than
 * `explains` times what the best weights without a ridge would gain. With g the gradient by the free weights where these
 * are zero and the bias is at its best, C the centred X'X of those weights, c the bound on the curvature of the loss, and
 * T transitions,
 *
 *     ridgeMax_j = 2 c |g_j|^2 / (explains T g_j' C^-1 g_j).
 *
 * Convexity gives |theta_j| <= |g_j| / lambda, hence a gain of at most |g_j|^2 / lambda; the bound on the curvature gives a
 * gain of at least g_j' C^-1 g_j / (2 c) without a ridge. For least squares that is equality, so that .01 is nearly
 * reached. Beside another penalty or bounds on weights the second does not hold, and where the curvature has no useful
 * bound its mean at the bias stands for it: then it is a scale, and no promise.
 *
 * Cost: some ten passes and a factorisation of X'X.
 */
export const ridgeMax = async (
  problem: Problem,
  { explains = 0.01 }: RidgeMaxOptions = {},
): Promise<LargestStrength> => {
  if (!(explains > 0 && explains < 1)) {
    throw failure({ path: 'explains', seen: `${explains}`, expected: 'a fraction between 0 and 1' });
  }
  const { on, shape, free } = problem;
  const { predictors, units, transitions, bias } = shape;
  const { theta, gradient } = await biasOnly(problem);
  if (bias) gradient.data.fill(0, (predictors - 1) * units);
  const gram = await problem.gram();
  let trace = 0;
  for (let p = 0; p < predictors; p++) trace += gram.data[p * predictors + p]!;
  const metric = metricOf(on.host, gram, new Float64Array(predictors).fill((floor * trace) / predictors), free);
  const size = on.host.columnDot(gradient, gradient);
  const gain = on.host.columnDot(gradient, metric.solve(copyMatrix(gradient)));
  const { curvatureBound: bound } = problem;
  const curvature =
    bound !== null && bound <= usefulCurvatureBound
      ? new Float64Array(units).fill(bound)
      : await meanCurvature(problem, theta.data);
  const perUnit = size.map((s, j) =>
    gain[j]! > 0 ? (2 * curvature[j]! * s) / (explains * transitions * gain[j]!) : 0,
  );
  return { strength: perUnit.reduce((most, each) => Math.max(most, each), 0), perUnit };
};

const meanCurvature = async (problem: Problem, data: Float64Array): Promise<Float64Array> => {
  const { predictors, units, transitions } = problem.shape;
  const h = await problem.curvatures(matrix(predictors, units, data));
  try {
    const { columnSums } = await problem.on.pass(problem.rows.design, {
      currents: {},
      data: { h },
      columnSums: [variable('h')],
    });
    return (columnSums[0] ?? new Float64Array(units)).map((sum) => sum / transitions);
  } finally {
    h.release();
  }
};

/**
 * The l1 strength from which on every weight of W and Win is exactly zero, whatever ridge is beside it: the largest slope
 * by a free weight where all are zero and the bias is at its best, over T. Below it some weight moves. Cost: some ten
 * passes.
 */
export const l1Max = async (problem: Problem): Promise<LargestStrength> => {
  const { units, inputs, transitions } = problem.shape;
  const { gradient } = await biasOnly(problem);
  const perUnit = new Float64Array(units);
  for (let p = 0; p < units + inputs; p++)
    for (let j = 0; j < units; j++)
      perUnit[j] = Math.max(perUnit[j]!, Math.abs(gradient.data[p * units + j]!) / transitions);
  return { strength: perUnit.reduce((most, each) => Math.max(most, each), 0), perUnit };
};
