import { eigen, eigenvalues } from '@drnn/linalg';
import { fillGaussian, randomStream } from '@drnn/simulator';
import { type Matrix, matrix } from '@drnn/tensor';
import { orthonormaliseRows } from './orthonormal-rows.js';

/** A multiplier m of a closed orbit; its logarithm is known where m itself is below the smallest number. */
export interface Multiplier {
  /** [re, im]; 0 where it is too small to write. */
  readonly value: readonly [re: number, im: number];
  /** ln |m|. */
  readonly logModulus: number;
  /** arg m, in (-pi, pi]. */
  readonly argument: number;
}

/**
 * Takes orthonormal rows `[count, dimension]` once round a closed orbit, in place, making them orthonormal again after
 * every short piece; `onPiece` is told R `[count, count]` of each, rows = R rows'.
 */
export type RoundTrip = (
  directions: Float64Array,
  count: number,
  onPiece: (lower: Float64Array, growth: Float64Array) => void,
) => void;

/** Off-diagonal entries of what a turn does to a converged basis. */
const SEPARATED = 1e-8;
/** Of some directions the first half has converged: ln|m| changes by no more from turn to turn, */
const SETTLED = 1e-9;
/** and no more of them is lost to other directions. */
const KEPT = 1e-13;
const MOST_TURNS = 8;
/** A block that turns into itself by this is invariant. */
const INVARIANT = 1e-6;

/** Orthonormal rows that span what eigenvectors of M span, the largest multipliers first. */
const basisOf = (monodromy: Matrix): Float64Array => {
  const n = monodromy.rows;
  const { values, right } = eigen(monodromy, { order: 'modulus' });
  const rows = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    // Of a pair the real part spans with the imaginary part of the other.
    const part = values.imaginary[k]! < 0 ? right.imaginary.data : right.real.data;
    for (let i = 0; i < n; i++) rows[k * n + i] = part[i * n + k]!;
  }
  orthonormaliseRows(rows, n, n, new Float64Array(n));
  return rows;
};

const randomRows = (count: number, n: number): Float64Array => {
  const rows = new Float64Array(count * n);
  fillGaussian(randomStream(1, 'directions')(0), 1, rows);
  orthonormaliseRows(rows, count, n, new Float64Array(count));
  return rows;
};

/** Where blocks of S begin: the finest partition outside which its entries are negligible. */
const blocksOf = (S: Float64Array, count: number): readonly number[] => {
  const starts: number[] = [];
  let reach = 0;
  for (let d = 0; d < count; d++) {
    if (d >= reach) starts.push(d);
    for (let e = count - 1; e > d; e--) {
      if (Math.abs(S[d * count + e]!) > SEPARATED || Math.abs(S[e * count + d]!) > SEPARATED) {
        reach = Math.max(reach, e + 1);
        break;
      }
    }
    reach = Math.max(reach, d + 1);
  }
  return starts;
};

/** The multipliers of rows [from, to): eigenvalues of S R_1' ... scaled as they are multiplied. */
const ofBlock = (
  S: Float64Array,
  pieces: readonly Float64Array[],
  count: number,
  from: number,
  to: number,
): readonly Multiplier[] => {
  const size = to - from;
  let product = matrix(size, size);
  for (let i = 0; i < size; i++) product.data[i * size + i] = 1;
  let scale = 0;
  const rescale = (): void => {
    const largest = product.data.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
    if (largest === 0) return;
    scale += Math.log(largest);
    for (let k = 0; k < product.data.length; k++) product.data[k]! /= largest;
  };
  // P <- U P with U = R' of each piece in turn, upper triangular.
  for (const lower of pieces) {
    const next = matrix(size, size);
    for (let i = 0; i < size; i++) {
      for (let k = i; k < size; k++) {
        const u = lower[(from + k) * count + from + i]!;
        if (u === 0) continue;
        for (let j = 0; j < size; j++) next.data[i * size + j]! += u * product.data[k * size + j]!;
      }
    }
    product = next;
    rescale();
  }
  const turned = matrix(size, size);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      const s = S[(from + i) * count + from + k]!;
      for (let j = 0; j < size; j++) turned.data[i * size + j]! += s * product.data[k * size + j]!;
    }
  }
  const { real, imaginary } = eigenvalues(turned, { order: 'modulus' });
  return Array.from(real, (re, k) => {
    const im = imaginary[k]!;
    const logModulus = Math.log(Math.hypot(re, im)) + scale;
    const argument = Math.atan2(im, re);
    const modulus = Math.exp(logModulus);
    return { value: [modulus * Math.cos(argument), im === 0 ? 0 : modulus * Math.sin(argument)], logModulus, argument };
  });
};

export interface FloquetSpectrum {
  /** The largest modulus first: all, or those of the leading directions that have converged. */
  readonly multipliers: readonly Multiplier[];
  /** sum ln|m| of all directions, as their volume grew; that of the leading ones where not all were taken. */
  readonly logVolume: number;
  /**
   * What the directions hold of the left eigenvector of the multiplier nearest to 1, `[dimension]`; null where all were
   * taken. What is missing falls by the first multiplier that they leave out in each turn of the adjoint.
   */
  readonly left: Float64Array | null;
}

/** S `[count, count]`: rows of one basis in terms of another. */
const overlap = (before: Float64Array, after: Float64Array, count: number, n: number): Float64Array => {
  const S = new Float64Array(count * count);
  for (let d = 0; d < count; d++) {
    for (let e = 0; e < count; e++) {
      let dot = 0;
      for (let j = 0; j < n; j++) dot += before[d * n + j]! * after[e * n + j]!;
      S[d * count + e] = dot;
    }
  }
  return S;
};

