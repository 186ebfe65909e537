import { failure, identity, type Matrix } from '@drnn/tensor';
import { lu, luSolveInPlace } from './lu.js';
import { expectFiniteSquare } from './operand.js';
import { product } from './product.js';

/** Degrees of the diagonal Pade approximants, each with the 1-norm up to which it is exact to rounding. */
const approximants = [
  { degree: 3, reach: 1.495585217958292e-2 },
  { degree: 5, reach: 2.53939833006323e-1 },
  { degree: 7, reach: 9.504178996162932e-1 },
  { degree: 9, reach: 2.097847961257068 },
  { degree: 13, reach: 5.371920351148152 },
] as const;

/**
 * exp(A) by scaling and squaring with Pade approximants up to degree 13 (Higham 2005): exp(A / 2^s) = q(-A)^-1 q(A), then
 * s squarings. Cost some 15 n^3, and 2 n^3 a squaring. Errors: not square, not finite, a result that overflows.
 */
export const matrixExponential = (a: Matrix): Matrix => {
  const n = expectFiniteSquare('matrixExponential', a);
  if (n === 0) return identity(0);
  let norm = 0;
  for (let j = 0; j < n; j++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += Math.abs(a.data[i * n + j]!);
    norm = Math.max(norm, sum);
  }
  const { degree } = approximants.find(({ reach }) => norm <= reach) ?? { degree: 13 };
  const squarings = Math.max(0, Math.ceil(Math.log2(norm / 5.371920351148152)));
  // Beyond 2^1023 no number is left; the largest exponent that exp can take is far below.
  if (!(squarings < 1000)) throw overflow(norm);
  const factor = 2 ** -squarings;
  const scaled = { rows: n, columns: n, data: a.data.map((value) => value * factor) };
  let result = approximant(scaled, degree);
  for (let s = 0; s < squarings; s++) result = product(result, result);
  if (!result.data.every(Number.isFinite)) throw overflow(norm);
  return result;
};

const overflow = (norm: number): Error =>
  failure({
    path: 'matrixExponential',
    seen: `a matrix of 1-norm ${norm.toPrecision(3)}, whose exponential overflows`,
    expected: 'real parts of eigenvalues below about 700',
  });

/** q(-A)^-1 q(A), with q = even(A^2) + A odd(A^2). */
const approximant = (a: Matrix, degree: number): Matrix => {
  const n = a.rows;
  // c_k = (2 d - k)! d! / ((2 d)! (d - k)! k!).
  const coefficients = [1];
  for (let k = 1; k <= degree; k++) {
    coefficients.push(((coefficients[k - 1] ?? 0) * (degree - k + 1)) / (k * (2 * degree - k + 1)));
  }
  const square = product(a, a);
  const powers = [identity(n), square];
  while (powers.length <= Math.min(Math.floor(degree / 2), degree === 13 ? 3 : 4)) {
    powers.push(product(powers.at(-1) ?? square, square));
  }
  const even = polynomial(
    powers,
    coefficients.filter((_, k) => k % 2 === 0),
  );
  const odd = product(
    a,
    polynomial(
      powers,
      coefficients.filter((_, k) => k % 2 === 1),
    ),
  );
  const numerator = { rows: n, columns: n, data: even.data.map((value, k) => value + odd.data[k]!) };
  const denominator = { rows: n, columns: n, data: even.data.map((value, k) => value - odd.data[k]!) };
  luSolveInPlace(lu(denominator), numerator, false);
  return numerator;
};

/** sum_k coefficients[k] S^k; what goes beyond the last power is a polynomial times it. */
const polynomial = (powers: readonly Matrix[], coefficients: readonly number[]): Matrix => {
  const last = powers.length - 1;
  const low = combination(powers, coefficients.slice(0, last + 1));
  const top = powers[last];
  if (coefficients.length <= last + 1 || top === undefined) return low;
  const high = product(top, combination(powers, [0, ...coefficients.slice(last + 1)]));
  for (let i = 0; i < low.data.length; i++) low.data[i] = low.data[i]! + high.data[i]!;
  return low;
};

const combination = (powers: readonly Matrix[], weights: readonly number[]): Matrix => {
  const n = powers[0]?.rows ?? 0;
  const data = new Float64Array(n * n);
  weights.forEach((weight, k) => {
    const power = powers[k];
    if (weight === 0 || power === undefined) return;
    for (let i = 0; i < data.length; i++) data[i] = data[i]! + weight * power.data[i]!;
  });
  return { rows: n, columns: n, data };
};
