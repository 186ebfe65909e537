import { product, svd } from '@drnn/linalg';
import { type Matrix, matrix } from '@drnn/tensor';
import { type Design, grandMean, lessMean, marginalise, meansOf } from './demixed-design.js';

/** Less than this part of the variance is rounding. */
const NOTHING = 1e-20;

/** |A|_F^2. */
export const squares = ({ data }: Matrix): number => data.reduce((sum, value) => sum + value * value, 0);

/** Everything of a fit that does not depend on the ridge. */
export interface Prepared {
  readonly means: Matrix;
  readonly mean: Float64Array;
  readonly parts: readonly (readonly [string, Matrix])[];
  /** X'X + (cell x time) C, C the covariance of trials about their condition's mean, as Q diag(g) Q'. */
  readonly basis: Matrix;
  readonly sizes: Float64Array;
  readonly total: number;
}

/** The means and the basis of a design. */
export const prepare = (design: Design): Prepared => {
  const raw = meansOf(design);
  const mean = grandMean(raw);
  const means = lessMean(raw, mean);
  const gram = product(means, means, { transposeA: true });
  const { cells, time, units } = design;
  cells.forEach((trials, c) => {
    for (const { data } of trials) {
      const residual = matrix(
        time,
        units,
        data.map((value, k) => value - raw.data[c * time * units + k]!),
      );
      const scatter = product(residual, residual, { transposeA: true });
      for (let k = 0; k < gram.data.length; k++) gram.data[k]! += scatter.data[k]! / trials.length;
    }
  });
  const { values, right } = svd(gram);
  return { means, mean, parts: marginalise(design, means), basis: right, sizes: values, total: squares(means) };
};

/** How parts are read, and put back. */
export interface Axes {
  /** `[unit, component]`. */
  readonly encoders: Matrix;
  readonly decoders: Matrix;
}

/**
 * F D with D of rank q that comes nearest to X_phi from X, noise and ridge counted: A = X_phi' X G^-1 of the regression, cut
 * to the leading eigenvectors F of A G A'; D = F' A.
 */
export const axesOf = ({ means, basis, sizes, total }: Prepared, part: Matrix, ridge: number, count: number): Axes => {
  const least = 1e-12 * (sizes[0] ?? 0);
  const cross = product(product(part, means, { transposeA: true }), basis);
  const n = basis.rows;
  const whitened = matrix(n, n);
  const solved = matrix(n, n);
  for (let j = 0; j < n; j++) {
    // Directions without activity have none to give.
    const size = sizes[j]! > least ? sizes[j]! + ridge * ridge * total : Infinity;
    for (let i = 0; i < n; i++) {
      whitened.data[i * n + j] = cross.data[i * n + j]! / Math.sqrt(size);
      solved.data[i * n + j] = cross.data[i * n + j]! / size;
    }
  }
  const { left, values } = svd(whitened);
  const kept = Math.min(count, values.filter((value) => value * value > NOTHING * total).length);
  const encoders = matrix(n, kept);
  for (let i = 0; i < n; i++)
    for (let q = 0; q < kept; q++) encoders.data[i * kept + q] = left.data[i * left.columns + q]!;
  const map = product(solved, basis, { transposeB: true });
  return { encoders, decoders: product(map, encoders, { transposeA: true }) };
};

/** F D X. */
export const reconstructed = (states: Matrix, { encoders, decoders }: Axes): Matrix =>
  product(product(states, decoders), encoders, { transposeB: true });
