import { fillGaussian, randomStream } from '@drnn/simulator';
import { failure, firstNonFinite } from '@drnn/tensor';
import { dormandPrince } from './dormand-prince.js';
import type { Flow } from './flow.js';
import type { IteratedMap } from './iterated-map.js';
import { factor } from './lu.js';
import { orthonormaliseRows } from './orthonormal-rows.js';
import { bumpWeights } from './weighted-average.js';

/** Exponents of one orbit: nats a step of a map, nats a unit of time of a flow, the largest first. */
export interface LyapunovSpectrum {
  readonly exponents: Float64Array;
  /** How far each may be off: the standard error of twenty blocks, or the difference of two halves where that is regular. */
  readonly errors: Float64Array;
  /**
   * Whether no exponent is positive, and weighted averages of the first over the two halves of the orbit agree to 1e-5 of
   * the largest: so they do at fixed points, on cycles and tori, and not in chaos.
   */
  readonly isRegular: boolean;
  /** Exponents above, and within, what they may be off, which is never taken below 3 / `length`. */
  readonly positive: number;
  readonly zero: number;
  /**
   * Kaplan and Yorke's j + sum_{i<=j} lambda_i / |lambda_{j+1}|, 0 where all are negative; null where the sum of those that
   * were taken is not negative, so that more are needed, and where the run was too short for errors.
   */
  readonly dimension: number | null;
  /** The sum of the positive ones, nats a step: an upper bound of the entropy rate (Pesin, Ruelle). */
  readonly entropyRate: number;
  /** Steps, or time, that was averaged over. */
  readonly length: number;
  /** |sum lambda - <ln|det J|>| over the first steps (all, of small systems; of flows <tr J>), when all are taken; else null. */
  readonly volumeError: number | null;
  /** Whether it ended before its length because the time was up. Errors are then larger; infinite after a short time. */
  readonly isCut: boolean;
  /** The state at the end. */
  readonly state: Float64Array;
}

export interface LyapunovSpectrumOptions {
  /** Exponents. Default all up to 100, else 20. */
  readonly count?: number;
  /** Most steps, or time of a flow. Default 10 000. */
  readonly length?: number;
  /** Steps, or time, before; and as much again for the directions alone. Default a tenth of the length, at most 1000. */
  readonly transient?: number;
  /** The error of the first exponent at which it ends before the length. Default 0: never. */
  readonly tolerance?: number;
  /** Seed of the first directions. Default 1. */
  readonly seed?: number;
}

/** ln of the ratio by which directions may grow apart before they are made orthonormal: 1e6. */
const SPREAD = Math.log(1e6);
/** In few dimensions it costs little, and averages of turning directions want every step. */
const MOST_STEPS = 20;
const BLOCKS = 20;
/** Steps, for the directions alone, that are made even when the time is up. */
const LEAST = 20;
const RECORDS = 10_000;
/** n^3 times the steps for which ln|det J| is taken by LU, to be compared. */
const CHECKED = 1e9;
/** Relative tolerance of flows. */
const FLOW_PRECISION = { relative: 1e-11, absolute: 1e-13 } as const;

/** Takes a state and rows along by one unit: a step, or an interval of time. */
interface Carrier {
  readonly x: Float64Array;
  /** `[count, dimension]`; another array after every advance. */
  rows(): Float64Array;
  /** Returns ln|det J| of the unit where it is asked for and all directions are taken, else NaN. */
  advance(isVolumeAsked: boolean): number;
}

const mapCarrier = (map: IteratedMap, start: Float64Array, count: number): Carrier => {
  const n = map.dimension;
  const x = start.slice();
  const next = new Float64Array(n);
  let rows = new Float64Array(count * n);
  let image = new Float64Array(count * n);
  const isAll = count === n;
  const J = isAll ? new Float64Array(n * n) : null;
  const pivots = new Int32Array(n);
  let time = 0;
  return {
    x,
    rows: () => rows,
    advance: (isVolumeAsked) => {
      map.image(x, next, time);
      time += 1;
      map.tangent(rows, count, image);
      x.set(next);
      [rows, image] = [image, rows];
      if (J === null || !isVolumeAsked) return Number.NaN;
      map.jacobian(J);
      if (factor(J, n, pivots) === 0) return Number.NEGATIVE_INFINITY;
      let sum = 0;
      for (let i = 0; i < n; i++) sum += Math.log(Math.abs(J[i * n + i]!));
      return sum;
    },
  };
};

