import { type Penalty, penaltyIssues, ridgeOf, structureOf } from '@drnn/objectives';
import { matrix, type Matrix, refuse } from '@drnn/tensor';
import { projectOut } from './free.js';
import { type Metric, metricOf } from './metric.js';
import type { Evaluation, Problem } from './problem.js';

/**
 * The same problem with another penalty, on the same rows: nothing is put on the backend, and what does not depend on the
 * penalty (X'X, the start, sizes of terms) is shared. For a path of strengths. The rows stay the first problem's, which
 * is to be released; releasing this one does nothing. Cost: P^3 / 3 when its metric is first asked for.
 */
export const withPenalty = (of: Problem, penalty: Penalty): Problem => {
  refuse(penaltyIssues(penalty));
  const { on, free, shape } = of;
  const objective = { ...of.objective, penalty };
  const ridge = new Float64Array(shape.predictors).fill(ridgeOf(penalty) * shape.transitions);
  if (shape.bias) ridge[shape.predictors - 1] = 0;
  const change = ridge.map((lambda, p) => lambda - of.ridge[p]!);
  const changed = ({ value, gradient }: Evaluation, theta: Matrix): Evaluation => {
    addScaledRows(change, theta, gradient);
    const { rows, columns, data } = theta;
    for (let p = 0; p < rows; p++) {
      const half = change[p]! / 2;
      for (let j = 0; j < columns; j++) value[j]! += half * data[p * columns + j]! ** 2;
    }
    return { value, gradient };
  };
  const projected = (at: Evaluation): Evaluation => {
    projectOut(free, at.gradient);
    return at;
  };
  let metric: Promise<Metric> | null = null;
  const ownMetric = (): Promise<Metric> => (metric ??= of.gram().then((gram) => metricOf(on.host, gram, ridge, free)));
  return {
    on,
    objective,
    shape,
    free,
    structure: structureOf(objective, free, shape),
    ridge,
    // L X'X + Lambda is below L (X'X + Lambda) only where L is at least 1.
    curvatureBound: of.curvatureBound === null ? null : Math.max(1, of.curvatureBound),
    targetsClipped: of.targetsClipped,
    get rows() {
      return of.rows;
    },
    get source() {
      return of.source;
    },
    movedTo: async (other) => {
      const moved = await of.movedTo(other);
      const there = withPenalty(moved, penalty);
      return { ...there, release: moved.release };
    },
    evaluate: async (theta) => projected(changed(await of.evaluate(theta), theta)),
    evaluateUnconstrained: async (theta) => changed(await of.evaluateUnconstrained(theta), theta),
    curvatureTimes: async (theta, direction) => {
      const product = await of.curvatureTimes(theta, direction);
      addScaledRows(change, direction, product);
      projectOut(free, product);
      return product;
    },
    curvatures: of.curvatures,
    gram: of.gram,
    metric: ownMetric,
    start: of.start,
    gradientScale: async () => {
      const { gradient } = await of.evaluate(matrix(shape.predictors, shape.units));
      return (await ownMetric()).dualNorm(gradient);
    },
    noiseFloor: of.noiseFloor,
    rounding: of.rounding,
    release: () => undefined,
  };
};

/** sum + diag(scale) a, in place. */
const addScaledRows = (scale: Float64Array, a: Matrix, sum: Matrix): void => {
  const { rows, columns, data } = a;
  for (let p = 0; p < rows; p++) {
    const factor = scale[p]!;
    for (let i = p * columns; i < (p + 1) * columns; i++) sum.data[i]! += factor * data[i]!;
  }
};
