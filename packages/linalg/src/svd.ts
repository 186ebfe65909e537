import { failure, type Matrix, matrix, transpose } from '@drnn/tensor';
import { bidiagonalise } from './bidiagonal.js';
import { expectFinite } from './operand.js';
import { product } from './product.js';
import { qr } from './qr.js';
import { applyRotations, beginSweep, pushRotation, type RotationQueue, rotationQueue } from './rotation-queue.js';
import { scaledByPowerOfTwo, timesPowerOfTwo } from './scaling.js';

/** A = left diag(values) right', values descending, singular vectors in the columns. */
export interface Svd {
  readonly values: Float64Array;
  /** [row, k], k = min(rows, columns), or [row, row] when full. */
  readonly left: Matrix;
  /** [column, k], or [column, column] when full. */
  readonly right: Matrix;
}

/** How many singular vectors are wanted. */
export interface SvdOptions {
  /** Both sides square: columns beyond the rank span the null spaces of A' and A. Default false. */
  readonly full?: boolean;
}

/**
 * Singular values and vectors of any matrix, wide, tall or square: QR when it is not square, reduction to bidiagonal
 * form, implicit QR steps (Golub and Reinsch 1970), the rotations applied in bundles. Values and vectors are those of
 * a matrix within eps |A| of A. Cost about 20 n^3 + 4 m n^2 with n the shorter side. Errors: not finite; a QR iteration
 * that does not converge, which no matrix is known to cause.
 */
export const svd = (a: Matrix, options: SvdOptions = {}): Svd => {
  expectFinite('svd', a);
  if (a.rows < a.columns) {
    const { values, left, right } = svd(transpose(a), options);
    return { values, left: right, right: left };
  }
  const n = a.columns;
  const { scaled, exponent } = scaledByPowerOfTwo(a);
  if (a.rows === n) {
    const square = diagonalise(scaled, true);
    timesPowerOfTwo(square.values, exponent);
    return square;
  }
  const { orthogonal, triangular } = qr(scaled, { full: options.full === true });
  const inner = diagonalise(matrix(n, n, triangular.data.slice(0, n * n)), true);
  timesPowerOfTwo(inner.values, exponent);
  return { ...inner, left: rotatedColumns(orthogonal, inner.left) };
};

/** The singular values alone, descending. Cost 8/3 n^3 for a square matrix. Errors: as `svd`. */
export const singularValues = (a: Matrix): Float64Array => {
  expectFinite('singularValues', a);
  if (a.rows < a.columns) return singularValues(transpose(a));
  const n = a.columns;
  const { scaled, exponent } = scaledByPowerOfTwo(a);
  const square = a.rows === n ? scaled : matrix(n, n, qr(scaled).triangular.data);
  const { values } = diagonalise(square, false);
  timesPowerOfTwo(values, exponent);
  return values;
};

/**
 * An orthonormal basis [column, nullity] of the x with A x = 0: right singular vectors whose value is at most
 * `tolerance` times the largest one (default: the longer side times 2^-52, what rounding leaves of a 0).
 */
export const nullSpace = (a: Matrix, tolerance = Math.max(a.rows, a.columns) * Number.EPSILON): Matrix => {
  const { values, right } = svd(a, { full: true });
  const border = tolerance * (values[0] ?? 0);
  let rank = 0;
  while (rank < values.length && values[rank]! > border) rank += 1;
  const n = a.columns;
  const basis = matrix(n, n - rank);
  for (let i = 0; i < n; i++) basis.data.set(right.data.subarray(i * n + rank, (i + 1) * n), i * (n - rank));
  return basis;
};

/** The first columns of Q times U, the others as they are. */
const rotatedColumns = (q: Matrix, u: Matrix): Matrix => {
  const { rows, columns } = q;
  const n = u.rows;
  if (n === columns) return product(q, u);
  const first = matrix(rows, n);
  for (let i = 0; i < rows; i++) first.data.set(q.data.subarray(i * columns, i * columns + n), i * n);
  const turned = product(first, u);
  const result = { rows, columns, data: q.data.slice() };
  for (let i = 0; i < rows; i++) result.data.set(turned.data.subarray(i * n, (i + 1) * n), i * columns);
  return result;
};

/** The decomposition of a square matrix with entries of order 1, which is overwritten. */
const diagonalise = (a: Matrix, vectors: boolean): Svd => {
  const n = a.rows;
  const { main, above, left, right } = bidiagonalise(a, vectors);
  const turnLeft = vectors ? rotationQueue(left.data, n, n) : null;
  const turnRight = vectors ? rotationQueue(right.data, n, n) : null;
  iterate(main, above, turnLeft, turnRight);
  if (turnLeft !== null) applyRotations(turnLeft);
  if (turnRight !== null) applyRotations(turnRight);

  const order = Array.from(main.keys()).sort((i, j) => Math.abs(main[j]!) - Math.abs(main[i]!));
  const values = Float64Array.from(order, (k) => Math.abs(main[k]!));
  if (!vectors) return { values, left, right };
  const sorted = { values, left: matrix(n, n), right: matrix(n, n) };
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const from = order[k]!;
      sorted.left.data[i * n + k] = left.data[i * n + from]!;
      sorted.right.data[i * n + k] = right.data[i * n + from]! * (main[from]! < 0 ? -1 : 1);
    }
  }
  return sorted;
};

