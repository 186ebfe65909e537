import type { Observations } from '@drnn/simulator';
import { type Issue, matrix, type Matrix, refuse } from '@drnn/tensor';
import { alphaOf, type Settings } from './fit-options.js';
import { combineTrials, joinInputs, type Session } from './session.js';

/**
 * A session as the inversion to targets needs it: alpha, trials, inputs, and a mask in which bad frames are missing in
 * every unit. `filled` [time, unit] holds what a model says of missing values, with `missing` model.
 */
export const observationsOf = (session: Session, settings: Settings, filled?: Matrix): Observations => {
  const trials = combineTrials(session.trials, settings.trials, session.rates.rows);
  const observed = withoutBadFrames(settings.observed, settings.badFrames, session.rates);
  return {
    rates: session.rates,
    alpha: alphaOf(settings, session.samplingInterval),
    missing: settings.missing,
    form: settings.form,
    ...(settings.settle === undefined ? {} : { settle: settings.settle }),
    ...(settings.inputs === undefined ? {} : { inputs: joinInputs(settings.inputs, session.lengths) }),
    ...(settings.inputLags === undefined ? {} : { inputLags: settings.inputLags }),
    ...(trials === undefined ? {} : { trials }),
    ...(observed === undefined ? {} : { observed }),
    ...(filled === undefined ? {} : { filled }),
  };
};

/** The mask with 0 in all units of bad frames. */
const withoutBadFrames = (
  observed: Matrix | undefined,
  badFrames: ArrayLike<number> | undefined,
  rates: Matrix,
): Matrix | undefined => {
  if (badFrames === undefined) return observed;
  const issues: Issue[] = [];
  if (badFrames.length !== rates.rows) {
    issues.push({ path: 'badFrames', seen: `[time=${badFrames.length}]`, expected: `[time=${rates.rows}]` });
  }
  const wrong = Array.from(badFrames).findIndex((bad) => bad !== 0 && bad !== 1);
  if (wrong >= 0)
    issues.push({ path: 'badFrames', seen: `${badFrames[wrong]} at frame ${wrong}`, expected: '0 (good) or 1 (bad)' });
  refuse(issues);
  const result = observed === undefined ? null : matrix(observed.rows, observed.columns, observed.data.slice());
  const mask = result ?? matrix(rates.rows, rates.columns, new Float64Array(rates.data.length).fill(1));
  for (let t = 0; t < badFrames.length; t++) {
    if (badFrames[t] === 1) mask.data.fill(0, t * mask.columns, (t + 1) * mask.columns);
  }
  return mask;
};

/**
 * Connections with a column for every input at every lag. A mask with one column an input holds at all of its lags;
 * a mask that already has them all is returned itself.
 */
export const connectionsAtLags = (connections: Matrix, units: number, lags: number, inputColumns: number): Matrix => {
  const inputs = connections.columns - units;
  if (lags === 1 || inputs * lags !== inputColumns) return connections;
  const result = matrix(connections.rows, units + inputColumns);
  for (let j = 0; j < connections.rows; j++) {
    const row = connections.data.subarray(j * connections.columns, (j + 1) * connections.columns);
    result.data.set(row.subarray(0, units), j * result.columns);
    for (let k = 0; k < lags; k++) result.data.set(row.subarray(units), j * result.columns + units + k * inputs);
  }
  return result;
};
