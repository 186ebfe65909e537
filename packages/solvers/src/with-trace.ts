import type { Iterate, Solver } from './solver.js';

/** Shows every `every`-th state (default each) to `sink`, the first included. The sink must not keep the state. */
export const withTrace =
  (sink: (state: Iterate) => void, every = 1) =>
  <State extends Iterate>(solver: Solver<State>): Solver<State> => {
    const show = (state: State): State => {
      if (state.step % every === 0) sink(state);
      return state;
    };
    return {
      ...solver,
      init: async (problem, start) => show(await solver.init(problem, start)),
      step: async (problem, state) => show(await solver.step(problem, state)),
    };
  };
