import { failure, type Matrix } from '@drnn/tensor';
import { francis, type HessenbergProblem } from './francis.js';
import { clearReflectors, reduceToHessenberg, reflectorProduct } from './hessenberg.js';
import { expectFiniteSquare } from './operand.js';
import { applyReflections, reflectionQueue } from './reflection-queue.js';
import { scaledByPowerOfTwo, timesPowerOfTwo } from './scaling.js';

/** Eigenvalues real[k] + i imaginary[k]; of a conjugate pair the one with positive imaginary part comes first. */
export interface Eigenvalues {
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
}

/**
 * A = Q T Q': T upper triangular but for 2 x 2 blocks [a, b; c, a] with b c < 0 on the diagonal, one for each conjugate
 * pair; Q orthogonal. `values` are in the order of the diagonal.
 */
export interface Schur {
  readonly triangular: Matrix;
  readonly orthogonal: Matrix;
  readonly values: Eigenvalues;
}

/**
 * The real Schur form: Householder reduction, then QR iterations (`francis`). No balancing, so that Q is orthogonal.
 * Backward stable: |A - Q T Q'| is of the order of eps |A|. Cost about 25 n^3. Errors: not square, not finite; a QR
 * iteration that does not converge, which no matrix is known to cause.
 */
export const schur = (a: Matrix): Schur => {
  const n = expectFiniteSquare('schur', a);
  const { scaled, exponent } = scaledByPowerOfTwo(a);
  const { triangular, orthogonal, values } = schurOfScaled(scaled, 0, n - 1);
  timesPowerOfTwo(triangular.data, exponent);
  timesPowerOfTwo(values.real, exponent);
  timesPowerOfTwo(values.imaginary, exponent);
  return { triangular, orthogonal, values };
};

/** The Schur form of a matrix with entries of order 1 that is triangular outside rows [low, high]; overwrites it. */
export const schurOfScaled = (a: Matrix, low: number, high: number): Schur => {
  const n = a.rows;
  const tau = new Float64Array(n);
  reduceToHessenberg(a.data, n, low, high, tau);
  const orthogonal = reflectorProduct(a.data, n, low, high, tau);
  clearReflectors(a.data, n, low, high);
  const basis = reflectionQueue(orthogonal.data, n, n);
  const problem = { h: a.data, n, basis, ...diagonalOf(a) };
  iterate(problem, low, high);
  applyReflections(basis);
  return {
    triangular: a,
    orthogonal,
    values: { real: problem.real, imaginary: problem.imaginary },
  };
};

/** The eigenvalues alone, as `schurOfScaled`; half the work. Overwrites A. */
export const eigenvaluesOfScaled = (a: Matrix, low: number, high: number): Eigenvalues => {
  reduceToHessenberg(a.data, a.rows, low, high, new Float64Array(a.rows));
  clearReflectors(a.data, a.rows, low, high);
  const problem = { h: a.data, n: a.rows, basis: null, ...diagonalOf(a) };
  iterate(problem, low, high);
  return { real: problem.real, imaginary: problem.imaginary };
};

const diagonalOf = (a: Matrix): Eigenvalues => ({
  real: Float64Array.from({ length: a.rows }, (_, i) => a.data[i * a.rows + i]!),
  imaginary: new Float64Array(a.rows),
});

const iterate = (problem: HessenbergProblem, low: number, high: number): void => {
  const stuck = francis(problem, low, high);
  if (stuck < 0) return;
  throw failure({
    path: 'schur',
    seen: `no convergence at row ${stuck} of ${problem.n} after 30 QR steps a row`,
    expected: 'two or three steps a row',
    hint: 'please report the matrix',
  });
};