/** The multipliers of blocks that lose no more than `most`. */
const invariantOf = (
  S: Float64Array,
  pieces: readonly Float64Array[],
  count: number,
  most: number,
): readonly Multiplier[] => {
  const starts = blocksOf(S, count);
  const multipliers = starts.flatMap((from, b) => {
    const to = starts[b + 1] ?? count;
    let defect = 0;
    for (let d = from; d < to; d++) {
      let size = 0;
      for (let e = from; e < to; e++) size += S[d * count + e]! ** 2;
      defect = Math.max(defect, Math.abs(size - 1));
    }
    return defect > most ? [] : ofBlock(S, pieces, count, from, to);
  });
  return multipliers.toSorted((p, q) => q.logModulus - p.logModulus);
};

/** Q'M Q = S U_p ... U_1, to the digits of its largest entries. */
const projected = (S: Float64Array, pieces: readonly Float64Array[], count: number): Matrix => {
  let product = matrix(count, count, S.slice());
  for (let p = pieces.length - 1; p >= 0; p--) {
    const lower = pieces[p]!;
    const next = matrix(count, count);
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < count; k++) {
        const value = product.data[i * count + k]!;
        // U_kj = R_jk, from j = k on.
        for (let j = k; j < count; j++) next.data[i * count + j]! += value * lower[j * count + k]!;
      }
    }
    product = next;
  }
  return product;
};

/** rows <- coefficients rows, for `[count, count]`. */
const combined = (coefficients: Float64Array, rows: Float64Array, count: number, n: number): Float64Array => {
  const out = new Float64Array(count * n);
  for (let k = 0; k < count; k++) {
    for (let e = 0; e < count; e++) {
      const c = coefficients[k * count + e]!;
      for (let j = 0; j < n; j++) out[k * n + j]! += c * rows[e * n + j]!;
    }
  }
  return out;
};

/**
 * Multipliers of a closed orbit by orthogonal iteration round it, as a periodic Schur form has them: with M Q = Q S U_p
 * ... U_1 the blocks of S, orthogonal, tell which belong together, and each block is multiplied by itself, scaled. So
 * multipliers of 1 and 1e-136 are both right to all digits that the pieces have, where eigenvalues of M know them to
 * 1e-16 |M|. `monodromy`, where it is known, gives the first basis. Of all directions two turns are made; of fewer eight at
 * most, and after each they are turned to the Schur vectors of Q'M Q, so that they converge as the first that is left out
 * is small, however close they are to one another.
 */
export const floquetSpectrum = (
  dimension: number,
  count: number,
  turn: RoundTrip,
  monodromy?: Matrix,
): FloquetSpectrum => {
  const isAll = count === dimension;
  let basis: Float64Array = monodromy !== undefined && isAll ? basisOf(monodromy) : randomRows(count, dimension);
  const before = basis.slice();
  let pieces: Float64Array[] = [];
  let logVolume = 0;
  const makeTurn = (): void => {
    before.set(basis);
    pieces = [];
    logVolume = 0;
    turn(basis, count, (lower, growth) => {
      pieces.push(lower.slice());
      for (let d = 0; d < count; d++) logVolume += growth[d]!;
    });
  };
  if (isAll) {
    for (let round = 0; round < (monodromy === undefined ? 6 : 2); round++) makeTurn();
    const S = overlap(before, basis, count, dimension);
    return { multipliers: invariantOf(S, pieces, count, INVARIANT), logVolume, left: null };
  }
  // What is asked for of some directions is the first half of them.
  const half = count >> 1;
  let last: readonly Multiplier[] = [];
  for (let round = 1; ; round++) {
    makeTurn();
    const S = overlap(before, basis, count, dimension);
    const H = projected(S, pieces, count);
    const kept = invariantOf(S, pieces, count, KEPT);
    const isSettled =
      kept.length >= half &&
      kept.slice(0, half).every(({ logModulus }, k) => {
        const change = Math.abs(logModulus - (last[k]?.logModulus ?? Infinity));
        return change <= SETTLED || logModulus === last[k]?.logModulus;
      });
    if (isSettled || round === MOST_TURNS || H.data.some((value) => !Number.isFinite(value))) {
      const multipliers = invariantOf(S, pieces, count, INVARIANT);
      return { multipliers, logVolume, left: leftWithin(H, before, dimension) };
    }
    last = kept;
    // Schur vectors in terms of Q, then of what Q has become.
    basis = combined(combined(basisOf(H), S, count, count), basis, count, dimension);
    orthonormaliseRows(basis, count, dimension, new Float64Array(count));
  }
};

/** The left eigenvector of Q'M Q whose eigenvalue is nearest to 1, as a combination of the rows Q; null where H is not finite. */
const leftWithin = (H: Matrix, rows: Float64Array, n: number): Float64Array | null => {
  const count = H.rows;
  if (H.data.some((value) => !Number.isFinite(value))) return null;
  const { values, left } = eigen(H);
  const away = (k: number): number => Math.hypot(values.real[k]! - 1, values.imaginary[k]!);
  let best = 0;
  for (let k = 1; k < count; k++) if (away(k) < away(best)) best = k;
  const z = new Float64Array(n);
  for (let d = 0; d < count; d++) {
    for (let j = 0; j < n; j++) z[j]! += left.real.data[d * count + best]! * rows[d * n + j]!;
  }
  return z;
};
