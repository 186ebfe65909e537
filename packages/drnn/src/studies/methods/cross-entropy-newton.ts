import { cheaperStep } from '@drnn/estimators';
import { crossEntropy } from '@drnn/objectives';
import { newton, newtonPcg } from '@drnn/solvers';
import type { StudyMethod } from '../study-method.js';
import { followSolver } from './follow-solver.js';

/** To be said of studies with networks too large for a Hessian a unit. */
export const newtonByGradients =
  'With so many units Newton here solves its steps by conjugate gradients; the optimum is the same.';

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
    run: (task) => {
      const { rates, inputs } = task.recording;
      const followed = {
        objective: crossEntropy({ weights, ridge, constraints: { zeroDiagonal: false } }),
        bias: false,
        start,
        maxSteps,
        tolerance,
      };
      return cheaperStep(rates.columns + (inputs?.columns ?? 0)) === 'exact'
        ? followSolver(task, { ...followed, solver: newton })
        : followSolver(task, { ...followed, solver: newtonPcg });
    },
  };
};

/**
 * Plain cross-entropy, solved for each unit by Newton's method: with its own Hessian, or where that is dear by conjugate
 * gradients, whose optimum is the same. The diagonal is free, as in the paper.
 */
export const newtonCrossEntropy = (settings: Settings): StudyMethod =>
  newtonOn('none', 'newton-ce', 'cross-entropy, Newton', settings);

/**
 * Cross-entropy weighted by 1 / (1 - d^2), solved as the plain one is. The paper's own Newton also trims errors above
 * the threshold, which makes it another estimator.
 */
export const newtonWeighted = (settings: Settings): StudyMethod =>
  newtonOn('variance', 'newton-weighted', 'weighted cross-entropy, Newton', settings);
