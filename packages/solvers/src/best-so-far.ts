import type { Iterate, Solver } from './solver.js';
import { snapshot } from './solver.js';

/** A state that shows the best iterate so far and carries the solver's own beneath it. */
export interface BestState<State extends Iterate> extends Iterate {
  readonly inner: State;
}

/** Shows the iterate of lowest objective so far in place of the latest. For solvers that are not monotone. */
export const bestSoFar = <State extends Iterate>(solver: Solver<State>): Solver<BestState<State>> => ({
  ...solver,
  init: async (problem, start) => {
    const inner = await solver.init(problem, start);
    return { ...snapshot(inner), inner };
  },
  step: async (problem, state) => {
    const inner = await solver.step(problem, state.inner);
    // Values of another precision are no measure of this one's.
    const better = inner.objective < state.objective || inner.problem !== state.inner.problem;
    const exhausted = inner.exhausted ?? false;
    return { ...(better ? snapshot(inner) : state), step: inner.step, exhausted, inner };
  },
});
