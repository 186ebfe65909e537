import type { Evaluation, Metric, Problem } from '@drnn/solvers';
import { copyMatrix, failure, matrix, type Matrix } from '@drnn/tensor';

/** What is kept of a sum of problems, apart from its parts. */
export interface SumParts {
  /** Problems of the same units, predictors and objective on one backend, at least one. */
  readonly parts: readonly Problem[];
  readonly gram: Matrix;
  readonly metric: Metric;
  /** |g_j at zero| [unit]. */
  readonly gradientScale: () => Float64Array;
  /** Where a solver starts. */
  readonly start: Matrix;
  /** Runs the pass of one part, of so many rows: a place for others to come in between. Default: at once. */
  readonly turn?: <Result>(work: () => Promise<Result>, rows: number) => Promise<Result>;
}

/**
 * The problem whose objective is the sum of its parts': their rows one after the other, which stay where they are. It has
 * no rows of its own, so solvers that want them (newton) are refused; and no estimate of the rounding of its values, so
 * that the slopes along a step decide whether an objective fell.
 */
export const sumOfProblems = ({ parts, gram, metric, gradientScale, start, turn }: SumParts): Problem => {
  const [first] = parts;
  if (first === undefined) throw new Error('a sum of no problems');
  const inTurn = <Result>(part: Problem, work: () => Promise<Result>): Promise<Result> =>
    turn === undefined ? work() : turn(work, part.shape.transitions);
  const { on, objective, free, shape, structure } = first;
  const transitions = parts.reduce((sum, part) => sum + part.shape.transitions, 0);
  const ridge = new Float64Array(shape.predictors);
  for (const part of parts) part.ridge.forEach((lambda, p) => (ridge[p]! += lambda));
  const bounds = parts.map((part) => part.curvatureBound ?? Infinity);
  const bound = Math.max(...bounds);
  const refused = (): never => {
    throw failure({
      path: 'solver',
      seen: 'one that reads the rows of a problem whose rows come and go',
      expected: 'one that only evaluates, as shared-newton does',
    });
  };
  const summed = async (evaluate: (part: Problem) => Promise<Evaluation>): Promise<Evaluation> => {
    const total = zeroEvaluation(shape.predictors, shape.units);
    for (const part of parts) addEvaluation(total, await inTurn(part, () => evaluate(part)));
    return total;
  };
  return {
    on,
    objective,
    shape: { ...shape, transitions },
    free,
    structure,
    ridge,
    curvatureBound: Number.isFinite(bound) ? bound : null,
    targetsClipped: parts.reduce((sum, part) => sum + part.targetsClipped, 0),
    get rows() {
      return refused();
    },
    get source() {
      return refused();
    },
    movedTo: async () => refused(),
    evaluate: (theta) => summed((part) => part.evaluate(theta)),
    evaluateUnconstrained: (theta) => summed((part) => part.evaluateUnconstrained(theta)),
    curvatureTimes: async (theta, direction) => {
      const total = matrix(shape.predictors, shape.units);
      for (const part of parts)
        addTo(total.data, (await inTurn(part, () => part.curvatureTimes(theta, direction))).data);
      return total;
    },
    curvatures: async () => refused(),
    gram: async () => gram,
    metric: async () => metric,
    start: async () => start,
    gradientScale: async () => gradientScale(),
    noiseFloor: async () => (on.precision === 'float64' ? 0 : on.accuracy.product),
    rounding: async () => new Float64Array(shape.units).fill(Infinity),
    release: () => parts.forEach((part) => part.release()),
  };
};

export const zeroEvaluation = (predictors: number, units: number): Evaluation => ({
  value: new Float64Array(units),
  gradient: matrix(predictors, units),
});

export const copyEvaluation = ({ value, gradient }: Evaluation): Evaluation => ({
  value: value.slice(),
  gradient: copyMatrix(gradient),
});

/** total + sign more, in place. */
export const addEvaluation = (total: Evaluation, more: Evaluation, sign: 1 | -1 = 1): void => {
  addTo(total.value, more.value, sign);
  addTo(total.gradient.data, more.gradient.data, sign);
};

const addTo = (total: Float64Array, more: Float64Array, sign: 1 | -1 = 1): void => {
  for (let i = 0; i < total.length; i++) total[i]! += sign * more[i]!;
};
