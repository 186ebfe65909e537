import { product, qr, svd } from '@drnn/linalg';
import { failure, firstNonFinite, type Matrix, matrix, transpose } from '@drnn/tensor';

export interface PrincipalComponents {
  /** `[unit]`: the mean that is subtracted. */
  readonly mean: Float64Array;
  /** `[unit, component]`, orthonormal; in each the entry of the largest size is positive. */
  readonly components: Matrix;
  /** Variance along each, with T - 1, descending, of all min(T - 1, N) there are. */
  readonly variances: Float64Array;
  /** (sum l)^2 / sum l^2: how many dimensions of equal variance would be as spread out; 0 without variance. */
  readonly participationRatio: number;
  /** Coordinates of states `[time, unit]`: (r - mean) components, `[time, component]`. */
  readonly project: (states: Matrix) => Matrix;
}

/**
 * Principal components of activity `[time, unit]`, from the singular values of its deviations, which know small variances
 * better than the covariance does. `count` components are kept, 3 by default, all variances are given. Signs are fixed, so
 * that equal data have equal components. Cost about 4 T N^2 + 20 N^3 with N the shorter side. Errors: fewer than two
 * states, no units, NaN or infinity.
 */
export const principalComponents = (states: Matrix, options: { readonly count?: number } = {}): PrincipalComponents => {
  const { rows, columns, data } = states;
  if (rows < 2 || columns < 1 || firstNonFinite(data) >= 0) {
    throw failure({ path: 'states', seen: `[${rows}, ${columns}]`, expected: '[time, unit] of at least two, finite' });
  }
  const mean = columnMeans(states);
  const deviations = centred(states, mean);
  // R of a tall matrix has its singular values and right vectors, for less.
  const { values, right } = svd(rows > 2 * columns ? qr(deviations).triangular : deviations);
  const rank = Math.min(rows - 1, columns);
  const variances = values.slice(0, rank).map((value) => (value * value) / (rows - 1));
  const kept = Math.min(options.count ?? 3, rank);
  const components = matrix(columns, kept);
  for (let k = 0; k < kept; k++) {
    let largest = 0;
    for (let i = 0; i < columns; i++) {
      const value = right.data[i * right.columns + k]!;
      // Entries that are equal to rounding must not decide by it.
      if (Math.abs(value) > Math.abs(largest) * (1 + 1e-9)) largest = value;
    }
    const sign = largest < 0 ? -1 : 1;
    for (let i = 0; i < columns; i++) components.data[i * kept + k] = sign * right.data[i * right.columns + k]!;
  }
  const total = variances.reduce((sum, value) => sum + value, 0);
  const squares = variances.reduce((sum, value) => sum + value * value, 0);
  return {
    mean,
    components,
    variances,
    participationRatio: squares === 0 ? 0 : (total * total) / squares,
    project: (other) => {
      if (other.columns !== columns) {
        throw failure({ path: 'states', seen: `${other.columns} units`, expected: `${columns}, as the components` });
      }
      return product(centred(other, mean), components);
    },
  };
};

/** The mean of each column. */
export const columnMeans = ({ rows, columns, data }: Matrix): Float64Array => {
  const mean = new Float64Array(columns);
  for (let t = 0; t < rows; t++) for (let j = 0; j < columns; j++) mean[j]! += data[t * columns + j]!;
  return mean.map((sum) => sum / rows);
};

/** Deviations from `mean`, a copy. */
export const centred = ({ rows, columns, data }: Matrix, mean: Float64Array): Matrix => {
  const result = matrix(rows, columns);
  for (let t = 0; t < rows; t++) {
    for (let j = 0; j < columns; j++) result.data[t * columns + j] = data[t * columns + j]! - mean[j]!;
  }
  return result;
};

/** The covariance `[unit, unit]` of activity `[time, unit]`, with T - 1. Errors: fewer than two states. */
export const covarianceOf = (states: Matrix): Matrix => {
  if (states.rows < 2) throw failure({ path: 'states', seen: `${states.rows}`, expected: 'at least two' });
  const deviations = centred(states, columnMeans(states));
  const scatter = product(transpose(deviations), deviations);
  return matrix(
    scatter.rows,
    scatter.columns,
    scatter.data.map((value) => value / (states.rows - 1)),
  );
};
