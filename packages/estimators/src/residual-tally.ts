import { type Matrix, matrix } from '@drnn/tensor';

/** The bins of `histogram`. */
export const innovationBins = { from: -8, width: 0.25, count: 64 } as const;

/** Lags of the autocorrelation. */
export const lags = 20;
/** Beyond this a residual is drawn in before correlations are formed, so that single impulses do not decide them. */
const drawnIn = 4;

/** Bins of log |e|: half a percent each, from 1e-12 to 1e12. */
const binsAnUnit = 200;
const binOfOne = Math.round(12 * Math.LN10 * binsAnUnit);

/** Sums over residuals: their number does not matter to its size. */
export interface Tally {
  samples: number;
  /** Of e^2 and e^4. */
  square: number;
  fourth: number;
  readonly sizes: Float64Array;
  readonly histogram: Float64Array;
  readonly unitSquare: Float64Array;
  readonly unitSamples: Float64Array;
  /** By lag: of e_t e_(t+k), of their squares' mean, and their number. */
  readonly products: Float64Array;
  readonly powers: Float64Array;
  readonly pairs: Float64Array;
  /** The last rows of residuals, drawn in, row t at t modulo `lags`, with their frames. */
  readonly recent: Matrix;
  readonly recentFrames: Float64Array;
  rows: number;
}

/** Of nothing yet. */
export const newTally = (units: number): Tally => ({
  samples: 0,
  square: 0,
  fourth: 0,
  sizes: new Float64Array(2 * binOfOne + 1),
  histogram: new Float64Array(innovationBins.count),
  unitSquare: new Float64Array(units),
  unitSamples: new Float64Array(units),
  products: new Float64Array(lags),
  powers: new Float64Array(lags),
  pairs: new Float64Array(lags),
  recent: matrix(lags, units),
  recentFrames: new Float64Array(lags).fill(Number.NaN),
  rows: 0,
});

/** Adds residuals [row, unit], NaN where there is none; they are drawn in. */
export const addResiduals = (tally: Tally, residuals: Matrix, frameOf: (row: number) => number): void => {
  const { columns: units, data } = residuals;
  for (let i = 0; i < data.length; i++) {
    const e = data[i]!;
    if (Number.isNaN(e)) continue;
    const j = i % units;
    tally.samples++;
    tally.square += e * e;
    tally.fourth += e ** 4;
    tally.unitSquare[j]! += e * e;
    tally.unitSamples[j]!++;
    const bin = binOfOne + Math.round(Math.log(Math.abs(e)) * binsAnUnit);
    tally.sizes[Math.min(2 * binOfOne, Math.max(0, bin))]!++;
    const place = Math.floor((e - innovationBins.from) / innovationBins.width);
    tally.histogram[Math.min(innovationBins.count - 1, Math.max(0, place))]!++;
    data[i] = Math.min(drawnIn, Math.max(-drawnIn, e));
  }
  const { recent, recentFrames } = tally;
  for (let row = 0; row < residuals.rows; row++) {
    const now = data.subarray(row * units, (row + 1) * units);
    const frame = frameOf(row);
    for (let k = 1; k <= Math.min(lags, tally.rows); k++) {
      const slot = (tally.rows - k) % lags;
      if (frame - recentFrames[slot]! !== k) continue;
      addProducts(tally, k - 1, now, recent.data, slot * units);
    }
    const slot = tally.rows % lags;
    recent.data.set(now, slot * units);
    recentFrames[slot] = frame;
    tally.rows++;
  }
};

const addProducts = (tally: Tally, lag: number, now: Float64Array, before: Float64Array, at: number): void => {
  let [products, powers, pairs] = [0, 0, 0];
  for (let j = 0; j < now.length; j++) {
    const [a, b] = [now[j]!, before[at + j]!];
    if (Number.isNaN(a) || Number.isNaN(b)) continue;
    products += a * b;
    powers += (a * a + b * b) / 2;
    pairs++;
  }
  tally.products[lag]! += products;
  tally.powers[lag]! += powers;
  tally.pairs[lag]! += pairs;
};

/** The size that half of all residuals exceed. */
export const medianSize = ({ sizes, samples }: Tally): number => {
  let below = 0;
  for (let bin = 0; bin < sizes.length; bin++) {
    below += sizes[bin]!;
    if (below >= samples / 2) return Math.exp((bin - binOfOne) / binsAnUnit);
  }
  return 0;
};

/** The fraction of residuals beyond a size. */
export const fractionBeyond = ({ sizes, samples }: Tally, size: number): number => {
  const first = binOfOne + Math.log(size) * binsAnUnit;
  let count = 0;
  for (let bin = Math.max(0, Math.ceil(first)); bin < sizes.length; bin++) count += sizes[bin]!;
  return samples === 0 ? 0 : count / samples;
};
