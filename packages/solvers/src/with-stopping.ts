import type { Iterate, Solver } from './solver.js';
import type { StopRule } from './stopping.js';

/** Replaces the rule a solver stops by; given twice, the last wins. */
export const withStopping =
  (stop: StopRule) =>
  <State extends Iterate>(solver: Solver<State>): Solver<State> => ({ ...solver, stop });
