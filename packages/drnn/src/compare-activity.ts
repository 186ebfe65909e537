import {
  dynamicalSimilarity,
  linearCka,
  linearDynamics,
  linearNetwork,
  powerSpectrumError,
  predictionHorizon,
  procrustes,
  stateSpaceDivergence,
  svcca,
} from '@drnn/comparison';
import type { Model } from '@drnn/recordings';
import { randomStream, uniform } from '@drnn/simulator';
import { firstNonFinite, type Matrix, matrix, rowRange } from '@drnn/tensor';
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

/** Runs on from a recorded frame, without noise: `[steps + 1, unit]`. */
type Runner = (start: number, steps: number) => Matrix;

/** Which frames of a recording are run, and what drives them. */
interface Stretch {
  readonly recording: Matrix;
  readonly inputs: Matrix | null;
  readonly first: number;
  readonly steps: number;
}

/** What a model can be run beside; null where it cannot. */
const stretchOf = (model: Model, recording: Matrix, inputs: Matrix | null): Stretch | null => {
  const needed = model.Win.columns / model.inputLags.length;
  const first = needed === 0 ? 0 : model.inputLags.reduce((most, lag) => Math.max(most, lag), 0);
  const frames = inputs === null ? recording.rows : Math.min(recording.rows, inputs.rows + 1);
  const steps = frames - 1 - first;
  const canRun =
    model.form !== 'current' &&
    (needed === 0 || inputs?.columns === needed) &&
    steps >= 2 * STARTS &&
    firstNonFinite(recording.data) < 0;
  return canRun ? { recording, inputs, first, steps } : null;
};

/** A model in closed loop from each start. */
export const activityMeasures = (model: Model, recording: Matrix, inputs: Matrix | null): ActivityMeasures | null => {
  const stretch = stretchOf(model, recording, inputs);
  const given = model.Win.columns === 0 || inputs === null ? {} : { inputs };
  return stretch === null
    ? null
    : measuresOf(stretch, (start, steps) => predict(model, recording, { start, steps, ...given }));
};

/** What frames in any order reach, and the linear network that fits the recording best. */
export interface ActivityFloors {
  readonly time: ActivityMeasures;
  /** Null where it grows without bound, or there are too few frames. */
  readonly linear: ActivityMeasures | null;
}

/**
 * Chance levels of activity, on the frames that the model is run beside. Frames in another order have all states and no
 * dynamics. The linear network r+ = A r + B u + c, by least squares on the same recording, has what needs no attractor but
 * one: what it reaches is no merit of a nonlinear fit.
 */
export const activityFloors = (
  model: Model,
  recording: Matrix,
  inputs: Matrix | null,
  seed: number,
): ActivityFloors | null => {
  const stretch = stretchOf(model, recording, inputs);
  if (stretch === null) return null;
  const order = Int32Array.from({ length: recording.rows }, (_, t) => t);
  const generator = randomStream(seed, 'shuffled time')(0);
  for (let t = recording.rows - 1; t > 0; t--) {
    const from = Math.floor(uniform(generator) * (t + 1));
    [order[t], order[from]] = [order[from]!, order[t]!];
  }
  const { columns: n, data } = recording;
  const inAnyOrder: Runner = (start, steps) => {
    const run = matrix(steps + 1, n);
    for (let t = 0; t <= steps; t++) {
      const frame = t === 0 ? start : order[start + t]!;
      run.data.set(data.subarray(frame * n, (frame + 1) * n), t * n);
    }
    return run;
  };
  const linear = linearNetwork(recording, inputs, stretch);
  return {
    // Frames in any order have the same distribution: no divergence is no merit.
    time: { ...measuresOf(stretch, inAnyOrder), stateSpaceDivergence: null },
    linear: linear === null ? null : { ...measuresOf(stretch, linear.run), dynamicalSimilarity: null },
  };
};

const measuresOf = ({ recording, inputs, first, steps }: Stretch, runFrom: Runner): ActivityMeasures => {
  const seen = rowRange(recording, first, first + steps + 1);
  const run = runFrom(first, steps);
  const divergence = stateSpaceDivergence(seen, run, { most: 1000 });

  const length = Math.min(MOST_STEPS, Math.floor(steps / 3));
  const from = first + steps - Math.floor(steps / 3) - length;
  const starts = Array.from({ length: STARTS }, (_, k) => Math.max(first, from) + Math.floor((k * steps) / 3 / STARTS));
  const [horizon] = predictionHorizon(
    starts.map((start) => rowRange(recording, start, start + length + 1)),
    starts.map((start) => runFrom(start, length)),
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
