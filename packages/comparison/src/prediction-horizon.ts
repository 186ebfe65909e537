import { type Matrix, refuse } from '@drnn/tensor';

export interface PredictionHorizon {
  readonly threshold: number;
  /** The median over runs of the first step whose error is above the threshold; the length of the runs where most never are. */
  readonly median: number;
  /** Runs that stayed below it to their end: their horizon is at least their length. */
  readonly censored: number;
  readonly runs: number;
}

export interface PredictionHorizonOptions {
  /** Normalised errors. Default 0.1, 0.4 and 0.5. */
  readonly thresholds?: readonly number[];
  /** sqrt <|r - <r>|^2> of the activity, which errors are divided by. Default that of all frames of `truth`. */
  readonly spread?: number;
}

/** sqrt <|r - <r>|^2> over all frames. */
const spreadOf = (runs: readonly Matrix[]): number => {
  const units = runs[0]?.columns ?? 0;
  const count = runs.reduce((sum, { rows }) => sum + rows, 0);
  const mean = new Float64Array(units);
  for (const { data } of runs) for (let k = 0; k < data.length; k++) mean[k % units]! += data[k]! / count;
  let square = 0;
  for (const { data } of runs)
    for (let k = 0; k < data.length; k++) square += (data[k]! - mean[k % units]!) ** 2 / count;
  return Math.sqrt(square);
};

/**
 * For how many steps predictions hold: e(t) = |r^ - r| / sqrt <|r - <r>|^2>, and the first t at which it is above a
 * threshold, the median over runs. Row 0 of each run is the state it starts from. In chaos with largest exponent lambda a
 * perfect model with an error e0 at the start holds for about ln(threshold / e0) / lambda. Errors: no runs; runs of other
 * shapes than what they predict; activity that does not vary.
 */
export const predictionHorizon = (
  truth: readonly Matrix[],
  predicted: readonly Matrix[],
  options: PredictionHorizonOptions = {},
): readonly PredictionHorizon[] => {
  const wrong = truth.findIndex(
    ({ rows, columns }, k) =>
      rows !== predicted[k]?.rows || columns !== predicted[k].columns || columns !== truth[0]?.columns,
  );
  refuse([
    ...(truth.length > 0 && truth.length === predicted.length
      ? []
      : [{ path: 'predicted', seen: `${predicted.length} runs`, expected: `${truth.length}, at least one` }]),
    ...(wrong < 0
      ? []
      : [{ path: `predicted[${wrong}]`, seen: 'another shape', expected: 'that of the run it predicts' }]),
  ]);
  const spread = options.spread ?? spreadOf(truth);
  refuse(spread > 0 ? [] : [{ path: 'spread', seen: `${spread}`, expected: 'activity that varies' }]);
  const errors = truth.map(({ rows, columns, data }, k) =>
    Float64Array.from({ length: rows }, (_, t) => {
      let sum = 0;
      for (let i = t * columns; i < (t + 1) * columns; i++) sum += (data[i]! - predicted[k]!.data[i]!) ** 2;
      return Math.sqrt(sum) / spread;
    }),
  );
  return (options.thresholds ?? [0.1, 0.4, 0.5]).map((threshold) => {
    // What is no number was predicted to be beyond all bounds.
    const ends = errors.map((error) => error.findIndex((value) => !(value <= threshold)));
    const horizons = ends.map((end, k) => (end < 0 ? errors[k]!.length - 1 : end)).toSorted((p, q) => p - q);
    const low = horizons[(horizons.length - 1) >> 1] ?? 0;
    const high = horizons[horizons.length >> 1] ?? 0;
    return { threshold, median: (low + high) / 2, censored: ends.filter((end) => end < 0).length, runs: truth.length };
  });
};
