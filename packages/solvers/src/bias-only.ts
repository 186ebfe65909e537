import { matrix, type Matrix } from '@drnn/tensor';
import type { Problem } from './problem.js';

/** What is left of a slope by the bias, as a fraction of what it was at zero or of the largest slope by a weight. */
const enough: Readonly<Record<'float64' | 'mixed', number>> = { float64: 1e-12, mixed: 1e-6 };
const mostSteps = 60;

/** Theta with every weight at zero and each unit's bias where it is best then, and the gradient there. */
export interface BiasOnly {
  readonly theta: Matrix;
  readonly gradient: Matrix;
}

/**
 * The fit with a bias only (zero where there is none), by Newton's method on each unit's single coordinate: a step that
 * leaves the interval in which the slope is known to change its sign gives way to the middle of the interval, and one
 * where there is no curvature goes twice as far as the last. Cost: two passes a step, some five steps.
 */
export const biasOnly = async (problem: Problem): Promise<BiasOnly> => {
  const { shape, on } = problem;
  const { predictors, units } = shape;
  const theta = matrix(predictors, units);
  let { gradient } = await problem.evaluate(theta);
  if (!shape.bias) return { theta, gradient };
  const row = (predictors - 1) * units;
  const along = matrix(predictors, units);
  along.data.fill(1, row);
  const scale = largestOf(gradient);
  const [low, high] = [new Float64Array(units).fill(-Infinity), new Float64Array(units).fill(Infinity)];
  const last = new Float64Array(units).fill(0.5);
  for (let step = 0; step < mostSteps; step++) {
    let settled = true;
    for (let j = 0; j < units; j++) {
      const slope = gradient.data[row + j]!;
      if (Math.abs(slope) <= enough[on.precision] * scale[j]!) continue;
      settled = false;
      if (slope < 0) low[j] = theta.data[row + j]!;
      else high[j] = theta.data[row + j]!;
    }
    if (settled) break;
    const curvature = await problem.curvatureTimes(theta, along);
    for (let j = 0; j < units; j++) {
      const [slope, bend, at] = [gradient.data[row + j]!, curvature.data[row + j]!, theta.data[row + j]!];
      if (Math.abs(slope) <= enough[on.precision] * scale[j]!) continue;
      const far = 2 * Math.abs(last[j]!);
      const newton = bend > 0 ? -slope / bend : -Math.sign(slope) * far;
      let next = at + Math.sign(newton) * Math.min(Math.abs(newton), far);
      if (next <= low[j]! || next >= high[j]!) next = (low[j]! + high[j]!) / 2;
      last[j] = next - at;
      theta.data[row + j] = next;
    }
    ({ gradient } = await problem.evaluate(theta));
  }
  return { theta, gradient };
};

/** The largest slope of each unit in absolute value. */
const largestOf = ({ rows, columns, data }: Matrix): Float64Array => {
  const largest = new Float64Array(columns);
  for (let p = 0; p < rows; p++)
    for (let j = 0; j < columns; j++) largest[j] = Math.max(largest[j]!, Math.abs(data[p * columns + j]!));
  return largest;
};
