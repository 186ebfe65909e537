import { type Issue, type Matrix, matrix, refuse, transpose } from '@drnn/tensor';
import { arnoldi, type ArnoldiResult } from './arnoldi.js';
import { type ComplexMatrix, eigen, type Eigen } from './eigen.js';
import type { LinearMap } from './gmres.js';
import { lu, luSolveInPlace } from './lu.js';
import { expectFiniteSquare } from './operand.js';
import { product } from './product.js';
import type { Eigenvalues } from './schur.js';

/** Which eigenvalues, and how many. */
export interface PartialEigenOptions {
  /** How many; one more where a conjugate pair would be parted. */
  readonly count: number;
  /** Those closest to this real number, by shift and invert. Absent: those of largest modulus. */
  readonly near?: number;
  /** Relative residual of the iteration. Default 1e-12. */
  readonly tolerance?: number;
}

/** Some modes of a matrix: as `Eigen`, [unit, mode], closest to `near` (or of largest modulus) first. */
export interface PartialEigen extends Eigen {
  /** |A r_k - lambda_k r_k| / |A|_F, computed from the matrix. */
  readonly residuals: Float64Array;
  /** False where the iteration gave up on some mode; `residuals` say on which. */
  readonly converged: boolean;
}

/** Below this order all modes are computed, which is as fast and misses nothing. */
const smallOrder = 150;

/**
 * A few modes of a large matrix with right and left eigenvectors and conditions: Arnoldi on A, or on (A - near I)^-1 by
 * its LU factor, and once more on the transpose for the left vectors. Of a multiple eigenvalue fewer copies may be found
 * than there are. Cost 2/3 n^3 for the factor, some 4 n^2 a step; all modes cost 30 n^3. Errors: not square, not finite,
 * count not in 1 ... n, `near` not finite. Where `near` is an eigenvalue to the last bit, it is moved by 1e-14 |A|.
 */
export const partialEigen = (a: Matrix, options: PartialEigenOptions): PartialEigen => {
  const n = expectFiniteSquare('partialEigen', a);
  refuse(issuesOf(n, options));
  const { count, near } = options;
  if (n <= smallOrder || 4 * count > n) return partOfAll(a, options);

  const norm = Math.sqrt(a.data.reduce((sum, value) => sum + value * value, 0));
  const settings = { count, tolerance: options.tolerance ?? 1e-12 };
  const maps = near === undefined ? productMaps(a) : inverseMaps(a, near, norm);
  const right = arnoldi(maps.right, n, settings);
  const left = arnoldi(maps.left, n, { ...settings, count: right.values.real.length });
  const values = maps.valuesOf(right.values);
  return {
    ...paired(right, left, values, n),
    residuals: residualsOf(a, right.vectors, values, norm),
    converged: right.status === 'converged' && left.status === 'converged',
  };
};

const issuesOf = (n: number, { count, near = 0 }: PartialEigenOptions): readonly Issue[] => {
  const issues: Issue[] = [];
  if (!(Number.isInteger(count) && count >= 1 && count <= n)) {
    issues.push({ path: 'partialEigen count', seen: `${count}`, expected: `an integer from 1 to n = ${n}` });
  }
  if (!Number.isFinite(near)) {
    issues.push({ path: 'partialEigen near', seen: `${near}`, expected: 'a finite number' });
  }
  return issues;
};

interface Maps {
  readonly right: LinearMap;
  readonly left: LinearMap;
  /** Eigenvalues of A from those of the map. */
  readonly valuesOf: (values: Eigenvalues) => Eigenvalues;
}

const productMaps = (a: Matrix): Maps => {
  const n = a.rows;
  const times =
    (data: Float64Array): LinearMap =>
    (x, out) => {
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let j = 0; j < n; j++) sum += data[i * n + j]! * x[j]!;
        out[i] = sum;
      }
    };
  return { right: times(a.data), left: times(transpose(a).data), valuesOf: (values) => values };
};

const inverseMaps = (a: Matrix, near: number, norm: number): Maps => {
  const n = a.rows;
  const factorAt = (shift: number): ReturnType<typeof lu> => {
    const shifted = { rows: n, columns: n, data: a.data.slice() };
    for (let i = 0; i < n; i++) shifted.data[i * n + i] = shifted.data[i * n + i]! - shift;
    return lu(shifted);
  };
  let shift = near;
  let factor = factorAt(shift);
  if (factor.zeroPivot >= 0) {
    shift = near + 1e-14 * (norm || 1);
    factor = factorAt(shift);
  }
  const solve =
    (transposed: boolean): LinearMap =>
    (x, out) => {
      out.set(x);
      luSolveInPlace(factor, { rows: n, columns: 1, data: out }, transposed);
    };
  return {
    right: solve(false),
    left: solve(true),
    valuesOf: ({ real, imaginary }) => {
      // lambda = shift + 1 / theta.
      const square = real.map((re, k) => re * re + imaginary[k]! * imaginary[k]!);
      return {
        real: real.map((re, k) => shift + re / square[k]!),
        imaginary: imaginary.map((im, k) => (im === 0 ? 0 : -im / square[k]!)),
      };
    },
  };
};

