import { semicircle } from './weighted-average.js';

/** Nodes of the grid that a sample is spread over, with the sharpness that suits a grid of twice the harmonics: 1e-15. */
const WIDTH = 16;
const SHARPNESS = 2.3 * WIDTH;

/** Fourier sums of vectors at scattered phases. */
export interface ScatteredFourier {
  /** Adds `weight` x at phase `turns`, any number. */
  add(turns: number, weight: number, x: Float64Array): void;
  /** sum weight x e^{-2 pi i h turns} for h = 0 to `harmonics`, `[harmonic, re and im, dimension]`. */
  sums(): Float64Array;
}

/**
 * Sums of e^{-2 pi i h turns} x over scattered phases for all harmonics at once, to 1e-14 of the sum of |weight x|: every
 * sample is spread over sixteen nodes of a grid of phases, and what that does to each harmonic is divided out (the
 * nonuniform transform of type 1: Dutt and Rokhlin 1993; Barnett, Magland and af Klinteberg 2019). Cost: 16 n a sample,
 * where each harmonic by itself costs 2 n, and 8 n harmonics^2 at the end.
 */
export const scatteredFourier = (dimension: number, harmonics: number): ScatteredFourier => {
  const n = dimension;
  const size = Math.max(2 * WIDTH, 4 * (harmonics + 1));
  const grid = new Float64Array(size * n);
  return {
    add: (turns, weight, x) => {
      const at = size * (turns - Math.floor(turns));
      const first = Math.ceil(at - WIDTH / 2);
      for (let g = first; g < first + WIDTH; g++) {
        const value = weight * semicircle((2 * (g - at)) / WIDTH, SHARPNESS);
        const row = ((g + size) % size) * n;
        for (let i = 0; i < n; i++) grid[row + i]! += value * x[i]!;
      }
    },
    sums: () => {
      const out = new Float64Array((harmonics + 1) * 2 * n);
      const cosines = Float64Array.from({ length: size }, (_, g) => Math.cos((2 * Math.PI * g) / size));
      const sines = Float64Array.from({ length: size }, (_, g) => Math.sin((2 * Math.PI * g) / size));
      for (let h = 0; h <= harmonics; h++) {
        const at = h * 2 * n;
        const factor = 1 / spreadOf(h / size);
        for (let g = 0; g < size; g++) {
          const c = factor * cosines[(h * g) % size]!;
          const s = -factor * sines[(h * g) % size]!;
          for (let i = 0; i < n; i++) {
            const value = grid[g * n + i]!;
            out[at + i]! += c * value;
            out[at + n + i]! += s * value;
          }
        }
      }
      return out;
    },
  };
};

/** What spreading multiplies a harmonic by: the kernel's Fourier transform at a frequency for each node. */
const spreadOf = (frequency: number): number => {
  // The rule of midpoints is exact to rounding, since the kernel ends at 1e-16.
  const nodes = 256;
  let sum = 0;
  for (let k = 0; k < nodes; k++) {
    const x = (2 * (k + 0.5)) / nodes - 1;
    sum += semicircle(x, SHARPNESS) * Math.cos(Math.PI * WIDTH * frequency * x);
  }
  return (sum * WIDTH) / nodes;
};
