import type { Iterate, Solver } from './solver.js';

/** Starts the solver afresh from where it stands every `every` steps, so that it forgets what it has learnt. */
export const withRestart =
  (every: number) =>
  <State extends Iterate>(solver: Solver<State>): Solver<State> => ({
    ...solver,
    step: async (problem, state) => {
      const next = await solver.step(problem, state);
      return next.step % every === 0
        ? { ...(await solver.init(next.problem ?? problem, next.theta)), step: next.step }
        : next;
    },
  });
