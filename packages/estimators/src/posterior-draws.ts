import { fillGaussian, randomStream } from '@drnn/simulator';
import { freeSet, hessiansAtOnce, unitsAtOnceIssues } from '@drnn/solvers';
import { copyMatrix, failure, type Issue, matrix, type Matrix, refuse, transpose } from '@drnn/tensor';
import { precisionFactor, precisionOn } from './precision.js';
import type { Posterior } from './standard-errors.js';

export interface PosteriorDrawsOptions {
  /** The estimate that the posterior is around, [predictor, unit]. */
  readonly theta: Matrix;
  /** How many sets of weights. */
  readonly count: number;
  /** Default 1. A draw is the same however many follow it. */
  readonly seed?: number;
  /** Units whose matrices are held at once: 8 P^2 bytes each. Default `hessiansAtOnce`. */
  readonly unitsAtOnce?: number;
}

/**
 * Weights that explain the recording as well as the estimate does: draws from the Laplace approximation to the posterior,
 *
 *     theta_j + L_j'^-1 xi,   L_j L_j' = X' diag(h_j) X + Lambda on the free coordinates of unit j,   xi ~ N(0, I),
 *
 * with all correlations among the weights into a unit, which standard errors leave out. What is said of a fit (a share of
 * current, a fixed point, an exponent) has as its error bar what it is over such draws, as far as `calibrationCheck` trusts
 * the posterior. Coordinates that are fixed stay as they are in `theta`. Cost T P^2 + P^3 / 3 multiplications a unit, and
 * P^2 each draw. Errors: shapes; a unit with a weight that neither data nor prior determines.
 */
export const posteriorDraws = async (
  { on, design, curvatures, ridge, free }: Posterior,
  { theta, count, seed = 1, unitsAtOnce = hessiansAtOnce(theta.rows) }: PosteriorDrawsOptions,
): Promise<readonly Matrix[]> => {
  const [predictors, units] = [design.columns, curvatures.columns];
  const issues: Issue[] = [];
  if (theta.rows !== predictors || theta.columns !== units) {
    issues.push({
      path: 'theta',
      seen: `[${theta.rows}, ${theta.columns}]`,
      expected: `[predictor=${predictors}, unit=${units}]`,
    });
  }
  if (!(Number.isInteger(count) && count >= 1))
    issues.push({ path: 'count', seen: `${count}`, expected: 'a whole number of at least 1' });
  issues.push(...unitsAtOnceIssues('unitsAtOnce', unitsAtOnce));
  refuse(issues);
  const draws = Array.from({ length: count }, () => copyMatrix(theta));
  const undetermined: number[] = [];
  const stream = randomStream(seed, 'posterior draws');
  for (let from = 0; from < units; from += unitsAtOnce) {
    const grams = await on.gramEach(design, curvatures, from, Math.min(units, from + unitsAtOnce));
    for (const [k, gram] of grams.entries()) {
      const j = from + k;
      const set = freeSet(free, predictors, j);
      const factor = precisionFactor(on.host, precisionOn(set, gram, ridge));
      if (factor === null) {
        undetermined.push(j);
        continue;
      }
      const normal = matrix(count, set.length);
      fillGaussian(stream(j), 1, normal.data);
      const away = transpose(normal);
      on.host.triangularSolve(factor.lower, away, { transpose: true, out: away });
      set.forEach((p, row) => {
        draws.forEach(({ data }, draw) => (data[p * units + j]! += away.data[row * count + draw]!));
      });
    }
  }
  if (undetermined.length > 0) {
    throw failure({
      path: 'ridge',
      seen: `weights into units ${undetermined.slice(0, 10).join(', ')} that neither the transitions nor the prior determines`,
      expected: 'a ridge above 0, or more transitions than predictors',
    });
  }
  return draws;
};
