import type { Backend, Matrix } from '@drnn/tensor';
import { type Problem, problem as problemOn } from './problem.js';
import { type Iterate, type Solver, snapshot } from './solver.js';

/** A state that is of the mixed stage until it carries an exact problem of its own. */
export interface PolishState<State extends Iterate> extends Iterate {
  readonly inner: State;
  /** The float64 problem, once polishing. */
  readonly exact: Problem | null;
  /** The lowest residual of the mixed stage and the step at which it had last halved. */
  readonly halved: { readonly residual: number; readonly step: number };
}

/** The mixed stage ends when its residual has not halved in this many steps. */
const patience = 10;

/**
 * Goes on in float64 when mixed precision can do no more: once the residual is at the noise floor of the backend, or
 * has not halved in 10 steps, the problem is put on `exact` (a float64 backend, left open) and the solver starts there from the mixed solution. Under float64 it
 * changes nothing.
 */
export const withPolish =
  (exact: Backend) =>
  <State extends Iterate>(solver: Solver<State>): Solver<PolishState<State>> => {
    const wrap = (
      inner: State,
      from: Pick<PolishState<State>, 'exact' | 'halved'>,
      step: number,
    ): PolishState<State> => ({
      ...snapshot(inner),
      step,
      inner,
      exact: from.exact,
      halved: from.halved,
      ...(from.exact === null ? {} : { problem: from.exact }),
    });
    const begin = async (problem: Problem, start: Matrix, step: number): Promise<PolishState<State>> => {
      const exactProblem = await problemOn(exact, problem.source, problem.objective, { bias: problem.shape.bias });
      const inner = await solver.init(exactProblem, start);
      return wrap(inner, { exact: exactProblem, halved: { residual: inner.residual, step } }, step);
    };
    return {
      ...solver,
      init: async (problem, start) => {
        const inner = await solver.init(problem, start);
        return wrap(inner, { exact: null, halved: { residual: inner.residual, step: 0 } }, 0);
      },
      step: async (problem, state) => {
        if (problem.on.precision === 'float64' || state.exact !== null) {
          return wrap(await solver.step(state.exact ?? problem, state.inner), state, state.step + 1);
        }
        const inner = await solver.step(problem, state.inner);
        const step = state.step + 1;
        const halved = inner.residual <= state.halved.residual / 2 ? { residual: inner.residual, step } : state.halved;
        const floored = inner.residual <= problem.noiseFloor || step - halved.step >= patience;
        if (inner.exhausted === true || floored) return begin(problem, inner.theta, step);
        return wrap(inner, { exact: null, halved }, step);
      },
    };
  };
