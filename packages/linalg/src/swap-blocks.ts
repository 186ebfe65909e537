import { rotateRows, splitPair } from './francis.js';
import { solveSmall } from './small-system.js';
import { standardBlockSize } from './standard-block.js';

/** A quasi-triangular matrix [n, n] and its basis, stored transposed, so that rows turn with rows. */
export interface TurningSchur {
  readonly t: Float64Array;
  readonly basis: Float64Array;
  readonly n: number;
}

/** 2 where a block of a conjugate pair begins at `row`, else 1. */
export const blockSize = ({ t, n }: TurningSchur, row: number): 1 | 2 =>
  row + 1 < n && t[(row + 1) * n + row]! !== 0 ? 2 : 1;

/**
 * Exchanges the diagonal blocks of sizes `first` and `second` that begin at `row`, by an orthogonal similarity: with
 * T11 X - X T22 = T12, the QR factorisation of [-X; I] brings the second block's subspace to the front (Bai and Demmel
 * 1993). False, and nothing changed, where rounding would leave more than 20 eps of their size below the blocks: their
 * eigenvalues are too close to be told apart.
 */
export const swapBlocks = (schur: TurningSchur, row: number, first: 1 | 2, second: 1 | 2): boolean => {
  const { t, n } = schur;
  const m = first + second;
  const local = new Float64Array(m * m);
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) local[i * m + j] = t[(row + i) * n + row + j]!;
  const size = local.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
  if (size === 0) return true;
  // The rotation does not depend on the scale.
  for (let k = 0; k < local.length; k++) local[k] = local[k]! / size;

  // The Sylvester equation as a system of first * second unknowns, X[i, j] at i * second + j.
  const unknowns = first * second;
  const system = new Float64Array(unknowns * unknowns);
  const x = new Float64Array(unknowns);
  for (let i = 0; i < first; i++) {
    for (let j = 0; j < second; j++) {
      const equation = (i * second + j) * unknowns;
      x[i * second + j] = local[i * m + first + j]!;
      for (let k = 0; k < first; k++) {
        const at = equation + k * second + j;
        system[at] = system[at]! + local[i * m + k]!;
      }
      for (let k = 0; k < second; k++) {
        const at = equation + i * second + k;
        system[at] = system[at]! - local[(first + k) * m + first + j]!;
      }
    }
  }
  solveSmall(system, x, unknowns, Number.EPSILON * 1e-3);

  const q = orthogonalBasis(x, first, second);
  const turned = similar(local, q, m);
  for (let i = second; i < m; i++) {
    for (let j = 0; j < second; j++) if (Math.abs(turned[i * m + j]!) > 20 * Number.EPSILON) return false;
  }

  turn(schur, row, q, m);
  for (let i = second; i < m; i++) for (let j = 0; j < second; j++) t[(row + i) * n + row + j] = 0;
  if (second === 2) split(schur, row);
  if (first === 2) split(schur, row + second);
  return true;
};

/** Brings the pair at `row` back to standard form. */
const split = ({ t, basis, n }: TurningSchur, row: number): void => {
  const block = new Float64Array(standardBlockSize);
  splitPair(t, n, row, 0, n - 1, block);
  rotateRows(basis, row * n, (row + 1) * n, 0, n - 1, block[8]!, block[9]!);
};

/**
 * Moves the block that begins at row `from` up to row `to`, a block boundary. Returns the row at which a swap was
 * refused and it had to stay, or `to`.
 */
export const moveBlockUp = (schur: TurningSchur, from: number, to: number): number => {
  let at = from;
  const moved = blockSize(schur, from);
  while (at > to) {
    const before = at >= 2 && schur.t[(at - 1) * schur.n + at - 2]! !== 0 ? 2 : 1;
    // A pair may come out of a swap as two real eigenvalues.
    if (moved === 2 && blockSize(schur, at) === 1) {
      if (!swapBlocks(schur, at - before, before, 1)) return at;
      if (!swapBlocks(schur, at - before + 1, before, 1)) return at;
    } else if (!swapBlocks(schur, at - before, before, moved)) return at;
    at -= before;
  }
  return at;
};

/** Q [m, m], orthogonal, whose first `second` columns span [-X; I]. */
const orthogonalBasis = (x: Float64Array, first: number, second: number): Float64Array => {
  const m = first + second;
  const span = new Float64Array(m * second);
  for (let i = 0; i < first; i++) for (let j = 0; j < second; j++) span[i * second + j] = -x[i * second + j]!;
  for (let j = 0; j < second; j++) span[(first + j) * second + j] = 1;
  const q = new Float64Array(m * m);
  for (let i = 0; i < m; i++) q[i * m + i] = 1;
  const v = new Float64Array(m);
  for (let k = 0; k < second; k++) {
    let largest = 0;
    for (let i = k; i < m; i++) largest = Math.max(largest, Math.abs(span[i * second + k]!));
    let sum = 0;
    for (let i = k; i < m; i++) {
      v[i] = span[i * second + k]! / largest;
      sum += v[i]! * v[i]!;
    }
    const norm = Math.sqrt(sum);
    v[k] = v[k]! + (v[k]! < 0 ? -norm : norm);
    let square = 0;
    for (let i = k; i < m; i++) square += v[i]! * v[i]!;
    const tau = 2 / square;
    for (let j = k; j < second; j++) {
      let dot = 0;
      for (let i = k; i < m; i++) dot += v[i]! * span[i * second + j]!;
      for (let i = k; i < m; i++) span[i * second + j] = span[i * second + j]! - tau * dot * v[i]!;
    }
    for (let i = 0; i < m; i++) {
      let dot = 0;
      for (let j = k; j < m; j++) dot += q[i * m + j]! * v[j]!;
      for (let j = k; j < m; j++) q[i * m + j] = q[i * m + j]! - tau * dot * v[j]!;
    }
  }
  return q;
};

/** Q' A Q. */
const similar = (a: Float64Array, q: Float64Array, m: number): Float64Array => {
  const half = new Float64Array(m * m);
  const result = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) {
      for (let k = 0; k < m; k++) half[i * m + j] = half[i * m + j]! + a[i * m + k]! * q[k * m + j]!;
    }
  }
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) {
      for (let k = 0; k < m; k++) result[i * m + j] = result[i * m + j]! + q[k * m + i]! * half[k * m + j]!;
    }
  }
  return result;
};

/** Rows and columns [row, row + m) of T turned by Q, and those rows of the basis. */
const turn = ({ t, basis, n }: TurningSchur, row: number, q: Float64Array, m: number): void => {
  const kept = new Float64Array(m);
  const turnRows = (a: Float64Array, from: number): void => {
    for (let j = from; j < n; j++) {
      for (let i = 0; i < m; i++) kept[i] = a[(row + i) * n + j]!;
      for (let i = 0; i < m; i++) {
        let sum = 0;
        for (let k = 0; k < m; k++) sum += q[k * m + i]! * kept[k]!;
        a[(row + i) * n + j] = sum;
      }
    }
  };
  turnRows(t, row);
  turnRows(basis, 0);
  for (let i = 0; i < row + m; i++) {
    for (let k = 0; k < m; k++) kept[k] = t[i * n + row + k]!;
    for (let j = 0; j < m; j++) {
      let sum = 0;
      for (let k = 0; k < m; k++) sum += kept[k]! * q[k * m + j]!;
      t[i * n + row + j] = sum;
    }
  }
};
