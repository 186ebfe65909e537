import { firstNonFinite, type Issue, matrix, type Matrix, refuse } from '@drnn/tensor';

/** The 97.5% quantile of the normal law: estimate +- so many standard errors hold the truth in 95% of cases. */
const normalQuantile = 1.959963984540054;

/** 95% intervals of weights, [predictor, unit] each. */
export interface Intervals {
  readonly lower: Matrix;
  readonly upper: Matrix;
}

/**
 * The central 95% of the Laplace approximation to each weight's posterior, theta +- 1.96 standard errors; empty intervals
 * at fixed coordinates, the whole line for weights that nothing determines. They hold what they promise as far as the
 * residuals are what the noise model says: see `calibrationCheck`. Errors: shapes that differ; estimates that are
 * not finite; errors that are negative.
 */
export const intervals = (theta: Matrix, errors: Matrix): Intervals => {
  const issues: Issue[] = [];
  if (theta.rows !== errors.rows || theta.columns !== errors.columns) {
    issues.push({
      path: 'errors',
      seen: `[${errors.rows}, ${errors.columns}]`,
      expected: `[predictor=${theta.rows}, unit=${theta.columns}]`,
    });
  }
  const at = firstNonFinite(theta.data);
  if (at >= 0) issues.push({ path: 'theta', seen: `${theta.data[at]} at entry ${at}`, expected: 'finite numbers' });
  const bad = errors.data.findIndex((error) => !(error >= 0));
  if (bad >= 0)
    issues.push({ path: 'errors', seen: `${errors.data[bad]} at entry ${bad}`, expected: 'numbers of at least 0' });
  refuse(issues);
  const lower = matrix(theta.rows, theta.columns);
  const upper = matrix(theta.rows, theta.columns);
  for (let i = 0; i < theta.data.length; i++) {
    lower.data[i] = theta.data[i]! - normalQuantile * errors.data[i]!;
    upper.data[i] = theta.data[i]! + normalQuantile * errors.data[i]!;
  }
  return { lower, upper };
};
