import type { Linearisation } from '@drnn/attractors';
import type { ComplexMatrix } from '@drnn/linalg';
import { subspaceAngles } from '@drnn/geometry';
import { failure, type Matrix, matrix } from '@drnn/tensor';
import { assign } from './assignment.js';

export type Complex = readonly [re: number, im: number];

/** One of the slowest modes of the reference and the mode of the fit that stands for it. */
export interface ModePair {
  /** Multipliers of one step. */
  readonly reference: Complex;
  readonly fit: Complex;
  /** |ln(tau / tau^)|; Infinity where one grows and the other decays, or one alone is neutral. */
  readonly timeConstantError: number;
  /** |l' l^| / (|l| |l^|) of the left eigenvectors, what moves the mode; null where the fit's is not among those kept. */
  readonly selectionCosine: number | null;
  /**
   * tr(P Q^), P the spectral projector of the reference's mode (of all modes with its multiplier) and Q^ = r^ l^' that of the
   * fit's: 1 where they are the same mode, 0 where they have nothing in common. Null where the networks have other units,
   * and modes are paired by their multipliers.
   */
  readonly overlap: number | null;
}

export interface SpectrumDistance {
  /** W2: the root mean square distance of multipliers under the best assignment. */
  readonly distance: number;
  /** Only multipliers with a modulus above 0.9 were compared, because the networks differ in size. */
  readonly isPartial: boolean;
  /** How many of each were left without a partner. */
  readonly unmatchedReference: number;
  readonly unmatchedFit: number;
  /** The slowest modes of the reference, slowest first. */
  readonly slow: readonly ModePair[];
  /** The largest |ln(tau / tau^)| among them. */
  readonly largestTimeConstantError: number;
  /** Modes of the fit that are as slow and stand for none of the reference's: what noise in its weights adds. */
  readonly spurious: number;
  /**
   * Principal angles, radians, between the spans of the slowest modes, as many as stand apart from the rest in the
   * reference; null where the networks have other units.
   */
  readonly slowAngles: Float64Array | null;
}

const modulus = ([re, im]: Complex): number => Math.hypot(re, im);

/**
 * The Wasserstein distance of order 2 between two sets of complex numbers of equal size: the root mean square distance
 * under the best assignment, which is returned too. Cost n^3. Errors: other sizes.
 */
export const spectrumW2 = (
  a: readonly Complex[],
  b: readonly Complex[],
): { readonly distance: number; readonly partnerOf: Int32Array } => {
  if (a.length !== b.length) {
    throw failure({ path: 'spectrum', seen: `${a.length} and ${b.length} eigenvalues`, expected: 'as many of both' });
  }
  const { columnOf, cost } = assign(squares(a, b));
  return { distance: a.length === 0 ? 0 : Math.sqrt(Math.max(0, cost) / a.length), partnerOf: columnOf };
};

const squares = (a: readonly Complex[], b: readonly Complex[]): Matrix => {
  const costs = matrix(a.length, b.length);
  a.forEach(([re, im], i) => {
    b.forEach((other, j) => (costs.data[i * b.length + j] = (re - other[0]) ** 2 + (im - other[1]) ** 2));
  });
  return costs;
};

/** |ln(tau / tau^)| with tau = -1 / ln|mu|: the same ratio of growth rates. */
export const timeConstantError = (a: Complex, b: Complex): number => {
  const [rate, other] = [Math.log(modulus(a)), Math.log(modulus(b))];
  if (rate === other) return 0;
  const ratio = rate / other;
  return ratio > 0 ? Math.abs(Math.log(ratio)) : Infinity;
};

/** An orthonormal basis `[unit, vector]` of the real span of the first `count` modes, in outside units. */
const spanOf = (
  { real, imaginary }: ComplexMatrix,
  modes: readonly Complex[],
  count: number,
  scale?: Float64Array,
): Matrix => {
  const { rows: n, columns } = real;
  const kept: Float64Array[] = [];
  for (let k = 0; k < count || (k === count && isConjugate(modes[k - 1], modes[k])); k++) {
    // Of a conjugate pair the first gives the real part and the second the imaginary one.
    const part = (modes[k]?.[1] ?? 0) < 0 ? imaginary : real;
    const v = Float64Array.from({ length: n }, (_, i) => part.data[i * columns + k]! * (scale?.[i] ?? 1));
    const size = Math.hypot(...v);
    for (let round = 0; round < 2; round++) {
      for (const other of kept) {
        let overlap = 0;
        for (let i = 0; i < n; i++) overlap += v[i]! * other[i]!;
        for (let i = 0; i < n; i++) v[i]! -= overlap * other[i]!;
      }
    }
    const length = Math.hypot(...v);
    // A defective eigenvalue has fewer vectors than its multiplicity.
    if (length > 1e-8 * size) kept.push(v.map((value) => value / length));
  }
  const span = matrix(n, kept.length);
  kept.forEach((v, k) => v.forEach((value, i) => (span.data[i * kept.length + k] = value)));
  return span;
};

