import { crossEntropy, freePattern } from '@drnn/objectives';
import type { Observations, Transitions } from '@drnn/simulator';
import { type Backend, copyMatrix, type Matrix, refuse } from '@drnn/tensor';
import { authorsErrors, type OnAuthorsStep } from './authors-errors.js';
import { projectOut } from './free.js';
import { problem as problemOn } from './problem.js';

export interface AuthorsAdmmOptions {
  /** Weighted errors above this size count as 0. Default 1, the published default. */
  readonly threshold?: number;
  /** Always this many; the iteration has no other end. Default 30. */
  readonly steps?: number;
  /** l2, per transition: lambda = l2 T. Default 1e-4. */
  readonly ridge?: number;
  /** rho as a multiple of lambda, above 0. Default 100; several published experiments take 10. */
  readonly rho?: number;
  /** [unit, unit + input], row = target, 1 where a weight may be nonzero. Default: no self-connections. */
  readonly connections?: Matrix;
  readonly onStep?: OnAuthorsStep;
}

/**
 * The masked iteration of CORNN's published code (specs cornn.md section 4.3): ADMM with one step of the thresholded
 * iteration in place of the first minimisation. With lambda = l2 T, rho' = rho lambda and A = X'X + (lambda + rho') I,
 *
 *     Theta = Chi = A^-1 X' atanh(d),   V = -(lambda / rho') Theta
 *     Theta <- Theta - A^-1 (lambda Theta - X' E + rho' (Theta - Chi + V))
 *     Chi   <- Theta + V, 0 where masked
 *     V     <- V + Theta - Chi
 *
 * and Chi is the result: masked weights are exactly 0 from step 1 on. E is that of `authorsThresholded`, so that this
 * is NOT a convex fit either, and the start is biased by rho'. `onStep` sees Chi. Errors: rho not above 0; a mask of
 * another shape. Cost 4 T P N flop a step.
 */
export const authorsAdmm = async (
  on: Backend,
  source: Observations | Transitions,
  options: AuthorsAdmmOptions = {},
): Promise<Matrix> => {
  const { threshold = 1, steps = 30, ridge = 1e-4, rho = 100 } = options;
  refuse(rho > 0 && Number.isFinite(rho) ? [] : [{ path: 'rho', seen: `${rho}`, expected: 'a finite number above 0' }]);
  // The metric of this problem is A, and its start is A^-1 X' atanh(d).
  const objective = crossEntropy({
    weights: 'variance',
    ridge: ridge * (1 + rho),
    constraints: { zeroDiagonal: false },
  });
  return on.scope(async (inner) => {
    const task = await problemOn(inner, source, objective, { bias: false });
    const { transitions, units, inputs } = task.shape;
    const { connections } = options;
    const free = freePattern(
      connections === undefined ? { zeroDiagonal: true } : { zeroDiagonal: false, connections },
      units,
      inputs,
      false,
    );
    const errorsAt = authorsErrors(inner, task, threshold);
    const metric = await task.metric();
    const lambda = ridge * transitions;
    const theta = copyMatrix(await task.start());
    const chi = copyMatrix(theta);
    const dual = copyMatrix(theta);
    const size = theta.data.length;
    for (let i = 0; i < size; i++) dual.data[i]! *= -1 / rho;
    for (let step = 0; options.onStep?.(step, chi) !== false && step < steps; step++) {
      const errors = await errorsAt(theta);
      for (let i = 0; i < size; i++) {
        const t = theta.data[i]!;
        errors.data[i]! -= lambda * (t + rho * (t - chi.data[i]! + dual.data[i]!));
      }
      const move = metric.solve(errors);
      for (let i = 0; i < size; i++) {
        theta.data[i]! += move.data[i]!;
        chi.data[i] = theta.data[i]! + dual.data[i]!;
        dual.data[i] = chi.data[i]!;
      }
      projectOut(free, chi);
      for (let i = 0; i < size; i++) dual.data[i]! -= chi.data[i]!;
    }
    return chi;
  });
};
