import { discreteLyapunov, eigenvalues, product } from '@drnn/linalg';
import { failure, identity, type Matrix, matrix, transpose } from '@drnn/tensor';

/** B B'. */
const square = (B: Matrix): Matrix => product(B, B, { transposeB: true });

/** A X A'. */
const congruence = (A: Matrix, X: Matrix): Matrix => product(product(A, X), A, { transposeB: true });

const sum = (X: Matrix, Y: Matrix): Matrix =>
  matrix(
    X.rows,
    X.columns,
    X.data.map((x, i) => x + Y.data[i]!),
  );

/** X with its two halves made equal, which rounding parts. */
const symmetric = (X: Matrix): Matrix => {
  const n = X.rows;
  const result = matrix(n, n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) result.data[i * n + j] = (X.data[i * n + j]! + X.data[j * n + i]!) / 2;
  return result;
};

/**
 * The Gramian of x+ = A x + B u over `horizon` steps, sum over k < T of A^k B B' A'^k: what states inputs of unit energy
 * reach. A finite one exists for every A and is summed by doubling, G(m+n) = G(m) + A^m G(n) A'^m, some 6 n^3 log2 T; the
 * infinite one (default) solves A G A' - G + B B' = 0 and needs all eigenvalues of A inside the unit circle. Of `A'` and
 * `C'` it is the Gramian of observability. Errors: shapes; an infinite horizon where A is not stable; overflow.
 */
export const gramian = (A: Matrix, B: Matrix, horizon = Infinity): Matrix => {
  const n = A.rows;
  if (A.columns !== n || B.rows !== n) {
    throw failure({
      path: 'gramian',
      seen: `A [${A.rows}, ${A.columns}], B [${B.rows}, ${B.columns}]`,
      expected: 'A [state, state], B [state, channel]',
    });
  }
  if (horizon !== Infinity && !(Number.isSafeInteger(horizon) && horizon >= 1)) {
    throw failure({ path: 'horizon', seen: `${horizon}`, expected: 'a whole number of steps, 1 or more, or Infinity' });
  }
  if (horizon === Infinity) {
    // With an eigenvalue outside the circle the equation has a solution that is no sum of squares.
    const { real, imaginary } = eigenvalues(A, { order: 'modulus' });
    if (n > 0 && !(Math.hypot(real[0]!, imaginary[0]!) < 1)) throw unstable();
    return discreteLyapunov(A, square(B));
  }
  let total: Matrix | null = null;
  let shift = identity(n);
  let doubled = square(B);
  let power = A;
  for (let left = horizon; ; left = Math.floor(left / 2)) {
    if (left % 2 === 1) {
      total = total === null ? doubled : sum(total, congruence(shift, doubled));
      shift = product(shift, power);
    }
    if (left <= 1) break;
    doubled = sum(doubled, congruence(power, doubled));
    power = product(power, power);
  }
  const result = symmetric(total ?? doubled);
  if (result.data.every(Number.isFinite)) return result;
  throw failure({
    path: 'gramian',
    seen: `numbers beyond the range after ${horizon} steps`,
    expected: 'a horizon in which what grows stays finite',
    hint: 'take fewer steps',
  });
};

const unstable = (): Error =>
  failure({
    path: 'horizon',
    seen: 'an infinite horizon at an unstable state',
    expected: 'multipliers inside the unit circle',
    hint: 'say for how many steps (horizon)',
  });

/** The Gramian of observability of y = C x: sum over k < T of A'^k C' C A^k. */
export const observabilityGramian = (A: Matrix, C: Matrix, horizon = Infinity): Matrix =>
  gramian(transpose(A), transpose(C), horizon);
