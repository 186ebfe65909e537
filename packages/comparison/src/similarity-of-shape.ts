import { columnMeans } from '@drnn/geometry';
import { product, svd } from '@drnn/linalg';
import { failure, firstNonFinite, type Matrix, matrix, refuse } from '@drnn/tensor';

/**
 * Measures of shape: whether two clouds `[time, feature]`, row by row of the same moments, have the same form. They are
 * blind to dynamics: the same states in the opposite order have the same shape.
 */

const checked = (x: Matrix, y: Matrix): void =>
  refuse([
    ...(x.rows === y.rows && x.rows >= 2
      ? []
      : [{ path: 'y', seen: `${y.rows} times`, expected: `${x.rows}, as x, and two at least` }]),
    ...([x, y].every(({ data }) => firstNonFinite(data) < 0)
      ? []
      : [{ path: 'x, y', seen: 'NaN or infinity', expected: 'finite numbers' }]),
  ]);

const deviations = (a: Matrix): Matrix => {
  const mean = columnMeans(a);
  return matrix(
    a.rows,
    a.columns,
    a.data.map((value, k) => value - mean[k % a.columns]!),
  );
};

const squares = (a: Matrix): number => a.data.reduce((sum, value) => sum + value * value, 0);

/**
 * Linear centred kernel alignment |Xc' Yc|_F^2 / (|Xc' Xc|_F |Yc' Yc|_F), in [0, 1]. Invariant to rotations and to one
 * scale, not to other linear maps. With few times for the features it is far above 0 for noise: the unbiased estimate
 * (default below 10 times a feature) is not, and may be negative. Cost T (p + q)^2. Errors: other numbers of times; a
 * cloud that does not vary. Source: Kornblith et al. 2019; unbiased: Song et al. 2012.
 */
export const linearCka = (x: Matrix, y: Matrix, options: { readonly unbiased?: boolean } = {}): number => {
  checked(x, y);
  const unbiased = options.unbiased ?? x.rows < 10 * Math.max(x.columns, y.columns);
  if (unbiased && x.rows < 4) throw failure({ path: 'x', seen: `${x.rows} times`, expected: 'at least 4' });
  const [a, b] = [deviations(x), deviations(y)];
  const size = unbiased ? unbiasedIndependence : (p: Matrix, q: Matrix) => squares(product(p, q, { transposeA: true }));
  const own = size(a, a) * size(b, b);
  if (!(own > 0)) throw failure({ path: 'x, y', seen: 'no variance', expected: 'features that vary' });
  return size(a, b) / Math.sqrt(own);
};

/** The unbiased Hilbert-Schmidt independence criterion of two linear kernels, times T (T - 3), without making either. */
const unbiasedIndependence = (x: Matrix, y: Matrix): number => {
  const times = x.rows;
  const norms = (a: Matrix): Float64Array =>
    Float64Array.from({ length: times }, (_, t) => {
      let sum = 0;
      for (let j = t * a.columns; j < (t + 1) * a.columns; j++) sum += a.data[j]! ** 2;
      return sum;
    });
  // Rows of K~ 1: x_t . sum_s x_s less the diagonal; columns are centred, so that only the diagonal is left.
  const [p, q] = [norms(x), norms(y)];
  let [diagonal, sumP, sumQ, cross] = [0, 0, 0, 0];
  for (let t = 0; t < times; t++) {
    diagonal += p[t]! * q[t]!;
    sumP -= p[t]!;
    sumQ -= q[t]!;
    cross += p[t]! * q[t]!;
  }
  const trace = squares(product(x, y, { transposeA: true })) - diagonal;
  return trace + (sumP * sumQ) / ((times - 1) * (times - 2)) - (2 * cross) / (times - 2);
};

export interface CanonicalCorrelation {
  /** The mean canonical correlation. */
  readonly mean: number;
  /** Weighted by how much of X each canonical direction holds (PWCCA). */
  readonly projectionWeighted: number;
  readonly correlations: Float64Array;
  /** Dimensions that were kept of each. */
  readonly kept: readonly [x: number, y: number];
  /** Whether there are 20 times for every dimension kept; below that correlations are high by chance. */
  readonly isReliable: boolean;
}

