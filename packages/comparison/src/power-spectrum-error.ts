import { firstNonFinite, type Matrix, refuse } from '@drnn/tensor';
import { powerSpectrum } from './fourier.js';

export interface PowerSpectrumErrorOptions {
  /** Standard deviation of the Gaussian that spectra are smoothed with, in bins; 0 for none. Default max(1, 0.002 T). */
  readonly smoothing?: number;
}

export interface PowerSpectrumError {
  /** The mean over units of the Hellinger distance, in [0, 1]. */
  readonly mean: number;
  readonly units: Float64Array;
}

/** Smoothed with a Gaussian cut at six standard deviations (at four the tails of distant lines are lost), mirrored at its ends, its sum made 1. */
const smoothed = (power: Float64Array, sd: number): Float64Array => {
  const n = power.length;
  const result = new Float64Array(n);
  if (sd === 0) result.set(power);
  else {
    const radius = Math.ceil(6 * sd);
    const kernel = Float64Array.from({ length: radius + 1 }, (_, d) => Math.exp((-d * d) / (2 * sd * sd)));
    const period = 2 * n;
    for (let k = 0; k < n; k++) {
      let sum = 0;
      for (let d = -radius; d <= radius; d++) {
        const at = (((k + d) % period) + period) % period;
        sum += kernel[Math.abs(d)]! * power[at < n ? at : period - 1 - at]!;
      }
      result[k] = sum;
    }
  }
  const total = result.reduce((sum, value) => sum + value, 0);
  return total === 0 ? result : result.map((value) => value / total);
};

const spectrumOf = ({ rows, columns, data }: Matrix, unit: number, sd: number): Float64Array => {
  const x = Float64Array.from({ length: rows }, (_, t) => data[t * columns + unit]!);
  const mean = x.reduce((sum, value) => sum + value, 0) / rows;
  // A z-score's scale cancels in the normalised spectrum; without its mean a constant has no power at all.
  return smoothed(powerSpectrum(x.map((value) => value - mean)), sd);
};

/**
 * How far the power spectra of two recordings `[time, unit]` are apart: of every unit |FFT|^2, smoothed and normalised, and
 * the Hellinger distance sqrt(1 - sum sqrt(p q)). Two lines d bins apart, smoothed with sd, are sqrt(1 - exp(-d^2 / (8
 * sd^2))) apart. Of a unit that does not vary in one of the two it is 1. Both are cut to the shorter one. Cost N T log T.
 * Errors: other units; fewer than two times. Source: Hess et al. 2023.
 */
export const powerSpectrumError = (
  reference: Matrix,
  model: Matrix,
  options: PowerSpectrumErrorOptions = {},
): PowerSpectrumError => {
  const rows = Math.min(reference.rows, model.rows);
  refuse([
    ...(reference.columns === model.columns
      ? []
      : [{ path: 'model', seen: `${model.columns} units`, expected: `${reference.columns}, as the reference` }]),
    ...(rows >= 2 ? [] : [{ path: 'reference, model', seen: `${rows} times`, expected: 'at least 2' }]),
    ...([reference, model].every(({ data }) => firstNonFinite(data) < 0)
      ? []
      : [{ path: 'reference, model', seen: 'NaN or infinity', expected: 'finite numbers' }]),
  ]);
  const sd = options.smoothing ?? Math.max(1, 0.002 * rows);
  const cut = (a: Matrix): Matrix => ({ ...a, rows });
  const units = Float64Array.from({ length: reference.columns }, (_, unit) => {
    const [p, q] = [spectrumOf(cut(reference), unit, sd), spectrumOf(cut(model), unit, sd)];
    const isFlat = (power: Float64Array): boolean => power.every((value) => value === 0);
    if (isFlat(p) || isFlat(q)) return isFlat(p) && isFlat(q) ? 0 : 1;
    // 1 - sum sqrt(p q), without the digits that this subtraction loses for spectra that are alike.
    let sum = 0;
    for (let k = 0; k < p.length; k++) sum += (Math.sqrt(p[k]!) - Math.sqrt(q[k]!)) ** 2;
    return Math.sqrt(sum / 2);
  });
  return { mean: units.reduce((sum, value) => sum + value, 0) / units.length, units };
};