/** y = [x, rows, integral of tr J]. */
const flowCarrier = (flow: Flow, start: Float64Array, count: number, interval: number): Carrier => {
  const n = flow.dimension;
  const isAll = count === n;
  const length = n * (1 + count) + (isAll ? 1 : 0);
  const y = new Float64Array(length);
  y.set(start);
  const views = new Map<Float64Array, readonly [Float64Array, Float64Array]>();
  const partsOf = (array: Float64Array): readonly [Float64Array, Float64Array] => {
    const known = views.get(array);
    if (known !== undefined) return known;
    const made = [array.subarray(0, n), array.subarray(n, n * (1 + count))] as const;
    views.set(array, made);
    return made;
  };
  const integrator = dormandPrince(
    (from, to) => {
      const [x, v] = partsOf(from);
      const [dx, dv] = partsOf(to);
      flow.velocity(x, dx);
      flow.tangent(v, count, dv);
      if (isAll) to[length - 1] = flow.divergence();
    },
    length,
    { state: n, ...FLOW_PRECISION },
  );
  const x = y.subarray(0, n);
  const rows = y.subarray(n, n * (1 + count));
  return {
    x,
    rows: () => rows,
    advance: () => {
      if (isAll) y[length - 1] = 0;
      let rest = interval;
      while (rest > 0) {
        const taken = integrator.step(y, rest);
        if (taken === 0) throw unbounded(x);
        rest = taken === rest ? 0 : rest - taken;
      }
      return isAll ? y[length - 1]! : Number.NaN;
    },
  };
};

const unbounded = (x: Float64Array): Error => {
  const at = Math.max(0, firstNonFinite(x));
  return failure({ path: 'start', seen: `an orbit that reaches ${x[at]}`, expected: 'a start whose orbit is bounded' });
};

/** The mean step of the integrator over the transient, after which x is where it ends. */
const meanStep = (flow: Flow, x: Float64Array, time: number): number => {
  const run = dormandPrince((y, dy) => flow.velocity(y, dy), x.length, { state: x.length, ...FLOW_PRECISION });
  let rest = time;
  let steps = 0;
  while (rest > 0) {
    const taken = run.step(x, rest);
    if (taken === 0) throw unbounded(x);
    rest = taken === rest ? 0 : rest - taken;
    steps += 1;
  }
  return time / steps;
};

/** Weighted average of column `at` of records `[from, to)`. */
const weighted = (
  records: Float64Array,
  columns: number,
  at: number,
  from: number,
  to: number,
  weights: Float64Array,
): number => {
  let sum = 0;
  for (let r = from; r < to; r++) sum += weights[r - from]! * records[r * columns + at]!;
  return sum;
};

/** Standard error of the mean of a column by the spread of twenty blocks. */
const blockError = (records: Float64Array, columns: number, at: number, count: number): number => {
  const size = Math.floor(count / BLOCKS);
  if (size === 0) return Infinity;
  const means = Array.from({ length: BLOCKS }, (_, b) => {
    let sum = 0;
    for (let r = b * size; r < (b + 1) * size; r++) sum += records[r * columns + at]!;
    return sum / size;
  });
  const mean = means.reduce((sum, value) => sum + value, 0) / BLOCKS;
  const variance = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (BLOCKS - 1);
  return Math.sqrt(variance / BLOCKS);
};

/** Kaplan and Yorke 1979. */
export const kaplanYorkeDimension = (exponents: ArrayLike<number>, isAll: boolean): number | null => {
  let sum = 0;
  for (let j = 0; j < exponents.length; j++) {
    const exponent = exponents[j]!;
    if (sum + exponent < 0) return j === 0 ? 0 : j + sum / -exponent;
    sum += exponent;
  }
  return isAll ? exponents.length : null;
};

