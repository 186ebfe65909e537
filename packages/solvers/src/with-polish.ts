import type { Backend, Matrix } from '@drnn/tensor';
import type { Problem } from './problem.js';
import { isFiniteState, type Iterate, type Solver, snapshot } from './solver.js';
import { lastAtFloor } from './stopping.js';

/** A state that is of the mixed stage until it carries an exact problem of its own. */
export interface PolishState<State extends Iterate> extends Iterate {
  readonly inner: State;
  /** The float64 problem, once polishing. */
  readonly exact: Problem | null;
  /** How the mixed stage goes. */
  readonly mixed: MixedStage;
}

/** What tells the end of a mixed stage. */
export interface MixedStage {
  /** The residual when it had last halved, and the step of that. */
  readonly halved: { readonly residual: number; readonly step: number };
  /** States in a row at the noise floor. */
  readonly atFloor: number;
}

/** The mixed stage ends when its residual has not halved in this many steps. */
const patience = 10;

/**
 * Goes on in float64 when mixed precision can do no more: once the residual has been at the noise floor of the pass for
 * 3 states, or has not halved in 10 steps, the problem is put on `exact` (a float64 backend, left open; a function is
 * called at that moment and not before) and the solver starts there from the mixed solution; so too where the start
 * itself is at the noise floor, and when a state is not
 * finite, since float32 ends at 3e38 and float64 does not. Under float64 it changes nothing. The rows of the exact problem are released with `state.exact.release()`, or with its backend.
 */
export const withPolish =
  (exact: Backend | (() => Promise<Backend>)) =>
  <State extends Iterate>(solver: Solver<State>): Solver<PolishState<State>> => {
    const wrap = (
      inner: State,
      from: Pick<PolishState<State>, 'exact' | 'mixed'>,
      step: number,
    ): PolishState<State> => ({
      ...snapshot(inner),
      step,
      inner,
      exact: from.exact,
      mixed: from.mixed,
      ...(from.exact === null ? {} : { problem: from.exact }),
    });
    const begin = async (
      problem: Problem,
      start: Matrix,
      step: number,
      mixed: MixedStage,
    ): Promise<PolishState<State>> => {
      const on = typeof exact === 'function' ? await exact() : exact;
      const exactProblem = await problem.movedTo(on);
      try {
        const inner = await solver.init(exactProblem, start);
        return wrap(inner, { exact: exactProblem, mixed }, step);
      } catch (error) {
        exactProblem.release();
        throw error;
      }
    };
    const follow = async (problem: Problem, inner: State, step: number, before: MixedStage): Promise<MixedStage> => ({
      halved:
        inner.residual <= before.halved.residual / 2 || step === 0 ? { residual: inner.residual, step } : before.halved,
      atFloor: inner.residual <= (await problem.noiseFloor()) ? before.atFloor + 1 : 0,
    });
    const fresh: MixedStage = { halved: { residual: Infinity, step: 0 }, atFloor: 0 };
    return {
      ...solver,
      init: async (problem, start) => {
        const inner = await solver.init(problem, start);
        const mixed = await follow(problem, inner, 0, fresh);
        if (problem.on.precision === 'mixed' && !isFiniteState(inner)) return begin(problem, inner.theta, 0, mixed);
        return wrap(inner, { exact: null, mixed }, 0);
      },
      step: async (problem, state) => {
        const step = state.step + 1;
        if (problem.on.precision === 'float64' || state.exact !== null) {
          return wrap(await solver.step(state.exact ?? problem, state.inner), state, step);
        }
        // A start at which nothing is wrong that could be seen: a fit that is gone on with.
        if (state.step === 0 && state.mixed.atFloor > 0) return begin(problem, state.theta, step, state.mixed);
        const inner = await solver.step(problem, state.inner);
        if (!isFiniteState(inner)) return begin(problem, state.theta, step, state.mixed);
        const mixed = await follow(problem, inner, step, state.mixed);
        const over = mixed.atFloor >= lastAtFloor || step - mixed.halved.step >= patience;
        if (inner.exhausted === true || over) return begin(problem, inner.theta, step, mixed);
        return wrap(inner, { exact: null, mixed }, step);
      },
    };
  };
