import { failure, type Matrix, matrix } from '@drnn/tensor';
import { type ComplexMatrix, eigen } from './eigen.js';
import type { LinearMap } from './gmres.js';
import { product } from './product.js';
import { reorderSchur } from './reorder-schur.js';
import { type Eigenvalues, schur } from './schur.js';

/** How many eigenvalues, how well, at what memory. */
export interface ArnoldiOptions {
  /** Eigenvalues wanted: those of largest modulus; one more where that would part a conjugate pair. */
  readonly count: number;
  /** |A x - lambda x| <= tolerance |lambda| ends it. Default 1e-12. */
  readonly tolerance?: number;
  /** Vectors kept: memory is subspace x n. Default 2 count + 20, at most n. */
  readonly subspace?: number;
  /** Restarts at most. Default 300. */
  readonly maxRestarts?: number;
}

/** Eigenvalues of largest modulus, descending, with their right eigenvectors [unit, mode] of length 1. */
export interface ArnoldiResult {
  readonly values: Eigenvalues;
  readonly vectors: ComplexMatrix;
  /** |A x - lambda x| / |lambda| as the Krylov relation has it. */
  readonly residuals: Float64Array;
  /** Applications of A. */
  readonly steps: number;
  /** `max-restarts`: some residuals are above the tolerance; they say which. */
  readonly status: 'converged' | 'max-restarts';
}

/**
 * The eigenvalues of largest modulus of a real map of order n that is only applied: Arnoldi with Krylov-Schur restarts
 * (Stewart 2001), A V = V S + v b', S brought to Schur form, its wanted part kept, the space filled again. The start is
 * fixed, so that equal inputs give equal answers; a multiple eigenvalue is found once or more. Errors: count not in
 * 1 ... n, a map that gives NaN or infinity.
 */
export const arnoldi = (apply: LinearMap, n: number, options: ArnoldiOptions): ArnoldiResult => {
  const { count } = options;
  if (!(Number.isInteger(count) && count >= 1 && count <= n)) {
    throw failure({ path: 'arnoldi count', seen: `${count}`, expected: `an integer from 1 to n = ${n}` });
  }
  const tolerance = options.tolerance ?? 1e-12;
  const size = Math.min(n, Math.max(options.subspace ?? 2 * count + 20, count + 2));
  const maxRestarts = options.maxRestarts ?? 300;

  let basis = matrix(size + 1, n);
  fillStart(basis.data.subarray(0, n), 0);
  normalise(basis.data.subarray(0, n));
  let s = matrix(size, size);
  // b of A V = V S + v b'; v is row `size` of the basis.
  let coupling = new Float64Array(size);
  let filled = 0;
  let steps = 0;
  for (let restart = 0; ; restart++) {
    for (let j = filled; j < size; j++) {
      const length = expand(apply, basis, s, j);
      steps += 1;
      if (j + 1 < size) s.data[(j + 1) * size + j] = length;
      else {
        coupling = new Float64Array(size);
        coupling[j] = length;
      }
    }
    const form = schur(s);
    const wanted = wantedCount(form.values, count);
    const small = eigen(s, { order: 'modulus' });
    const residuals = new Float64Array(wanted);
    for (let k = 0; k < wanted; k++) {
      let re = 0;
      let im = 0;
      for (let i = 0; i < size; i++) {
        re += coupling[i]! * small.right.real.data[i * size + k]!;
        im += coupling[i]! * small.right.imaginary.data[i * size + k]!;
      }
      const modulus = Math.hypot(small.values.real[k]!, small.values.imaginary[k]!);
      residuals[k] = modulus === 0 ? Math.hypot(re, im) : Math.hypot(re, im) / modulus;
    }
    const converged = residuals.every((each) => each <= tolerance);
    if (converged || restart >= maxRestarts || size === n) {
      return {
        values: { real: small.values.real.slice(0, wanted), imaginary: small.values.imaginary.slice(0, wanted) },
        vectors: {
          real: ritzVectors(basis, small.right.real, wanted),
          imaginary: ritzVectors(basis, small.right.imaginary, wanted),
        },
        residuals,
        steps,
        status: converged || size === n ? 'converged' : 'max-restarts',
      };
    }
    // Keep half of the room beyond what is wanted: restarts that keep too little forget what they found.
    const moduli = form.values.real.map((re, k) => Math.hypot(re, form.values.imaginary[k]!));
    const keep = Math.min(size - 2, wanted + Math.floor((size - wanted) / 2));
    const border = moduli.toSorted()[size - keep]! * (1 - 1e-10);
    const { triangular, orthogonal, selected } = reorderSchur(form, (re, im) => Math.hypot(re, im) >= border);
    filled = Math.min(selected, size - 1);
    if (filled > 0 && triangular.data[filled * size + filled - 1] !== 0) filled -= 1;
    const q = leading(orthogonal, size, filled);
    const turned = product(q, matrix(size, n, basis.data.subarray(0, size * n)), { transposeA: true });
    const nextBasis = matrix(size + 1, n);
    nextBasis.data.set(turned.data);
    nextBasis.data.set(basis.data.subarray(size * n), filled * n);
    const nextS = matrix(size, size);
    for (let i = 0; i < filled; i++) {
      for (let j = 0; j < filled; j++) nextS.data[i * size + j] = triangular.data[i * size + j]!;
      let sum = 0;
      for (let k = 0; k < size; k++) sum += coupling[k]! * q.data[k * filled + i]!;
      nextS.data[filled * size + i] = sum;
    }
    basis = nextBasis;
    s = nextS;
  }
};

