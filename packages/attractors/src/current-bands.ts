import { type Matrix, refuse } from '@drnn/tensor';
import type { AttractorNetwork } from './network.js';
import { type PopulationCurrent, populationCurrents, type PopulationCurrentsOptions } from './population-currents.js';

export interface CurrentBandsOptions extends PopulationCurrentsOptions {
  /** The part of the draws that a band holds. Default .9: its ends are told well by a hundred draws. */
  readonly level?: number;
}

/** Between these a quantity lies in the middle part of the draws, half of them below `median`. */
export interface Band {
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
}

/** How far the current from one source into one population hangs on which of the draws is taken. */
export interface CurrentBand extends Pick<PopulationCurrent, 'source' | 'target'> {
  readonly share: Band;
  readonly size: Band;
  /** Of the mean current over the units of the target, `[time]` each. */
  readonly mean: Readonly<Record<keyof Band, Float64Array>>;
}

/**
 * `populationCurrents` over an ensemble: networks that explain the same recording as well as each other, as draws from the
 * posterior of a fit (`posteriorDraws` of @drnn/estimators) or fits to several sessions of the same units. A share whose
 * band holds 0 is no finding. Bands are pointwise quantiles, linear between neighbours. Cost that of `populationCurrents`
 * for each network; memory two numbers a frame, source, target and network. Errors: fewer than two networks; a level
 * outside (0, 1); those of `populationCurrents`.
 */
export const currentBands = (
  draws: readonly AttractorNetwork[],
  rates: Matrix,
  { level = 0.9, ...options }: CurrentBandsOptions,
): readonly CurrentBand[] => {
  refuse([
    ...(draws.length >= 2 ? [] : [{ path: 'draws', seen: `${draws.length} networks`, expected: 'at least two' }]),
    ...(level > 0 && level < 1 ? [] : [{ path: 'level', seen: `${level}`, expected: 'a part between 0 and 1' }]),
  ]);
  const found = draws.map((network) =>
    populationCurrents(network, rates, options).currents.map(({ source, target, share, size, current }) => {
      return { source, target, share, size, mean: meanOverUnits(current) };
    }),
  );
  const band = bandOf(level);
  return (found[0] ?? []).map(({ source, target }, k) => {
    const each = found.flatMap((currents) => currents.slice(k, k + 1));
    const mean = {
      lower: new Float64Array(rates.rows),
      median: new Float64Array(rates.rows),
      upper: new Float64Array(rates.rows),
    };
    for (let t = 0; t < rates.rows; t++) {
      const at = band(each.map((current) => current.mean[t]!));
      mean.lower[t] = at.lower;
      mean.median[t] = at.median;
      mean.upper[t] = at.upper;
    }
    return {
      source,
      target,
      share: band(each.map(({ share }) => share)),
      size: band(each.map(({ size }) => size)),
      mean,
    };
  });
};

const meanOverUnits = ({ rows, columns, data }: Matrix): Float64Array => {
  const result = new Float64Array(rows);
  for (let t = 0, i = 0; t < rows; t++) for (let k = 0; k < columns; k++, i++) result[t]! += data[i]! / columns;
  return result;
};

/** The quantiles that leave the same part out on both sides. */
const bandOf =
  (level: number) =>
  (values: readonly number[]): Band => {
    const sorted = Float64Array.from(values).sort();
    const quantile = (part: number): number => {
      const at = part * (sorted.length - 1);
      const below = Math.floor(at);
      const [low, high] = [sorted[below]!, sorted[Math.min(below + 1, sorted.length - 1)]!];
      return low + (at - below) * (high - low);
    };
    return { lower: quantile((1 - level) / 2), median: quantile(0.5), upper: quantile((1 + level) / 2) };
  };