const isConjugate = (a: Complex | undefined, b: Complex | undefined): boolean =>
  a !== undefined && b !== undefined && a[1] > 0 && b[1] === -a[1] && b[0] === a[0];

/** After how many of the first `most` multipliers their moduli fall by the largest step. */
const gapAfter = (multipliers: readonly Complex[], most: number): number => {
  let best = 0;
  let widest = 0;
  for (let k = 1; k <= Math.min(most, multipliers.length - 1); k++) {
    const [before, after] = [multipliers[k - 1], multipliers[k]];
    if (before === undefined || after === undefined) break;
    const gap = modulus(before) - modulus(after);
    if (gap > widest) [best, widest] = [k, gap];
  }
  return best;
};

const cosineOf = (a: ComplexMatrix, i: number, b: ComplexMatrix, j: number, ratio?: Float64Array): number | null => {
  if (i >= a.real.columns || j >= b.real.columns || a.real.rows !== b.real.rows) return null;
  let [re, im, p, q] = [0, 0, 0, 0];
  for (let k = 0; k < a.real.rows; k++) {
    const [x, y] = [a.real.data[k * a.real.columns + i]!, a.imaginary.data[k * a.real.columns + i]!];
    const factor = ratio?.[k] ?? 1;
    const [u, v] = [b.real.data[k * b.real.columns + j]! * factor, b.imaginary.data[k * b.real.columns + j]! * factor];
    re += x * u + y * v;
    im += x * v - y * u;
    p += x * x + y * y;
    q += u * u + v * v;
  }
  return p === 0 || q === 0 ? null : Math.min(1, Math.hypot(re, im) / Math.sqrt(p * q));
};

export interface SpectrumOptions {
  /** How many of the slowest modes are compared one by one, at most. Default 5. */
  readonly slow?: number;
  /**
   * Only multipliers with a larger modulus count as slow, if there are any: 1 - a of units on their own, for what is not
   * slower than they are is the bulk. Default 0.
   */
  readonly slowerThan?: number;
  /** `[unit]`: what a state of the reference and of the fit is multiplied by, where they differ. Default 1. */
  readonly scale?: Float64Array;
  readonly fitScale?: Float64Array;
}

/** Above this many multipliers the assignment would take seconds, and the bulk says little. */
const MOST = 500;
/** What rounding makes of a multiplier that is repeated many times. */
const ROUNDING = 1e-6;
/** Multipliers that are compared where sizes differ. */
const SLOW_MODULUS = 0.9;

/** Multipliers that are nearer than this are one, whose modes are any basis of their space. */
const SAME = 1e-6;
/** How much a distance of 1 between multipliers weighs against an overlap of 1: it decides between equal overlaps alone. */
const TIE = 1e-3;

/** l' r, conjugated, of column i of `left` and column j of `right`; entries are multiplied by `ratio`. */
const innerProduct = (
  left: ComplexMatrix,
  i: number,
  right: ComplexMatrix,
  j: number,
  ratio: Float64Array,
): Complex => {
  const [m, k] = [left.real.columns, right.real.columns];
  let [re, im] = [0, 0];
  for (let n = 0; n < left.real.rows; n++) {
    const [x, y] = [left.real.data[n * m + i]! * ratio[n]!, left.imaginary.data[n * m + i]! * ratio[n]!];
    const [u, v] = [right.real.data[n * k + j]!, right.imaginary.data[n * k + j]!];
    re += x * u + y * v;
    im += x * v - y * u;
  }
  return [re, im];
};

/** `[slow mode of the reference, mode of the fit]`: tr(P Q^) of those with vectors. */
const overlapsOf = (reference: Linearisation, fit: Linearisation, count: number, ratio: Float64Array): Matrix => {
  const width = fit.right.real.columns;
  const inverse = ratio.map((value) => 1 / value);
  const own = matrix(count, width);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < width; j++) {
      // States of the reference times `ratio` are those of the fit; left vectors act on states.
      const [a, b] = innerProduct(reference.left, i, fit.right, j, inverse);
      const [c, d] = innerProduct(fit.left, j, reference.right, i, ratio);
      own.data[i * width + j] = a * c - b * d;
    }
  }
  const overlaps = matrix(count, width);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < count; k++) {
      const [a, b] = [reference.multipliers[i]!, reference.multipliers[k]!];
      if (Math.hypot(a[0] - b[0], a[1] - b[1]) > SAME) continue;
      for (let j = 0; j < width; j++) overlaps.data[i * width + j]! += own.data[k * width + j]!;
    }
  }
  return overlaps;
};

