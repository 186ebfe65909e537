import type { Acceleration } from './acceleration.js';
import { type MapSolver, mapSolver } from './fixed-point-map.js';

/** Gives a map solver another acceleration: `accelerate(anderson(5))(sharedNewton)`. The last one given wins. */
export const accelerate =
  (acceleration: Acceleration) =>
  (solver: MapSolver): MapSolver => ({ ...mapSolver(solver.map, acceleration), stop: solver.stop });
