import {
  accelerate,
  anderson,
  type Iterate,
  nesterov,
  newton,
  type Problem,
  proximalNewton,
  proximalSharedNewtonWith,
  sharedNewton,
  type Solver,
  unaccelerated,
  usefulCurvatureBound,
} from '@drnn/solvers';
import type { FitOptions } from './fit-options.js';

/** A solver, and what is to be said of the choice. */
export interface SolverChoice {
  readonly solver: Solver<Iterate>;
  readonly notes: readonly string[];
}

/**
 * The solver that was named, or Newton's method for each unit where the shared metric has no useful bound on the
 * curvature; the proximal form of either where the penalty has kinks or weights have bounds.
 */
export const solverOf = (
  { curvatureBound: bound, structure }: Pick<Problem, 'curvatureBound' | 'structure'>,
  named: FitOptions['solver'],
  accelerated: FitOptions['accelerate'],
): SolverChoice => {
  const own: Solver<Iterate> = structure === null ? newton : proximalNewton;
  if (named === 'newton') return { solver: own, notes: [] };
  const useful = bound !== null && bound <= usefulCurvatureBound;
  if (!useful && named === undefined && (structure?.nuclear ?? 0) === 0) {
    return {
      solver: own,
      notes: [
        `The curvature of this objective has ${bound === null ? 'no known bound' : `only the bound ${bound.toPrecision(3)}`}, so that Newton's method for each unit ran in place of the shared metric.`,
      ],
    };
  }
  const acceleration = accelerated === 'anderson' ? anderson(5) : accelerated === 'nesterov' ? nesterov : unaccelerated;
  if (structure === null) return { solver: accelerate(acceleration)(sharedNewton), notes: [] };
  return {
    solver: proximalSharedNewtonWith(acceleration, accelerated === 'anderson' ? nesterov : acceleration),
    notes: [],
  };
};
