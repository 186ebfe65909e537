import type { Objective } from '@drnn/objectives';
import type { TransitionSource } from '@drnn/simulator';
import {
  chooseSigns,
  firstOf,
  maxSteps,
  problem,
  run,
  type SignChoice,
  stalled,
  tolerance,
  withStopping,
} from '@drnn/solvers';
import type { Backend } from '@drnn/tensor';
import type { Settings } from './fit-options.js';
import { solverOf } from './solver-of.js';

/** Signs do not hang on the last digits of the fit that they are chosen from. */
const enough = 1e-4;

/**
 * The objective with its signs chosen, where they are `auto`: everything else is fitted without signs, and each source
 * gets the sign of its outgoing weights. Null for an objective that has its signs or none.
 */
export const withChosenSigns = async (
  on: Backend,
  samples: TransitionSource,
  objective: Objective,
  { bias, solver, accelerate }: Settings,
  signal: AbortSignal | undefined,
): Promise<{ readonly objective: Objective; readonly dale: SignChoice | null }> => {
  if (objective.constraints.signs !== 'auto') return { objective, dale: null };
  const { signs: _auto, ...others } = objective.constraints;
  const task = await problem(on, samples, { ...objective, constraints: others }, { bias });
  try {
    const choice = solverOf(task, solver === 'newton' ? solver : undefined, accelerate);
    const stop = firstOf(tolerance(enough), maxSteps(200), stalled());
    const { theta, lost } = await run(withStopping(stop)(choice.solver), task, signal === undefined ? {} : { signal });
    if (lost !== undefined) throw lost;
    const dale = await chooseSigns(task, theta);
    return { objective: { ...objective, constraints: { ...others, signs: dale.signs } }, dale };
  } finally {
    task.release();
  }
};
