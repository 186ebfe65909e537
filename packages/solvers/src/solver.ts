import { firstNonFinite, type Matrix } from '@drnn/tensor';
import type { Problem } from './problem.js';
import type { StopRule } from './stopping.js';

/** How a run ended. A status is data, never an exception. */
export type Status =
  'converged' | 'max-steps' | 'stalled' | 'precision-floor' | 'non-finite' | 'device-lost' | 'aborted';

/** What every state of every solver tells. */
export interface Iterate {
  /** Steps taken so far. */
  readonly step: number;
  /** Parameters [predictor, unit]. */
  readonly theta: Matrix;
  /** Each unit's objective. */
  readonly value: Float64Array;
  /** The sum of `value`. */
  readonly objective: number;
  /** Each unit's gradient, 0 at fixed coordinates. */
  readonly gradient: Matrix;
  /** The largest over units of |g| / |g at zero|, in the metric's dual norm over the free coordinates. */
  readonly residual: number;
  /** The solver's own bound on |H^-1 g| / |theta|, where it has one. */
  readonly thetaErrorBound?: number;
  /** The same where it costs passes, made only when a rule asks; in place of the driver's own estimate. */
  readonly errorBound?: () => Promise<number>;
  /** Set when the solver can do no more: no unit found a step that lowers its objective. */
  readonly exhausted?: boolean;
  /** The problem this state is of, where a combinator has moved on to another than the one that was given. */
  readonly problem?: Problem;
}

/**
 * An iteration: `init` and `step` over explicit state, and a default rule for stopping that `withStopping` replaces. A
 * state belongs to the driver until the next step, which may reuse its buffers; `snapshot` copies what is to be kept.
 */
export interface Solver<State extends Iterate = Iterate> {
  readonly name: string;
  /** The first state, at `start` (copied, its fixed coordinates set to 0) or at the problem's own. */
  init(problem: Problem, start?: Matrix): Promise<State>;
  step(problem: Problem, state: State): Promise<State>;
  readonly stop: StopRule;
  /** Whether it heeds a problem's `structure`; the driver refuses one that would leave it out. */
  readonly structured?: boolean;
}

/** Whether a state can be gone on from. */
export const isFiniteState = (state: Iterate): boolean =>
  Number.isFinite(state.objective) && Number.isFinite(state.residual) && firstNonFinite(state.theta.data) < 0;

/** A copy of an iterate that no later step changes. */
export const snapshot = (state: Iterate): Iterate => ({
  ...state,
  theta: { ...state.theta, data: state.theta.data.slice() },
  value: state.value.slice(),
  gradient: { ...state.gradient, data: state.gradient.data.slice() },
});
