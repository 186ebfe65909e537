import { crossEntropy, type Objective } from '@drnn/objectives';
import {
  type Iterate,
  iterate,
  problem,
  type Problem,
  type ProblemShape,
  type Solver,
  thetaErrorBound,
} from '@drnn/solvers';
import { type Backend, matrix, type Matrix } from '@drnn/tensor';
import type { MethodTask, OwnEnding } from '../study-method.js';
import { randomStart } from './random-start.js';

/** Where a method starts: at CORNN's fixed point, at random, or at zero. */
export type Start = 'fixed-point' | 'random' | 'zero';

export interface FollowedSolver<State extends Iterate> {
  readonly solver: Solver<State>;
  readonly objective: Objective;
  /** Default true, as in a fit. */
  readonly bias?: boolean;
  /** Default the fixed point, where solvers start by themselves. */
  readonly start?: Start;
  /** Of the fixed point, per transition, where it is not the objective's. */
  readonly startRidge?: number;
  readonly maxSteps: number;
  /** Residual and relative error of Theta that end it as converged, as in a fit. */
  readonly tolerance: number;
  /** Steps without a residual lower by a hundredth after which it has stalled: at the floor of mixed precision. Default no limit. */
  readonly patience?: number;
}

/** Whether a state is as near to the optimum as asked: a small gradient alone proves little in a stiff problem. */
export const isConverged = async (task: Problem, state: Iterate, tolerance: number): Promise<boolean> =>
  state.residual <= tolerance &&
  (state.thetaErrorBound ?? (await thetaErrorBound(task, state.theta, state.gradient))) <= tolerance;

/** Runs a solver on the recording of a task and tells the probe every state. */
export const followSolver = <State extends Iterate>(
  given: MethodTask,
  followed: FollowedSolver<State>,
): Promise<OwnEnding> =>
  given.on.scope(async (inner) => {
    const { solver, objective, bias = true, maxSteps, tolerance, patience = Infinity } = followed;
    const task = await problem(inner, given.recording, objective, { bias });
    const start = await startOf(inner, given, followed, task.shape);
    let lowest = { residual: Infinity, step: 0 };
    for await (const state of iterate(solver, task, start === null ? {} : { start })) {
      if (!given.probe.state(state.step, state.theta)) break;
      if (await isConverged(task, state, tolerance)) return 'converged';
      if (state.residual < 0.99 * lowest.residual) lowest = state;
      if (state.exhausted === true || state.step - lowest.step >= patience) return 'stalled';
      if (state.step >= maxSteps) break;
    }
    return 'finished';
  });

/** Null for the solver's own. */
const startOf = async <State extends Iterate>(
  on: Backend,
  { recording, seed }: MethodTask,
  { start = 'fixed-point', startRidge, bias = true }: FollowedSolver<State>,
  { predictors, units }: ProblemShape,
): Promise<Matrix | null> => {
  if (start === 'random') return randomStart(predictors, units, seed);
  if (start === 'zero') return matrix(predictors, units);
  if (startRidge === undefined) return null;
  const objective = crossEntropy({ ridge: startRidge, constraints: { zeroDiagonal: false } });
  return (await problem(on, recording, objective, { bias })).start();
};
