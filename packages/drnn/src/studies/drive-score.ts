import type { Transitions } from '@drnn/simulator';
import { type Backend, matrix, type Matrix, pointwise, square, sub, tanh } from '@drnn/tensor';

/** (tanh z - d)^2. Made once: a backend knows an expression it has compiled by its identity. */
const squaredError = pointwise(({ z, d }) => square(sub(tanh(z), d)));

/** The mean target of each unit. */
export const meanTargets = ({ targets }: Transitions): Float64Array => {
  const means = new Float64Array(targets.columns);
  for (let i = 0; i < targets.data.length; i++) means[i % targets.columns]! += targets.data[i]! / targets.rows;
  return means;
};

/**
 * R2 of the drive d on transitions that were not fitted, pooled over units:
 *
 *     1 - sum (d - tanh X Theta)^2 / sum (d - mean of the unit's fitted targets)^2
 *
 * Theta [predictor, unit] may have a last row for the bias. Cost 2 T P N flop.
 */
export const driveScore = async (
  on: Backend,
  heldOut: Transitions,
  means: Float64Array,
  theta: Matrix,
): Promise<number> => {
  const { predictors, targets } = heldOut;
  const sums = await on.scope(async (inner) => {
    const design = await inner.rows(theta.rows === predictors.columns ? predictors : withBias(predictors));
    const d = await inner.rows(targets);
    const { columnSums } = await inner.pass(design, {
      currents: { z: theta },
      data: { d },
      columnSums: [squaredError],
    });
    return (columnSums[0] ?? new Float64Array()).reduce((a, b) => a + b, 0);
  });
  let total = 0;
  for (let i = 0; i < targets.data.length; i++) total += (targets.data[i]! - means[i % targets.columns]!) ** 2;
  return 1 - sums / total;
};

const withBias = ({ rows, columns, data }: Matrix): Matrix => {
  const result = matrix(rows, columns + 1, new Float64Array(rows * (columns + 1)).fill(1));
  for (let t = 0; t < rows; t++) {
    result.data.set(data.subarray(t * columns, (t + 1) * columns), t * (columns + 1));
  }
  return result;
};