/** Makes the superdiagonal vanish. */
const iterate = (
  main: Float64Array,
  above: Float64Array,
  turnLeft: RotationQueue | null,
  turnRight: RotationQueue | null,
): void => {
  const n = main.length;
  let norm = 0;
  for (let i = 0; i < n; i++) norm = Math.max(norm, Math.abs(main[i]!), Math.abs(above[i] ?? 0));
  // What is below this is rounding of the reduction.
  const nothing = (Number.EPSILON / 8) * norm;
  let stepsLeft = 60 * n;
  let high = n - 1;
  while (high > 0) {
    const isNegligible = (i: number): boolean =>
      Math.abs(above[i]!) <= nothing + (Number.EPSILON / 2) * (Math.abs(main[i]!) + Math.abs(main[i + 1]!));
    if (isNegligible(high - 1)) {
      above[high - 1] = 0;
      high -= 1;
      continue;
    }
    let low = high - 1;
    while (low > 0 && !isNegligible(low - 1)) low -= 1;
    if (low > 0) above[low - 1] = 0;
    if (stepsLeft-- === 0) {
      throw failure({
        path: 'svd',
        seen: `no convergence in ${60 * n} QR steps`,
        expected: 'about two a singular value',
        hint: 'please report the matrix',
      });
    }
    let zero = -1;
    for (let i = low; i <= high; i++) if (Math.abs(main[i]!) <= nothing) zero = i;
    if (zero === high) clearColumn(main, above, low, high, turnRight);
    else if (zero >= 0) clearRow(main, above, zero, high, turnLeft);
    else step(main, above, low, high, turnLeft, turnRight);
  }
};

/** One step with the eigenvalue of the last 2 x 2 block of B'B that is closer to its last entry as shift. */
const step = (
  main: Float64Array,
  above: Float64Array,
  low: number,
  high: number,
  turnLeft: RotationQueue | null,
  turnRight: RotationQueue | null,
): void => {
  const last = main[high]!;
  const before = main[high - 1]!;
  const between = above[high - 1]!;
  const further = high - 2 >= low ? above[high - 2]! : 0;
  const corner = last * last + between * between;
  const coupling = before * between;
  const half = (before * before + further * further - corner) / 2;
  const root = Math.sqrt(half * half + coupling * coupling);
  const denominator = half + (half < 0 ? -root : root);
  const shift = denominator === 0 ? corner : corner - (coupling / denominator) * coupling;
  let y = main[low]! * main[low]! - shift;
  let z = main[low]! * above[low]!;
  if (turnLeft !== null) beginSweep(turnLeft, low);
  if (turnRight !== null) beginSweep(turnRight, low);
  for (let k = low; k < high; k++) {
    let length = hypotenuse(y, z);
    let c = length === 0 ? 1 : y / length;
    let s = length === 0 ? 0 : z / length;
    if (k > low) above[k - 1] = length;
    y = c * main[k]! + s * above[k]!;
    above[k] = c * above[k]! - s * main[k]!;
    z = s * main[k + 1]!;
    main[k + 1] = c * main[k + 1]!;
    if (turnRight !== null) pushRotation(turnRight, c, s);
    length = hypotenuse(y, z);
    c = length === 0 ? 1 : y / length;
    s = length === 0 ? 0 : z / length;
    main[k] = length;
    y = c * above[k]! + s * main[k + 1]!;
    main[k + 1] = c * main[k + 1]! - s * above[k]!;
    if (k < high - 1) {
      z = s * above[k + 1]!;
      above[k + 1] = c * above[k + 1]!;
    }
    if (turnLeft !== null) pushRotation(turnLeft, c, s);
  }
  above[high - 1] = y;
};

/** Math.hypot, which is slow, for numbers whose squares may vanish but do not overflow. */
const hypotenuse = (x: number, y: number): number => {
  const sum = x * x + y * y;
  return sum > 1e-200 ? Math.sqrt(sum) : Math.hypot(x, y);
};

/** main[zero] is 0: rotations of row `zero` with those below it clear its superdiagonal entry. */
const clearRow = (
  main: Float64Array,
  above: Float64Array,
  zero: number,
  high: number,
  turnLeft: RotationQueue | null,
): void => {
  if (turnLeft !== null) applyRotations(turnLeft);
  main[zero] = 0;
  let bulge = above[zero]!;
  above[zero] = 0;
  for (let k = zero + 1; k <= high && bulge !== 0; k++) {
    const length = hypotenuse(main[k]!, bulge);
    const c = main[k]! / length;
    const s = bulge / length;
    main[k] = length;
    if (k < high) {
      bulge = -s * above[k]!;
      above[k] = c * above[k]!;
    }
    if (turnLeft !== null) turnColumns(turnLeft, k, zero, c, s);
  }
};

/** main[high] is 0: rotations of column `high` with those before it clear the superdiagonal entry above it. */
const clearColumn = (
  main: Float64Array,
  above: Float64Array,
  low: number,
  high: number,
  turnRight: RotationQueue | null,
): void => {
  if (turnRight !== null) applyRotations(turnRight);
  main[high] = 0;
  let bulge = above[high - 1]!;
  above[high - 1] = 0;
  for (let k = high - 1; k >= low && bulge !== 0; k--) {
    const length = hypotenuse(main[k]!, bulge);
    const c = main[k]! / length;
    const s = bulge / length;
    main[k] = length;
    if (k > low) {
      bulge = -s * above[k - 1]!;
      above[k - 1] = c * above[k - 1]!;
    }
    if (turnRight !== null) turnColumns(turnRight, k, high, c, s);
  }
};

/** Columns p and q become c p + s q and c q - s p. */
const turnColumns = ({ target, rows, columns }: RotationQueue, p: number, q: number, c: number, s: number): void => {
  for (let row = 0; row < rows * columns; row += columns) {
    const x = target[row + p]!;
    const y = target[row + q]!;
    target[row + p] = c * x + s * y;
    target[row + q] = c * y - s * x;
  }
};
