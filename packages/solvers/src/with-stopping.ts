import type { Solver } from './solver.js';
import type { StopRule } from './stopping.js';

/** Replaces the rule a solver stops by; given twice, the last wins. A map solver stays one, so that it can be accelerated. */
export const withStopping =
  (stop: StopRule) =>
  <Kind extends Solver>(solver: Kind): Kind => ({ ...solver, stop });
