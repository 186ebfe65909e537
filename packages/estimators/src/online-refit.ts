import { type Evaluation, iterate, type MapState, type Problem, type Status } from '@drnn/solvers';
import { copyMatrix, type Matrix } from '@drnn/tensor';
import { windowSolver } from './online-sweeps.js';
import { type Fork, takeBetter } from './online-window.js';
import { copyEvaluation, type SumParts } from './sum-of-problems.js';

export interface RefitOptions {
  /** Default 1e-8; in mixed precision what the pass can tell. */
  readonly tolerance?: number;
  /** Default 100. */
  readonly steps?: number;
  readonly signal?: AbortSignal;
}

export interface Refit {
  /** [predictor, unit]: the optimum for the window as it was when the refit began. */
  readonly theta: Matrix;
  readonly status: Extract<Status, 'converged' | 'max-steps' | 'stalled' | 'aborted'>;
  readonly residual: number;
  readonly steps: number;
  /** Units whose weights were taken over, since they are better on the window as it is now. */
  readonly improved: number;
}

/** Where a refit ended, and what its weights evaluate to over the window as it was; null where it never got so far. */
export type RefitEnd = Omit<Refit, 'improved'> & { readonly there: Evaluation | null };

/** Solves a fork of the window to the end, from its weights or its fixed point, whichever is better for a unit. */
export const refitOf = async (
  { standing, fixedPoint, problemFrom }: Fork,
  { tolerance = 1e-8, steps = 100 }: RefitOptions,
  turn: SumParts['turn'],
  signal: AbortSignal,
): Promise<RefitEnd> => {
  if (fixedPoint !== null && !signal.aborted)
    takeBetter(standing, {
      theta: fixedPoint,
      ...(await problemFrom(fixedPoint, turn).evaluate(fixedPoint)),
    });
  return solve(problemFrom(standing.theta, turn), tolerance, steps, signal);
};

const solve = async (task: Problem, tolerance: number, steps: number, signal: AbortSignal): Promise<RefitEnd> => {
  const enough = Math.max(tolerance, await task.noiseFloor());
  const ended = (status: Refit['status'], { theta, residual, step, ...at }: MapState): RefitEnd => ({
    theta: copyMatrix(theta),
    status,
    residual,
    steps: step,
    there: copyEvaluation(at),
  });
  let reached: MapState | null = null;
  for await (const at of iterate(windowSolver, task, { signal })) {
    reached = at;
    if (at.residual <= enough) return ended('converged', at);
    if (at.exhausted === true) return ended('stalled', at);
    if (at.step >= steps) return ended('max-steps', at);
  }
  return reached === null
    ? { theta: await task.start(), status: 'aborted', residual: Infinity, steps: 0, there: null }
    : ended('aborted', reached);
};
