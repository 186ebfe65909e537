import { gmres } from '@drnn/linalg';
import type { Equations } from './equations.js';
import { directSolve, type LinearSolve, type NewtonSpace } from './newton.js';

/** From here on a product with J is so much cheaper than its factor that Krylov's way is tried first. */
const KRYLOV_FROM = 128;
/** Products after which LU is taken instead. */
const MOST_PRODUCTS = 120;
const RESTART = 30;
/** After so many failures in a row GMRES is not tried again. */
const PATIENCE = 3;

/**
 * The linear systems of Newton's method: by LU below 128 unknowns; above, by GMRES to min(0.01, sqrt|G|) of the right
 * side (Dembo, Eisenstat and Steihaug 1982), which takes few products where W is noise on few directions, and by LU where
 * that does not suffice.
 */
export const newtonSolve = (space: NewtonSpace, equations: Equations): LinearSolve => {
  const direct = directSolve(space);
  if (equations.order < KRYLOV_FROM) return direct;
  let failures = 0;
  return (_, p, size) => {
    if (failures < PATIENCE) {
      const tolerance = Math.max(1e-8, Math.min(1e-2, Math.sqrt(size)));
      const { solution, status } = gmres(equations.times, p, { tolerance, restart: RESTART, maxSteps: MOST_PRODUCTS });
      if (status === 'converged') {
        failures = 0;
        p.set(solution);
        return true;
      }
      failures += 1;
    }
    return direct(equations, p, size);
  };
};
