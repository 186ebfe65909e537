import { randomStream, uniform } from '@drnn/simulator';
import { failure, firstNonFinite } from '@drnn/tensor';

export interface ZeroOneOptions {
  /** Every so many samples are taken; a series that changes slowly must be thinned. Default: until the autocorrelation first falls to 0. */
  readonly every?: number;
  /** Frequencies. Default 100. */
  readonly frequencies?: number;
  /** Default 1. */
  readonly seed?: number;
}

const MOST_SAMPLES = 2000;
const LEAST_SAMPLES = 200;

/** The lag at which the autocorrelation of a series about its mean is first not positive; 1 at least. */
const decorrelated = (x: Float64Array): number => {
  for (let lag = 1; lag < x.length >> 2; lag++) {
    let sum = 0;
    for (let t = 0; t + lag < x.length; t++) sum += x[t]! * x[t + lag]!;
    if (sum <= 0) return lag;
  }
  return Math.max(1, x.length >> 2);
};

/** Pearson's correlation of `values` with 1, 2, ... */
const trend = (values: Float64Array): number => {
  const n = values.length;
  const middle = (n + 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  let both = 0;
  let times = 0;
  let squares = 0;
  for (let k = 0; k < n; k++) {
    const t = k + 1 - middle;
    both += t * (values[k]! - mean);
    times += t * t;
    squares += (values[k]! - mean) ** 2;
  }
  return squares > 0 ? both / Math.sqrt(times * squares) : 0;
};

/**
 * The 0-1 test for chaos of a series without noise (Gottwald and Melbourne 2009): near 0 where it is regular, near 1 where
 * it is chaotic. For random frequencies c the series drives p + iq = sum x_t e^{ict}; its mean square displacement,
 * less the part that oscillates, grows with time in chaos only, and K is the median over c of its correlation with time.
 * Values between are no answer: the series is short, or thinned too little. Cost 0.1 T^2 for each c, T <= 2000. Errors: fewer
 * than 200 samples, values that are not finite.
 */
export const zeroOneTest = (series: ArrayLike<number>, options: ZeroOneOptions = {}): number => {
  if (firstNonFinite(series) >= 0 || series.length < LEAST_SAMPLES) {
    throw failure({
      path: 'series',
      seen: `${series.length} samples`,
      expected: `${LEAST_SAMPLES} finite samples or more`,
    });
  }
  const whole = Float64Array.from(series);
  const centre = whole.reduce((sum, value) => sum + value, 0) / whole.length;
  for (let t = 0; t < whole.length; t++) whole[t]! -= centre;
  const every = options.every ?? Math.min(decorrelated(whole), Math.floor(whole.length / LEAST_SAMPLES));
  const x = Float64Array.from(
    { length: Math.min(MOST_SAMPLES, Math.floor(whole.length / every)) },
    (_, t) => whole[t * every]!,
  );
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const lags = Math.floor(x.length / 10);
  const window = x.length - lags;
  const generator = randomStream(options.seed ?? 1, 'zero-one')(0);
  const p = new Float64Array(x.length + 1);
  const q = new Float64Array(x.length + 1);
  const displacement = new Float64Array(lags);
  const results = Array.from({ length: options.frequencies ?? 100 }, () => {
    // Away from 0 and pi, where every series resonates.
    const c = Math.PI * (0.2 + 0.6 * uniform(generator));
    for (let t = 0; t < x.length; t++) {
      p[t + 1] = p[t]! + x[t]! * Math.cos(c * (t + 1));
      q[t + 1] = q[t]! + x[t]! * Math.sin(c * (t + 1));
    }
    for (let lag = 1; lag <= lags; lag++) {
      let sum = 0;
      for (let t = 0; t < window; t++) sum += (p[t + lag]! - p[t]!) ** 2 + (q[t + lag]! - q[t]!) ** 2;
      displacement[lag - 1] = sum / window - (mean * mean * (1 - Math.cos(lag * c))) / (1 - Math.cos(c));
    }
    return trend(displacement);
  }).toSorted((a, b) => a - b);
  return (results[(results.length - 1) >> 1]! + results[results.length >> 1]!) / 2;
};
