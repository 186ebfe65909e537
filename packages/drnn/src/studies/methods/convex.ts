import { crossEntropy } from '@drnn/objectives';
import { accelerate, anderson, sharedNewton } from '@drnn/solvers';
import type { StudyMethod } from '../study-method.js';
import { followSolver } from './follow-solver.js';

/** `drnn fit --estimator convex` with its defaults, none of them tuned: one convex problem a unit. */
export const convex = (settings: { readonly start?: 'fixed-point' | 'random' } = {}): StudyMethod => {
  const { start = 'fixed-point' } = settings;
  const [clip, ridge, memory, maxSteps, tolerance, patience] = [0.2, 1e-5, 5, 500, 1e-8, 40];
  const name = start === 'random' ? 'convex-random' : 'convex';
  return {
    name,
    label: start === 'random' ? 'drnn fit, convex, random start' : 'drnn fit, convex',
    curve: name,
    endsByItself: true,
    settings: { clip, ridge, memory, maxSteps, tolerance, patience, start, zeroDiagonal: true, bias: true },
    run: (task) =>
      followSolver(task, {
        solver: accelerate(anderson(memory))(sharedNewton),
        objective: crossEntropy({ weights: 'variance', clip, ridge }),
        start,
        maxSteps,
        tolerance,
        patience,
      }),
  };
};
