import { crossEntropy } from '@drnn/objectives';
import { gradientDescent } from '@drnn/solvers';
import type { StudyMethod } from '../study-method.js';
import { followSolver, type Start } from './follow-solver.js';

/** Gradient descent on the plain cross-entropy, step 1 / L. */
export const descent = (settings: {
  readonly ridge: number;
  readonly maxSteps: number;
  readonly start?: Start;
}): StudyMethod => {
  const { ridge, maxSteps, start = 'fixed-point' } = settings;
  return {
    name: 'gradient-descent',
    label: 'cross-entropy, gradient descent',
    curve: 'gradient-descent',
    settings: { ridge, maxSteps, start, zeroDiagonal: false, bias: false },
    run: (task) =>
      followSolver(task, {
        solver: gradientDescent(),
        objective: crossEntropy({ ridge, constraints: { zeroDiagonal: false } }),
        bias: false,
        start,
        maxSteps,
        tolerance: 1e-8,
      }),
  };
};