/**
 * Lyapunov exponents of a map or flow along the orbit of a state, by Benettin's method (Benettin et al. 1980; Shimada and
 * Nagashima 1979): directions are taken along and made orthonormal so often that they part by 1e6 at most. They are never
 * ordered by force; with neighbours very close in size two may stand exchanged within their errors, and are then sorted.
 *
 * Averages are plain in chaos, with the error of twenty blocks. Where weighted averages of both halves agree far better,
 * the dynamics are regular and the weighted ones are reported: at a fixed point, on a cycle or torus they are right to
 * many more digits. Directions that J takes to 0 have exponent -Infinity. Cost a step: that of `tangent`, 4 n count^2
 * over the steps between two orthonormalisations, and 2/3 n^3 for ln|det J| when all are taken. Errors: a count or
 * length out of range, an orbit that is not bounded.
 */
export const lyapunovSpectrum = (
  system: Flow | IteratedMap,
  start: Float64Array,
  options: LyapunovSpectrumOptions = {},
): LyapunovSpectrum => {
  const n = system.dimension;
  const count = options.count ?? (n <= 100 ? n : 20);
  const total = options.length ?? 10_000;
  if (!(Number.isInteger(count) && count >= 1 && count <= n)) {
    throw failure({ path: 'count', seen: String(count), expected: `a whole number from 1 to ${n}` });
  }
  if (!(total > 0 && total < Infinity)) {
    throw failure({ path: 'length', seen: String(total), expected: 'a positive number' });
  }
  if (start.length !== n || firstNonFinite(start) >= 0) {
    throw failure({ path: 'start', seen: `[${start.length}]`, expected: `[dimension=${n}], finite numbers` });
  }
  const transient = options.transient ?? Math.min(1000, total / 10);
  const isFlow = 'velocity' in system;
  const x = start.slice();
  const unit = isFlow ? 2 * meanStep(system, x, Math.max(transient, 1e-3 * total)) : 1;
  const carrier = isFlow ? flowCarrier(system, x, count, unit) : mapCarrier(system, x, count);
  const units = (time: number): number => Math.max(1, Math.ceil(time / unit));
  const growth = new Float64Array(count);
  fillGaussian(randomStream(options.seed ?? 1, 'directions')(0), 1, carrier.rows());
  orthonormaliseRows(carrier.rows(), count, n, growth);

  const isCut = (): boolean => system.isCut?.() === true;
  if (!isFlow) for (let t = units(transient); t > 0 && !isCut(); t--) carrier.advance(false);
  orthonormaliseRows(carrier.rows(), count, n, growth);
  const sums = new Float64Array(count);
  const warm = Math.max(20, units(transient));
  let warmed = 0;
  for (; warmed < warm && !(warmed >= LEAST && isCut()); warmed++) {
    carrier.advance(false);
    orthonormaliseRows(carrier.rows(), count, n, growth);
    for (let d = 0; d < count; d++) sums[d]! += growth[d]!;
  }
  const finite = sums.filter((sum) => Number.isFinite(sum));
  const spread = finite.length < 2 ? 0 : (Math.max(...finite) - Math.min(...finite)) / warmed;
  // An integrator knows short directions to the tolerance of the longest.
  const isEvery = isFlow || finite.length < count;
  const every = isEvery
    ? 1
    : Math.max(1, Math.min(MOST_STEPS, Math.ceil(n / 5), Math.floor(SPREAD / (spread + 1e-12))));

  const wanted = units(total);
  const record = every * Math.max(1, Math.ceil(wanted / (RECORDS * every)));
  const most = Math.max(1, Math.floor(wanted / record));
  const records = new Float64Array(most * count);
  const checked = Math.max(1, Math.min(most, isFlow ? most : Math.floor(CHECKED / (n ** 3 * record))));
  let volume = 0;
  let taken = 0;
  /** Steps of each record: less only where the time was up within the first. */
  let covered = record;
  while (taken < most) {
    const at = taken * count;
    let part = 0;
    let steps = 0;
    while (steps < record && !(steps > 0 && isCut())) {
      for (let s = 0; s < every; s++) {
        const logDeterminant = carrier.advance(taken < checked);
        if (taken < checked) part += logDeterminant;
      }
      orthonormaliseRows(carrier.rows(), count, n, growth);
      for (let d = 0; d < count; d++) records[at + d]! += growth[d]!;
      steps += every;
    }
    if (steps < record && taken > 0) break;
    covered = steps;
    volume += part;
    for (let d = 0; d < count; d++) records[at + d]! /= covered * unit;
    taken += 1;
    if (isCut()) break;
    if (options.tolerance !== undefined && taken % 100 === 0 && taken >= Math.max(400, most / 4)) {
      const first = columnMean(records, count, 0, taken);
      if (blockError(records, count, 0, taken) < Math.max(options.tolerance, 0.02 * Math.abs(first))) break;
    }
  }
  const wrong = firstNonFinite(carrier.x);
  if (wrong >= 0) throw unbounded(carrier.x);
  return summary(records, count, taken, covered * unit, carrier.x.slice(), {
    isCut: (taken < most || covered < record) && isCut(),
    isAll: count === n,
    volumeError:
      count === n ? volumeErrorOf(records, count, Math.min(checked, taken), volume / (covered * unit)) : null,
  });
};

