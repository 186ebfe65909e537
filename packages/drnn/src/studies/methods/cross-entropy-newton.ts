import { crossEntropy } from '@drnn/objectives';
import { newton } from '@drnn/solvers';
import type { StudyMethod } from '../study-method.js';
import { followSolver } from './follow-solver.js';

interface Settings {
  readonly ridge: number;
  readonly start?: 'fixed-point' | 'random';
}

const newtonOn = (weights: 'none' | 'variance', name: string, label: string, settings: Settings): StudyMethod => {
  const { ridge, start = 'fixed-point' } = settings;
  const [maxSteps, tolerance] = [100, 1e-8];
  return {
    name,
    label,
    curve: name,
    settings: { weights, ridge, start, maxSteps, tolerance, zeroDiagonal: false, bias: false },
    run: (task) =>
      followSolver(task, {
        solver: newton,
        objective: crossEntropy({ weights, ridge, constraints: { zeroDiagonal: false } }),
        bias: false,
        start,
        maxSteps,
        tolerance,
      }),
  };
};

/** Plain cross-entropy, solved exactly for each unit. The diagonal is free, as in the paper. */
export const newtonCrossEntropy = (settings: Settings): StudyMethod =>
  newtonOn('none', 'newton-ce', 'cross-entropy, Newton', settings);

/**
 * Cross-entropy weighted by 1 / (1 - d^2), solved exactly for each unit. The paper's own Newton also trims errors above
 * the threshold, which makes it another estimator.
 */
export const newtonWeighted = (settings: Settings): StudyMethod =>
  newtonOn('variance', 'newton-weighted', 'weighted cross-entropy, Newton', settings);