/**
 * Singular vector canonical correlation: the directions that hold `variance` (default 0.99) of each cloud, then the
 * correlations of their best linear matches. Invariant to every invertible linear map where all is kept. Cost T p^2.
 * Errors: other numbers of times; a cloud that does not vary. Source: Raghu et al. 2017; weighted: Morcos et al. 2018.
 */
export const svcca = (x: Matrix, y: Matrix, options: { readonly variance?: number } = {}): CanonicalCorrelation => {
  checked(x, y);
  const wanted = options.variance ?? 0.99;
  const basisOf = (a: Matrix, path: string): { readonly basis: Matrix; readonly centred: Matrix } => {
    const centred = deviations(a);
    const { values, left } = svd(centred);
    const total = values.reduce((sum, value) => sum + value * value, 0);
    if (!(total > 0)) throw failure({ path, seen: 'no variance', expected: 'features that vary' });
    const rank = values.reduce((count, value) => count + (value > 1e-10 * (values[0] ?? 0) ? 1 : 0), 0);
    let kept = 0;
    for (let held = 0; kept < rank && held < (wanted - 1e-12) * total; kept++) held += values[kept]! ** 2;
    const basis = matrix(a.rows, kept);
    for (let t = 0; t < a.rows; t++) {
      for (let k = 0; k < kept; k++) basis.data[t * kept + k] = left.data[t * left.columns + k]!;
    }
    return { basis, centred };
  };
  const [a, b] = [basisOf(x, 'x'), basisOf(y, 'y')];
  const { values, left } = svd(product(a.basis, b.basis, { transposeA: true }));
  const correlations = values.map((value) => Math.min(1, value));
  // Canonical variates of X, and how much of every feature each of them holds.
  const held = product(product(a.basis, left), a.centred, { transposeA: true });
  const weights = Float64Array.from(correlations, (_, k) => {
    let sum = 0;
    for (let j = 0; j < held.columns; j++) sum += Math.abs(held.data[k * held.columns + j]!);
    return sum;
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return {
    mean: correlations.reduce((sum, value) => sum + value, 0) / correlations.length,
    projectionWeighted: correlations.reduce((sum, value, k) => sum + value * weights[k]!, 0) / total,
    correlations,
    kept: [a.basis.columns, b.basis.columns],
    isReliable: x.rows >= 20 * Math.max(a.basis.columns, b.basis.columns),
  };
};

export interface ProcrustesDistance {
  /** |X - Y Q| of the centred clouds of unit size under the best orthogonal Q: sqrt(2 - 2 |X' Y|_*). */
  readonly distance: number;
  /** arccos |X' Y|_*, radians. */
  readonly angle: number;
}

/**
 * How far two clouds are from each other after the best shift, scale and rotation or reflection. Features of the smaller
 * one are filled up with zeros. Cost T p q. Errors: other numbers of times; a cloud that does not vary. Source: Schönemann
 * 1966; as a metric Williams et al. 2021.
 */
export const procrustes = (x: Matrix, y: Matrix): ProcrustesDistance => {
  checked(x, y);
  const unit = (a: Matrix, path: string): Matrix => {
    const centred = deviations(a);
    const size = Math.sqrt(squares(centred));
    if (!(size > 0)) throw failure({ path, seen: 'no variance', expected: 'features that vary' });
    return matrix(
      a.rows,
      a.columns,
      centred.data.map((value) => value / size),
    );
  };
  const [a, b] = [unit(x, 'x'), unit(y, 'y')];
  const { left, right } = svd(product(a, b, { transposeA: true }));
  // |X U - Y V|, padded: from 2 - 2 |X' Y|_* a small distance would have half the digits.
  const [p, q] = [product(a, left), product(b, right)];
  const shared = Math.min(p.columns, q.columns);
  let sum = 0;
  for (let t = 0; t < a.rows; t++) {
    for (let k = 0; k < shared; k++) sum += (p.data[t * p.columns + k]! - q.data[t * q.columns + k]!) ** 2;
  }
  // What a cloud has beyond the span of the shared directions.
  const rest = Math.max(0, squares(a) - squares(p)) + Math.max(0, squares(b) - squares(q));
  const distance = Math.sqrt(sum + (x.columns === y.columns ? 0 : rest));
  return { distance, angle: 2 * Math.asin(Math.min(1, distance / 2)) };
};