/**
 * How far the network near a point of a fit is from that near a point of the reference: multipliers by optimal
 * transport, the slowest ones by their time constants and by what moves them, and the angles between their spans. The
 * bulk of the multipliers follows the noise of a fit: the slow ones are what dynamics consist of. They are paired by what
 * they are, the largest overlap of their spectral projectors, and not by their multipliers: noise spreads the bulk of a
 * large fit beyond the slow modes, and an assignment by value then takes the one for the other. Cost n^3. Source: for
 * left eigenvectors as selection vectors Mante et al. 2013.
 */
export const spectrumDistance = (
  reference: Linearisation,
  fit: Linearisation,
  options: SpectrumOptions = {},
): SpectrumDistance => {
  const { slow: most = 5, slowerThan = 0, scale, fitScale } = options;
  const isPartial = reference.multipliers.length !== fit.multipliers.length || reference.multipliers.length > MOST;
  const isKept = (mu: Complex): boolean => !isPartial || modulus(mu) > SLOW_MODULUS;
  // Both come with the largest modulus first, so that those kept are the first ones.
  const a = reference.multipliers.filter(isKept).slice(0, MOST);
  const b = fit.multipliers.filter(isKept).slice(0, MOST);
  const above = a.filter((mu) => modulus(mu) > slowerThan + ROUNDING).length;
  const count = Math.min(most, above === 0 ? a.length : above);
  const { columnOf, cost } = assign(squares(a, b));
  const matched = Math.min(a.length, b.length);
  // Left vectors act on the state, so that they are divided by what it is multiplied by.
  const ratio = Float64Array.from(
    { length: reference.left.real.rows },
    (_, i) => (scale?.[i] ?? 1) / (fitScale?.[i] ?? 1),
  );
  const isSameUnits = reference.right.real.rows === fit.right.real.rows;
  const width = fit.right.real.columns;
  const isByOverlap = isSameUnits && count <= reference.right.real.columns && count <= width;
  const overlaps = isByOverlap ? overlapsOf(reference, fit, count, ratio) : null;
  const partnerOf =
    overlaps === null
      ? columnOf
      : assign(
          matrix(
            count,
            width,
            overlaps.data.map((overlap, k) => {
              const [p, q] = [a[Math.floor(k / width)]!, fit.multipliers[k % width]!];
              return 1 - Math.min(1, Math.max(0, overlap)) + TIE * Math.hypot(p[0] - q[0], p[1] - q[1]);
            }),
          ),
        ).columnOf;
  const slow = a.slice(0, count).flatMap((mu, i): readonly ModePair[] => {
    const j = partnerOf[i]!;
    const other = overlaps === null ? b[j] : fit.multipliers[j];
    if (other === undefined) return [];
    return [
      {
        reference: mu,
        fit: other,
        timeConstantError: timeConstantError(mu, other),
        selectionCosine: cosineOf(reference.left, i, fit.left, j, ratio),
        overlap: overlaps === null ? null : overlaps.data[i * width + j]!,
      },
    ];
  });
  const slowest = modulus(a[count - 1] ?? [Infinity, 0]) - ROUNDING;
  const slowerThanIt = (of: readonly Complex[]): number => of.filter((mu) => modulus(mu) > slowest).length;
  const paired = slow.map((pair) => pair.fit);
  const apart = isSameUnits ? gapAfter(reference.multipliers, Math.min(count, reference.modes.length)) : 0;
  return {
    distance: matched === 0 ? 0 : Math.sqrt(Math.max(0, cost) / matched),
    isPartial,
    unmatchedReference: a.length - matched,
    unmatchedFit: b.length - matched,
    slow,
    largestTimeConstantError: slow.reduce((worst, pair) => Math.max(worst, pair.timeConstantError), 0),
    spurious: Math.max(0, slowerThanIt(b) - slowerThanIt(paired) - (slowerThanIt(a) - count)),
    slowAngles:
      apart === 0
        ? null
        : subspaceAngles(
            spanOf(reference.right, reference.multipliers, apart, scale),
            spanOf(fit.right, fit.multipliers, apart, fitScale),
          ),
  };
};