/** Each right eigenvector with the left one of the closest eigenvalue, l^H r = 1; pairs with the positive part first. */
const paired = (right: ArnoldiResult, left: ArnoldiResult, values: Eigenvalues, n: number): Eigen => {
  const count = values.real.length;
  const result = {
    values: { real: new Float64Array(count), imaginary: new Float64Array(count) },
    right: { real: matrix(n, count), imaginary: matrix(n, count) },
    left: { real: matrix(n, count), imaginary: matrix(n, count) },
    conditions: new Float64Array(count),
  };
  const free = new Set(left.values.real.keys());
  for (let k = 0; k < count; k++) {
    const [re, im] = [right.values.real[k]!, right.values.imaginary[k]!];
    let best = -1;
    let distance = Infinity;
    for (const j of free) {
      // l^H belongs to the conjugate of an eigenvalue of A'.
      const d = Math.hypot(left.values.real[j]! - re, left.values.imaginary[j]! + im);
      if (d < distance) [best, distance] = [j, d];
    }
    free.delete(best);
    // Shift and invert turns the sign of imaginary parts.
    const to =
      values.imaginary[k] === 0 ? k : values.imaginary[k]! > 0 ? firstOfPair(values, k) : firstOfPair(values, k) + 1;
    result.values.real[to] = values.real[k]!;
    result.values.imaginary[to] = values.imaginary[k]!;
    let x = 0;
    let y = 0;
    let size = 0;
    const leftColumns = left.values.real.length;
    for (let i = 0; i < n; i++) {
      const [r, s] = [right.vectors.real.data[i * count + k]!, right.vectors.imaginary.data[i * count + k]!];
      const [p, q] = [
        left.vectors.real.data[i * leftColumns + best]!,
        left.vectors.imaginary.data[i * leftColumns + best]!,
      ];
      x += p * r + q * s;
      y += p * s - q * r;
      size += p * p + q * q;
      result.right.real.data[i * count + to] = r;
      result.right.imaginary.data[i * count + to] = s;
    }
    const overlap = Math.hypot(x, y);
    const [cosine, sine] = overlap === 0 ? [1, 0] : [x / overlap, y / overlap];
    const scale = overlap === 0 ? Math.sqrt(size) : overlap;
    for (let i = 0; i < n; i++) {
      const [p, q] = [
        left.vectors.real.data[i * leftColumns + best]!,
        left.vectors.imaginary.data[i * leftColumns + best]!,
      ];
      result.left.real.data[i * count + to] = (p * cosine - q * sine) / scale;
      result.left.imaginary.data[i * count + to] = (p * sine + q * cosine) / scale;
    }
    result.conditions[to] = overlap === 0 ? Infinity : Math.sqrt(size) / overlap;
  }
  return result;
};

/** The index at which the pair that k belongs to begins: eigenvalues come in pairs from the front. */
const firstOfPair = ({ imaginary }: Eigenvalues, k: number): number => {
  let i = 0;
  while (i < k) {
    const size = imaginary[i] === 0 ? 1 : 2;
    if (i + size > k) break;
    i += size;
  }
  return i;
};

const residualsOf = (a: Matrix, vectors: ComplexMatrix, values: Eigenvalues, norm: number): Float64Array => {
  const n = a.rows;
  const count = values.real.length;
  const [x, y] = [product(a, vectors.real), product(a, vectors.imaginary)];
  const sums = new Float64Array(count);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < count; k++) {
      const at = i * count + k;
      const [r, s] = [vectors.real.data[at]!, vectors.imaginary.data[at]!];
      const dx = x.data[at]! - values.real[k]! * r + values.imaginary[k]! * s;
      const dy = y.data[at]! - values.real[k]! * s - values.imaginary[k]! * r;
      sums[k] = sums[k]! + dx * dx + dy * dy;
    }
  }
  return sums.map((sum) => Math.sqrt(sum) / (norm || 1));
};

/** All modes, then those that were asked for. */
const partOfAll = (a: Matrix, { count, near }: PartialEigenOptions): PartialEigen => {
  const n = a.rows;
  const all = eigen(a, { order: 'modulus' });
  const { real, imaginary } = all.values;
  const distance = (k: number): number =>
    Math.hypot(real[k]! - (near ?? 0), imaginary[k]!) * (near === undefined ? -1 : 1);
  const heads = Array.from(real.keys()).filter((k) => imaginary[k]! >= 0);
  heads.sort((i, j) => distance(i) - distance(j));
  const chosen: number[] = [];
  for (const k of heads) {
    if (chosen.length >= count) break;
    chosen.push(...(imaginary[k] === 0 ? [k] : [k, k + 1]));
  }
  const pick = (from: Matrix): Matrix => {
    const part = matrix(n, chosen.length);
    for (let i = 0; i < n; i++) chosen.forEach((k, to) => (part.data[i * chosen.length + to] = from.data[i * n + k]!));
    return part;
  };
  const values = {
    real: Float64Array.from(chosen, (k) => real[k]!),
    imaginary: Float64Array.from(chosen, (k) => imaginary[k]!),
  };
  const right = { real: pick(all.right.real), imaginary: pick(all.right.imaginary) };
  const norm = Math.sqrt(a.data.reduce((sum, value) => sum + value * value, 0));
  return {
    values,
    right,
    left: { real: pick(all.left.real), imaginary: pick(all.left.imaginary) },
    conditions: Float64Array.from(chosen, (k) => all.conditions[k]!),
    residuals: residualsOf(a, right, values, norm),
    converged: true,
  };
};