const columnMean = (records: Float64Array, columns: number, at: number, count: number): number => {
  let sum = 0;
  for (let r = 0; r < count; r++) sum += records[r * columns + at]!;
  return sum / count;
};

/** |sum of growth - <ln|det J|>| over the first records; of a singular J both are -Infinity. */
const volumeErrorOf = (records: Float64Array, count: number, checked: number, volume: number): number => {
  let growth = 0;
  for (let k = 0; k < checked * count; k++) growth += records[k]!;
  return growth === volume ? 0 : Math.abs(growth - volume) / checked;
};

const summary = (
  records: Float64Array,
  count: number,
  taken: number,
  recordLength: number,
  state: Float64Array,
  { isAll, isCut, volumeError }: Pick<LyapunovSpectrum, 'isCut' | 'volumeError'> & { readonly isAll: boolean },
): LyapunovSpectrum => {
  const length = recordLength * taken;
  const half = taken >> 1;
  const halfWeights = bumpWeights(half);
  const weights = bumpWeights(taken);
  const means = Float64Array.from({ length: count }, (_, d) => columnMean(records, count, d, taken));
  const largest = means.reduce((top, mean) => (Number.isFinite(mean) ? Math.max(top, Math.abs(mean)) : top), 0);
  const floor = 1e-5 * largest + 1e-14;
  const estimates = Array.from(means, (mean, d) => {
    if (!Number.isFinite(mean)) return { exponent: mean, error: 0, isRegular: true };
    const one = weighted(records, count, d, 0, half, halfWeights);
    const two = weighted(records, count, d, taken - half, taken, halfWeights);
    const difference = Math.abs(one - two);
    return taken >= 8 && difference <= floor
      ? { exponent: weighted(records, count, d, 0, taken, weights), error: difference, isRegular: true }
      : { exponent: mean, error: blockError(records, count, d, taken), isRegular: false };
  });
  const sorted = estimates.toSorted((p, q) => q.exponent - p.exponent);
  const exponents = Float64Array.from(sorted, ({ exponent }) => exponent);
  const errors = Float64Array.from(sorted, ({ error }) => error);
  // A plain average of a bounded function is off by as much.
  const margin = (d: number): number =>
    sorted[d]!.isRegular ? Math.max(1e-12, 3 * errors[d]!, 1e-3 * floor) : Math.max(3 * errors[d]!, 3 / length);
  const places = Array.from(exponents, (exponent, d) => [exponent, margin(d)] as const);
  return {
    exponents,
    errors,
    isRegular: (sorted[0]?.isRegular ?? false) && !(exponents[0]! > margin(0)),
    positive: places.filter(([exponent, most]) => exponent > most).length,
    zero: places.filter(([exponent, most]) => Math.abs(exponent) <= most).length,
    // What is 0 within its error counts as 0: a cycle has one dimension.
    dimension: errors.includes(Infinity)
      ? null
      : kaplanYorkeDimension(
          places.map(([exponent, most]) => (Math.abs(exponent) <= most ? 0 : exponent)),
          isAll,
        ),
    entropyRate: places.reduce((total, [exponent, most]) => (exponent > most ? total + exponent : total), 0),
    length,
    volumeError,
    isCut,
    state,
  };
};