/** w = A v_j made orthogonal to v_0 ... v_j; its length, or 0 and a new direction where nothing is left of it. */
const expand = (apply: LinearMap, basis: Matrix, s: Matrix, j: number): number => {
  const n = basis.columns;
  const size = s.rows;
  const w = basis.data.subarray((j + 1) * n, (j + 2) * n);
  apply(basis.data.subarray(j * n, (j + 1) * n), w);
  const whole = lengthOf(w);
  if (!Number.isFinite(whole)) {
    throw failure({ path: 'arnoldi', seen: 'a map that gives NaN or infinity', expected: 'finite numbers' });
  }
  orthogonalise(w, basis.data, j + 1, (k, dot) => {
    s.data[k * size + j] = s.data[k * size + j]! + dot;
  });
  const length = lengthOf(w);
  if (length > 1e-14 * whole) {
    normalise(w);
    return length;
  }
  // An invariant subspace: go on with a direction outside it.
  for (let attempt = 1; attempt < 10 && j + 1 < n; attempt++) {
    fillStart(w, attempt + 10 * j);
    normalise(w);
    orthogonalise(w, basis.data, j + 1, () => {});
    if (lengthOf(w) > 1e-8) break;
  }
  normalise(w);
  return 0;
};

const orthogonalise = (
  x: Float64Array,
  basis: Float64Array,
  count: number,
  taken: (k: number, dot: number) => void,
): void => {
  const n = x.length;
  for (let round = 0; round < 2; round++) {
    for (let k = 0; k < count; k++) {
      let dot = 0;
      for (let i = 0; i < n; i++) dot += basis[k * n + i]! * x[i]!;
      for (let i = 0; i < n; i++) x[i] = x[i]! - dot * basis[k * n + i]!;
      taken(k, dot);
    }
  }
};

/** `count`, or one more where it would part a pair, in the order of moduli. */
const wantedCount = (values: Eigenvalues, count: number): number => {
  const n = values.real.length;
  const order = Array.from(values.real.keys()).filter((k) => values.imaginary[k]! >= 0);
  const modulus = (k: number): number => Math.hypot(values.real[k]!, values.imaginary[k]!);
  order.sort((i, j) => modulus(j) - modulus(i));
  let total = 0;
  for (const k of order) {
    if (total >= count) break;
    total += values.imaginary[k] === 0 ? 1 : 2;
  }
  return Math.min(total, n);
};

/** The first `columns` columns of the leading square of order `rows`. */
const leading = (a: Matrix, rows: number, columns: number): Matrix => {
  const result = matrix(rows, columns);
  for (let i = 0; i < rows; i++) result.data.set(a.data.subarray(i * a.columns, i * a.columns + columns), i * columns);
  return result;
};

/** V y for the first `count` columns of y; their real and imaginary parts together have length 1. */
const ritzVectors = (basis: Matrix, y: Matrix, count: number): Matrix => {
  const size = y.rows;
  const used = matrix(size, basis.columns, basis.data.subarray(0, size * basis.columns));
  return product(used, leading(y, size, count), { transposeA: true });
};

/** A fixed vector without structure. */
const fillStart = (x: Float64Array, seed: number): void => {
  for (let i = 0; i < x.length; i++) x[i] = Math.cos((i + 1) * (2.399963 + 0.618034 * seed) + i * i * 0.0137);
};

const lengthOf = (x: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * x[i]!;
  return Math.sqrt(sum);
};

const normalise = (x: Float64Array): void => {
  const length = lengthOf(x);
  if (length > 0) for (let i = 0; i < x.length; i++) x[i] = x[i]! / length;
};
