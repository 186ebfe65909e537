import type { Transfer } from '@drnn/objectives';
import type { Model } from '@drnn/recordings';
import { fillMissing, type Gaps } from '@drnn/simulator';
import { DrnnError, mapMatrix, matrix, type Matrix, pointwise } from '@drnn/tensor';
import { observationsOf } from './fit-observations.js';
import type { Settings } from './fit-options.js';
import type { Session } from './session.js';

/** What a fitted network says of missing values. */
export interface Filling {
  /** [time, unit] in the recording's units; NaN where nothing is missing and where nothing can be said. */
  readonly values: Matrix;
  /** Fits whose predictions were taken. */
  readonly rounds: number;
  /** Root mean square change of the values in the last round, over the standard deviation of what was recorded. */
  readonly change: number;
}

const mostRounds = 3;
/** Below a thousandth of the standard deviation another round changes nothing that counts. */
const smallChange = 1e-3;

/** What a round needs to know of a fit. */
interface Fitted {
  readonly model: Omit<Model, 'record'>;
  readonly transfer: Transfer;
  readonly solution: { readonly status: string };
}

/**
 * Fills missing values with the predictions of the network that is fitted to them, in up to three rounds: a first fit
 * interpolates (or where that leaves nothing, repeats the value before), later ones take the values of the round before.
 * The fits see the same part of every trial as the fit that is scored, so that no held-out frame has a say.
 */
export const fillInRounds = async (
  session: Session,
  settings: Settings,
  fitWith: (how: Settings, filling: Filling | null) => Promise<Fitted>,
): Promise<Filling> => {
  const { rates } = session;
  const { observed, inputs, trials } = observationsOf(session, settings);
  const nothing = matrix(rates.rows, rates.columns, new Float64Array(rates.data.length).fill(Number.NaN));
  if (observed === undefined) return { values: nothing, rounds: 0, change: 0 };
  const gaps: Gaps = {
    rates,
    observed,
    ...(inputs === undefined ? {} : { inputs }),
    ...(trials === undefined ? {} : { trials }),
  };
  const spread = hasShapeOf(rates, observed) ? spreadOf(rates, observed) : 1;
  let filling: Filling | null = null;
  for (let round = 1; round <= mostRounds; round++) {
    const fitted: Fitted | null = await fitRound(settings, filling, hasShapeOf(rates, observed), fitWith);
    const values: Matrix =
      fitted === null ? repeated(gaps) : fillMissing(gaps, { ...fitted.model, transfer: inPlace(fitted.transfer) });
    const change: number = filling === null ? Infinity : changeOf(values, filling.values) / spread;
    filling = { values, rounds: round, change };
    if (change < smallChange || fitted?.solution.status === 'aborted' || fitted?.solution.status === 'device-lost')
      break;
  }
  return filling ?? { values: nothing, rounds: 0, change: 0 };
};

/** The fit of a round; null where interpolation leaves nothing to fit to. */
const fitRound = async (
  settings: Settings,
  filling: Filling | null,
  canRepeat: boolean,
  fitWith: (how: Settings, filling: Filling | null) => Promise<Fitted>,
): Promise<Fitted | null> => {
  const brief: Settings = {
    ...withoutIntervals(settings),
    refit: false,
    // What is filled asks for less than what is reported.
    ...(settings.estimator === 'calibrated' ? { effort: 'quick', choosing: 'none' } : {}),
  };
  if (filling !== null) return fitWith(brief, filling);
  try {
    return await fitWith({ ...brief, missing: 'interpolate' }, null);
  } catch (error) {
    // Whatever else is wrong will be said of the next fit.
    if (error instanceof DrnnError && canRepeat) return null;
    throw error;
  }
};

/** What is filled needs no intervals. */
const withoutIntervals = (settings: Settings): Settings => {
  const { intervals, ...others } = settings;
  return intervals === undefined ? settings : others;
};

const hasShapeOf = (a: Matrix, b: Matrix): boolean => a.rows === b.rows && a.columns === b.columns;

/** Each missing value as the last one seen in its trial: a network at rest. */
const repeated = (gaps: Gaps): Matrix => {
  const { columns } = gaps.rates;
  const zero = new Float64Array(columns);
  return fillMissing(
    { rates: gaps.rates, observed: gaps.observed, ...(gaps.trials === undefined ? {} : { trials: gaps.trials }) },
    {
      W: matrix(columns, columns),
      Win: matrix(columns, 0),
      inputLags: Int32Array.of(0),
      b: zero,
      alpha: zero,
      scale: zero.map(() => 1),
      offset: zero,
    },
  );
};

const inPlace = (transfer: Transfer) => {
  const expression = pointwise(({ z }) => transfer.transfer(z));
  return (currents: Float64Array): void => {
    currents.set(mapMatrix(expression, { z: matrix(1, currents.length, currents) }).data);
  };
};

/** Root mean square of differences where both say something. */
const changeOf = (a: Matrix, b: Matrix): number => {
  let [sum, count] = [0, 0];
  for (let i = 0; i < a.data.length; i++) {
    const difference = a.data[i]! - b.data[i]!;
    if (Number.isNaN(difference)) continue;
    sum += difference ** 2;
    count++;
  }
  return count === 0 ? 0 : Math.sqrt(sum / count);
};

/** Root mean square of observed values about the mean of their unit. */
const spreadOf = (rates: Matrix, observed: Matrix): number => {
  const { rows, columns } = rates;
  let [sum, count] = [0, 0];
  for (let j = 0; j < columns; j++) {
    let [total, seen] = [0, 0];
    for (let t = 0; t < rows; t++) {
      if (observed.data[t * columns + j] === 0) continue;
      total += rates.data[t * columns + j]!;
      seen++;
    }
    for (let t = 0; t < rows; t++) {
      if (observed.data[t * columns + j] !== 0) sum += (rates.data[t * columns + j]! - total / seen) ** 2;
    }
    count += seen;
  }
  return Math.sqrt(sum / count) || 1;
};
