import { copyMatrix, type Matrix } from '@drnn/tensor';
import type { Evaluation, Problem } from './problem.js';

/** Where a search starts, and along what. */
export interface SearchFrom extends Evaluation {
  readonly theta: Matrix;
  /** [predictor, unit], inside the free coordinates. */
  readonly direction: Matrix;
}

/** Where it ended. */
export interface SearchResult extends Evaluation {
  readonly theta: Matrix;
  /** [unit], 0 where no length was found: the unit stayed. */
  readonly length: Float64Array;
  /** Evaluations it took. */
  readonly evaluations: number;
}

export interface BacktrackOptions {
  /** First lengths [unit]; default 1. */
  readonly first?: Float64Array;
  /** Armijo's fraction of the predicted decrease (Nocedal & Wright 2006, eq. 3.4). Default 1e-4. */
  readonly sufficientDecrease?: number;
}

const halvings = 40;

/**
 * Backtracking for all units at once: those that have not yet found a sufficient decrease halve their step and are
 * evaluated again, the others stay at their trial. By convexity a slope at the trial that is still as steep as a
 * fraction of the first proves the decrease without looking at values; where the change of the value is lost in its
 * rounding, a slope that has become less steep is enough (on a parabola the same as a sufficient decrease), or, of a step of
 * 1, a first slope that promised no more than rounding.
 * Cost one evaluation a trial.
 */
export const backtrack = async (
  problem: Problem,
  from: SearchFrom,
  { first, sufficientDecrease = 1e-4 }: BacktrackOptions = {},
): Promise<SearchResult> => {
  const { host } = problem.on;
  const { units } = problem.shape;
  const rounding = await problem.rounding();
  const slope = host.columnDot(from.gradient, from.direction);
  const length = first?.slice() ?? new Float64Array(units).fill(1);
  const settled = new Uint8Array(units);
  for (let k = 0; ; k++) {
    const theta = copyMatrix(from.theta);
    host.columnScaleAdd(length, from.direction, theta);
    const { value, gradient } = await problem.evaluate(theta);
    const slopeThere = host.columnDot(gradient, from.direction);
    for (let j = 0; j < units; j++) {
      if (settled[j] === 1) continue;
      const change = value[j]! - from.value[j]!;
      // A step so long that the value is lost is too long, whatever the slope there.
      const enough =
        !Number.isNaN(change) &&
        (slopeThere[j]! <= sufficientDecrease * slope[j]! ||
          (Math.abs(change) > rounding[j]!
            ? change <= sufficientDecrease * length[j]! * slope[j]!
            : (first === undefined && Math.abs(slope[j]!) <= rounding[j]!) ||
              (Math.abs(slopeThere[j]!) <= Math.abs(slope[j]!) &&
                slopeThere[j]! <= (1 - 2 * sufficientDecrease) * Math.abs(slope[j]!))));
      if (enough || length[j] === 0) settled[j] = 1;
      else length[j] = k + 1 < halvings ? length[j]! / 2 : 0;
    }
    if (settled.every((done) => done === 1)) return { theta, value, gradient, length, evaluations: k + 1 };
  }
};
