import { crossEntropy, objective, type Objective, transfers } from '@drnn/objectives';
import { adam } from '@drnn/solvers';
import { square, sub, tanh } from '@drnn/tensor';
import type { StudyMethod } from '../study-method.js';
import { followSolver, type Start } from './follow-solver.js';

interface Settings {
  readonly loss: 'ce' | 'l2';
  /** Default 0.01, the authors'. */
  readonly learningRate?: number;
  /** Per transition. Default 1e-8, the authors' weight decay. */
  readonly ridge?: number;
  readonly start?: Start;
  /** Of the fixed point, per transition. Default 1e-4, the authors' 1e4 times the weight decay. */
  readonly startRidge?: number;
  /** Default 20000, the most of the paper. */
  readonly maxSteps?: number;
  /** For settings that the paper has not: what to add to the name. */
  readonly suffix?: string;
}

const constraints = { zeroDiagonal: false };

/** The square of tanh z - d: not convex. */
const squaredError = (ridge: number): Objective =>
  objective({
    name: 'squared error',
    loss: ({ z, d }) => square(sub(tanh(z), d)),
    transfer: transfers.tanh,
    ridge,
    constraints,
  });

/** Adam on all of the data at once, on cross-entropy or on the squared error of the drive. */
export const adamOn = (settings: Settings): StudyMethod => {
  const { loss, learningRate = 0.01, ridge = 1e-8, start = 'fixed-point', startRidge = 1e-4, suffix } = settings;
  const { maxSteps = 20_000 } = settings;
  const name = `adam-${loss}${suffix === undefined ? '' : `-${suffix}`}`;
  return {
    name,
    label: `Adam, ${loss === 'ce' ? 'cross-entropy' : 'squared error'}${suffix === undefined ? '' : `, ${learningRate} from ${start}`}`,
    curve: name,
    byDefault: suffix === undefined,
    settings: { loss, learningRate, ridge, start, startRidge, maxSteps, zeroDiagonal: false, bias: false },
    run: (task) =>
      followSolver(task, {
        solver: adam({ learningRate }),
        objective: loss === 'ce' ? crossEntropy({ ridge, constraints }) : squaredError(ridge),
        bias: false,
        start,
        startRidge,
        maxSteps,
        tolerance: 1e-8,
      }),
  };
};

/** Adam on cross-entropy with other learning rates, and from zero: named, not run by default. */
export const adamVariants: readonly StudyMethod[] = [1e-3, 3e-3, 1e-2, 3e-2].flatMap((learningRate) =>
  (['fixed-point', 'zero'] as const)
    // The authors' own setting is there already.
    .filter((start) => learningRate !== 0.01 || start !== 'fixed-point')
    .map((start) => adamOn({ loss: 'ce', learningRate, start, suffix: `${learningRate}-${start}` })),
);
