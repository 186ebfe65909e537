import { failure, type Matrix, matrix } from '@drnn/tensor';
import { expectFiniteOfOrder, expectFiniteSquare, finiteResult } from './operand.js';
import { product } from './product.js';
import { schur } from './schur.js';
import { solveSmall } from './small-system.js';

/**
 * X of A X + X A' + Q = 0: for a stable A (eigenvalues left of the axis) and Q = B B' the Gramian, the integral of
 * exp(A t) Q exp(A' t). By the Schur form (Bartels and Stewart 1972). X is symmetric when Q is. Cost about 30 n^3.
 * Errors: shapes, not finite; two eigenvalues of A that sum to 0, when there is no unique X.
 */
export const continuousLyapunov = (a: Matrix, q: Matrix): Matrix => solve('continuousLyapunov', a, q, false);

/**
 * X of A X A' - X + Q = 0: for a stable A (eigenvalues inside the unit circle) and Q = B B' the Gramian, the sum over
 * k >= 0 of A^k Q A'^k. By the Schur form (Kitagawa 1977). X is symmetric when Q is. Cost about 30 n^3. Errors: shapes,
 * not finite; two eigenvalues of A whose product is 1, when there is no unique X.
 */
export const discreteLyapunov = (a: Matrix, q: Matrix): Matrix => solve('discreteLyapunov', a, q, true);

/** With A = U T U': the same equation for Y = U' X U and F = U' Q U, column block by column block from the last. */
const solve = (path: string, a: Matrix, q: Matrix, discrete: boolean): Matrix => {
  const n = expectFiniteSquare(path, a);
  expectFiniteOfOrder(`${path} Q`, q, n);
  const { triangular, orthogonal } = schur(a);
  const f = product(product(orthogonal, q, { transposeA: true }), orthogonal);
  const y = solveTriangular(path, triangular, f, discrete);
  const x = product(product(orthogonal, y), orthogonal, { transposeB: true });
  if (isSymmetric(q)) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        const mean = (x.data[i * n + j]! + x.data[j * n + i]!) / 2;
        x.data[i * n + j] = mean;
        x.data[j * n + i] = mean;
      }
    }
  }
  return finiteResult(path, x);
};

const isSymmetric = (q: Matrix): boolean => {
  const n = q.rows;
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) if (q.data[i * n + j] !== q.data[j * n + i]) return false;
  return true;
};

const solveTriangular = (path: string, triangular: Matrix, f: Matrix, discrete: boolean): Matrix => {
  const n = triangular.rows;
  const t = triangular.data;
  // Row j is column j of Y.
  const columns = new Float64Array(n * n);
  const later = [new Float64Array(n), new Float64Array(n)];
  const right = [new Float64Array(n), new Float64Array(n)];
  const rowSums = new Float64Array(2);
  const system = new Float64Array(16);
  const unknowns = new Float64Array(4);

  for (let end = n; end > 0;) {
    const width = end >= 2 && t[(end - 1) * n + end - 2]! !== 0 ? 2 : 1;
    const l = end - width;
    for (let b = 0; b < width; b++) {
      // What the columns after the block contribute, Y[:, end:] T[l + b, end:]'.
      const sum = later[b]!;
      sum.fill(0);
      for (let j = end; j < n; j++) {
        const factor = t[(l + b) * n + j]!;
        if (factor === 0) continue;
        for (let i = 0; i < n; i++) sum[i] = sum[i]! + factor * columns[j * n + i]!;
      }
      const r = right[b]!;
      for (let i = 0; i < n; i++) {
        let value = f.data[i * n + l + b]!;
        if (!discrete) value += sum[i]!;
        else for (let k = Math.max(i - 1, 0); k < n; k++) value += t[i * n + k]! * sum[k]!;
        r[i] = -value;
      }
    }
    for (let bottom = n; bottom > 0;) {
      const height = bottom >= 2 && t[(bottom - 1) * n + bottom - 2]! !== 0 ? 2 : 1;
      const k = bottom - height;
      // What the rows below contribute to row a, for each column of the block.
      const size = height * width;
      for (let a = 0; a < height; a++) {
        const row = (k + a) * n;
        for (let b = 0; b < width; b++) {
          let sum = 0;
          for (let i = bottom; i < n; i++) sum += t[row + i]! * columns[(l + b) * n + i]!;
          rowSums[b] = sum;
        }
        for (let b = 0; b < width; b++) {
          let sum = rowSums[b]!;
          if (discrete) {
            sum = 0;
            for (let d = 0; d < width; d++) sum += rowSums[d]! * t[(l + b) * n + l + d]!;
          }
          unknowns[a * width + b] = right[b]![k + a]! - sum;
        }
      }
      system.fill(0);
      for (let a = 0; a < height; a++) {
        for (let b = 0; b < width; b++) {
          const equation = (a * width + b) * size;
          for (let c = 0; c < height; c++) {
            for (let d = 0; d < width; d++) {
              const at = equation + c * width + d;
              const left = t[(k + a) * n + k + c]!;
              const other = t[(l + b) * n + l + d]!;
              if (discrete) system[at] = left * other - (a === c && b === d ? 1 : 0);
              else system[at] = (b === d ? left : 0) + (a === c ? other : 0);
            }
          }
        }
      }
      const scale = system.reduce((top, value) => Math.max(top, Math.abs(value)), discrete ? 1 : 0);
      const floor = Number.EPSILON * scale;
      if (!(solveSmall(system, unknowns, size, floor) > floor)) {
        throw failure({
          path,
          seen: `eigenvalues of A at rows ${k} and ${l} of its Schur form whose ${discrete ? 'product is 1' : 'sum is 0'}`,
          expected: 'a unique solution',
          hint: discrete
            ? 'a stable A has all eigenvalues inside the unit circle'
            : 'a stable A has all eigenvalues left of the imaginary axis',
        });
      }
      for (let a = 0; a < height; a++) {
        for (let b = 0; b < width; b++) columns[(l + b) * n + k + a] = unknowns[a * width + b]!;
      }
      bottom = k;
    }
    end = l;
  }
  const y = matrix(n, n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) y.data[i * n + j] = columns[j * n + i]!;
  return y;
};
