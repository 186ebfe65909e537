import { matrix, matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { francis } from './francis.js';
import { cyclicShift } from './gallery.js';

/** Iterates on a Hessenberg matrix; the row where it gave up, or -1, and the eigenvalues. */
const iterated = ({
  rows: n,
  data,
}: ReturnType<typeof matrix>): { readonly stuck: number; readonly moduli: number[] } => {
  const real = new Float64Array(n);
  const imaginary = new Float64Array(n);
  const stuck = francis({ h: data.slice(), n, basis: null, real, imaginary }, 0, n - 1);
  return { stuck, moduli: Array.from(real, (re, k) => Math.hypot(re, imaginary[k]!)) };
};

describe('francis', () => {
  it('leaves the cyclic shifts, which a step with the usual shifts maps to themselves', () => {
    for (const n of [3, 4, 10, 33]) {
      // Transposed, they are Hessenberg.
      const shift = cyclicShift(n);
      const h = matrix(n, n);
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) h.data[j * n + i] = shift.data[i * n + j]!;
      const { stuck, moduli } = iterated(h);
      expect(stuck).toBe(-1);
      moduli.forEach((modulus) => expect(modulus).toBeCloseTo(1, 13));
    }
  });

  it('ends where no subdiagonal entry ever gets small beside its neighbours', () => {
    const h = matrixOf([
      [1e-207, 0, 0, 1e-258, 0],
      [1e-112, 1e-98, 1e-107, 0, 0],
      [0, 1e-53, 1e-160, 0, 1e-67],
      [0, 0, 1e-27, 0, 0],
      [0, 0, 0, 1e-197, 0],
    ]);
    const { stuck, moduli } = iterated(h);
    expect(stuck).toBe(-1);
    moduli.forEach((modulus) => expect(modulus).toBeLessThan(1e-7));
  });
});
