import {
  dynamicalSimilarity,
  linearCka,
  linearDynamics,
  powerSpectrumError,
  predictionHorizon,
  procrustes,
  stateSpaceDivergence,
  svcca,
} from '@drnn/comparison';
import type { Model } from '@drnn/recordings';
import { firstNonFinite, type Matrix, rowRange } from '@drnn/tensor';
import { predict } from './predict.js';

/** How the activity of a model in closed loop is like what was recorded; null where it could not be measured. */
export interface ActivityMeasures {
  /** Jensen and Shannon's divergence of the states: of mixtures, or of histograms up to five units. At most ln 2. */
  readonly stateSpaceDivergence: number | null;
  /** The mean over units of the Hellinger distance of power spectra. */
  readonly powerSpectrumError: number | null;
  /** Median steps until a prediction is off by 0.4 of the spread of the activity, from 60 frames of the last third. */
  readonly predictionHorizon: number | null;
  /** The angle between linear maps of one step, the inputs taken into account; null where they explain less than half. */
  readonly dynamicalSimilarity: number | null;
  /** Likeness of form, row by row. Blind to dynamics: the same states in another order are alike. */
  readonly shape: { readonly cka: number; readonly svcca: number; readonly procrustes: number } | null;
}

const STARTS = 60;
const MOST_STEPS = 500;
const MOST_DIMENSIONS = 10;

/** A model in closed loop from each start. */
export const activityMeasures = (model: Model, recording: Matrix, inputs: Matrix | null): ActivityMeasures | null => {
  const needed = model.Win.columns / model.inputLags.length;
  const first = needed === 0 ? 0 : model.inputLags.reduce((most, lag) => Math.max(most, lag), 0);
  const frames = inputs === null ? recording.rows : Math.min(recording.rows, inputs.rows + 1);
  const steps = frames - 1 - first;
  const canRun =
    model.form !== 'current' &&
    (needed === 0 || inputs?.columns === needed) &&
    steps >= 2 * STARTS &&
    firstNonFinite(recording.data) < 0;
  if (!canRun) return null;
  const given = needed === 0 || inputs === null ? {} : { inputs };
  const seen = rowRange(recording, first, first + steps + 1);
  const run = predict(model, recording, { start: first, steps, ...given });
  const divergence = stateSpaceDivergence(seen, run, { most: 1000 });

  const length = Math.min(MOST_STEPS, Math.floor(steps / 3));
  const from = first + steps - Math.floor(steps / 3) - length;
  const starts = Array.from({ length: STARTS }, (_, k) => Math.max(first, from) + Math.floor((k * steps) / 3 / STARTS));
  const [horizon] = predictionHorizon(
    starts.map((start) => rowRange(recording, start, start + length + 1)),
    starts.map((start) => predict(model, recording, { start, steps: length, ...given })),
    { thresholds: [0.4] },
  );

  const driven = inputs === null ? {} : { inputs: rowRange(inputs, first, first + steps) };
  // As many dimensions as the recording fills: further ones are noise in one of the two.
  const whole = linearDynamics(seen, driven);
  const own = whole.rank <= MOST_DIMENSIONS ? whole : linearDynamics(seen, { rank: MOST_DIMENSIONS, ...driven });
  const isStill = run.data.every((value, k) => value === run.data[k % run.columns]);
  const other = isStill ? null : linearDynamics(run, { rank: own.rank, ...driven });
  const isExplained = other !== null && own.r2 >= 0.5 && other.r2 >= 0.5 && own.rank === other.rank;
  return {
    stateSpaceDivergence: (divergence.mixture ?? divergence.histogram).jensenShannon,
    powerSpectrumError: powerSpectrumError(seen, run).mean,
    predictionHorizon: horizon?.median ?? null,
    dynamicalSimilarity: isExplained ? dynamicalSimilarity(own.A, other.A).angle : null,
    shape: isStill
      ? null
      : { cka: linearCka(seen, run), svcca: svcca(seen, run).mean, procrustes: procrustes(seen, run).distance },
  };
};
