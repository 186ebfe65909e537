import { abs, type Backend, copyMatrix, lessEqual, matrix, type Matrix, where } from '@drnn/tensor';
import type { Problem } from './problem.js';

/** Told of each iterate, the start included as step 0; only `false` ends the iteration there. Theta must not be kept. */
export type OnAuthorsStep = (step: number, theta: Matrix) => unknown;

/**
 * Minus the gradient of the published code at Theta, without penalty:
 *
 *     X' E,   E = (d - tanh X Theta) / (1 - d^2) where that is at most the threshold in size and 0 elsewhere,
 *
 * each unit's errors multiplied by T / (T - number of excluded). A unit all of whose errors are excluded, where the
 * original gives NaN, has 0. `task` has the weights 1 / (1 - d^2). Cost 4 T P N flop.
 */
export const authorsErrors = (on: Backend, task: Problem, threshold: number): ((theta: Matrix) => Promise<Matrix>) => {
  // Made once: a backend knows an expression it has compiled by its identity.
  const { slope } = task.objective;
  const kept = where(lessEqual(abs(slope), threshold), slope, 0);
  const included = where(lessEqual(abs(slope), threshold), 1, 0);
  const { transitions } = task.shape;
  return async (theta) => {
    const { backProject, columnSums } = await on.pass(task.rows.design, {
      currents: { z: theta },
      data: task.rows.data,
      backProject: [kept],
      columnSums: [included],
    });
    const errors = copyMatrix(backProject[0] ?? matrix(0, 0));
    const counts = columnSums[0] ?? new Float64Array();
    const { rows, columns, data } = errors;
    for (let p = 0; p < rows; p++) {
      for (let j = 0; j < columns; j++) data[p * columns + j]! *= counts[j]! > 0 ? -transitions / counts[j]! : 0;
    }
    return errors;
  };
};
