import { failure, transpose } from '@drnn/tensor';
import { scaledByPowerOfTwo, timesPowerOfTwo } from './scaling.js';
import type { Eigenvalues, Schur } from './schur.js';
import { blockSize, moveBlockUp, type TurningSchur } from './swap-blocks.js';

/** A Schur form whose first `selected` columns of Q span the invariant subspace of the chosen eigenvalues. */
export interface ReorderedSchur extends Schur {
  readonly selected: number;
}

/**
 * The same Schur form with the eigenvalues that `select` says true of moved to the top, in the order they had, by swaps
 * of neighbouring blocks. A conjugate pair is asked about once, with its positive imaginary part, and moves as a whole.
 * Eigenvalues change by some eps |T| times their condition. Cost up to 6 n^2 a swap. Errors: two blocks whose
 * eigenvalues are too close to be swapped stably.
 */
export const reorderSchur = (schur: Schur, select: (real: number, imaginary: number) => boolean): ReorderedSchur => {
  const n = schur.triangular.rows;
  const basis = transpose(schur.orthogonal);
  const { scaled, exponent } = scaledByPowerOfTwo(schur.triangular);
  const turning = { t: scaled.data, basis: basis.data, n };
  let selected = 0;
  for (let row = 0; row < n;) {
    const size = blockSize(turning, row);
    const chosen = select(schur.values.real[row]!, schur.values.imaginary[row]!);
    if (chosen) {
      const at = moveBlockUp(turning, row, selected);
      if (at !== selected) {
        throw failure({
          path: 'reorderSchur',
          seen: `eigenvalues at rows ${at - 1} and ${at} that are too close to be swapped`,
          expected: 'a selection that separates them',
          hint: 'select both or neither',
        });
      }
      selected += size;
    }
    row += size;
  }
  const values = blockEigenvalues(turning);
  for (const each of [turning.t, values.real, values.imaginary]) timesPowerOfTwo(each, exponent);
  return { triangular: scaled, orthogonal: transpose(basis), values, selected };
};

/** The eigenvalues of the diagonal blocks of a standard form. */
const blockEigenvalues = (schur: TurningSchur): Eigenvalues => {
  const { t, n } = schur;
  const real = new Float64Array(n);
  const imaginary = new Float64Array(n);
  for (let i = 0; i < n; i++) real[i] = t[i * n + i]!;
  for (let i = 0; i + 1 < n; i++) {
    const lower = t[(i + 1) * n + i]!;
    if (lower === 0) continue;
    const size = Math.sqrt(Math.abs(lower)) * Math.sqrt(Math.abs(t[i * n + i + 1]!));
    imaginary[i] = size;
    imaginary[i + 1] = -size;
  }
  return { real, imaginary };
};
