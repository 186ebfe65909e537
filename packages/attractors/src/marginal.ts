import { lu, smallestSingularTriplet } from '@drnn/linalg';
import { matrix, type Matrix } from '@drnn/tensor';

/** mu, and how far it moves when J changes by as much as it may, to first order. */
interface UncertainMode {
  readonly multiplier: readonly [number, number];
  readonly uncertainty: number;
}

/** Distances from the unit circle up to which an eigenvalue's condition, which is of first order, is believed. */
const firstOrder = 1e-6;

/**
 * Whether a change of J by `change`, in norm, can put a multiplier on the unit circle. By its condition where that leaves
 * it near by; the condition of a defective eigenvalue is infinite and says nothing, and then the change that is needed
 * is looked at itself: the smallest singular value of J - z at the nearest point z of the circle (Trefethen and Embree
 * 2005, section 2). Cost 5 n^3 for each z that must be looked at, 40 n^3 where it is complex.
 */
export const isMarginal = (J: Matrix, modes: readonly UncertainMode[], change: number): boolean => {
  const seen = new Map<string, boolean>();
  return modes.some(({ multiplier: [re, im], uncertainty }) => {
    const modulus = Math.hypot(re, im);
    const distance = Math.abs(modulus - 1);
    if (distance >= 3 * uncertainty) return false;
    if (distance <= firstOrder) return true;
    const z = modulus === 0 ? ([1, 0] as const) : ([re / modulus, Math.abs(im) / modulus] as const);
    const key = `${z[0].toFixed(6)} ${z[1].toFixed(6)}`;
    const known = seen.get(key);
    if (known !== undefined) return known;
    const reached = smallestSingularTriplet(lu(shifted(J, z))).value <= 3 * change;
    seen.set(key, reached);
    return reached;
  });
};

/** J - (x + i y), of complex numbers as [[J - x, y], [-y, J - x]]. */
const shifted = (J: Matrix, [x, y]: readonly [number, number]): Matrix => {
  const n = J.rows;
  const copies = y === 0 ? 1 : 2;
  const result = matrix(copies * n, copies * n);
  for (let c = 0; c < copies; c++) {
    for (let i = 0; i < n; i++) {
      const row = (c * n + i) * copies * n;
      for (let j = 0; j < n; j++) result.data[row + c * n + j] = J.data[i * n + j]! - (i === j ? x : 0);
      if (y !== 0) result.data[row + (1 - c) * n + i] = c === 0 ? y : -y;
    }
  }
  return result;
};
