import { formatSeconds } from './numbers.js';
import type { Score, Scores } from './report-data.js';

/** A score of the model with those of trivial predictors on the same samples. */
export interface Comparison {
  readonly name: string;
  /** The same as part of a sentence. */
  readonly phrase: string;
  readonly model: Score;
  readonly baselines: readonly { readonly name: string; readonly score: Score }[];
}

/** All scores with their baselines, from the easiest prediction to the hardest. */
export const comparisons = (scores: Scores, samplingInterval: number | null): readonly Comparison[] => [
  {
    name: 'One step ahead',
    phrase: 'one step ahead',
    model: scores.oneStep,
    baselines: [
      { name: 'persistence', score: scores.baseline.oneStep.persistence },
      { name: 'autoregression', score: scores.baseline.oneStep.autoregression },
    ],
  },
  {
    name: 'Drive',
    phrase: 'for the drive',
    model: scores.drive,
    baselines: [{ name: 'training mean', score: scores.baseline.drive.mean }],
  },
  ...scores.closedLoop.map((score) => {
    const persistence = scores.baseline.closedLoop.persistence.find(({ horizon }) => horizon === score.horizon);
    const lead = leadOf(score.horizon, samplingInterval);
    return {
      name: `Closed loop, ${lead}`,
      phrase: `in closed loop after ${lead}`,
      model: score,
      baselines: persistence === undefined ? [] : [{ name: 'persistence', score: persistence }],
    };
  }),
];

const leadOf = (frames: number, samplingInterval: number | null): string => {
  const text = `${frames}\u00a0${frames === 1 ? 'frame' : 'frames'}`;
  return samplingInterval !== null && Number.isFinite(samplingInterval)
    ? `${text} (${formatSeconds(frames * samplingInterval, true)})`
    : text;
};

/** One sentence for each score, pooled or median, that a trivial predictor beats or equals. */
export const shortcomings = (all: readonly Comparison[]): readonly string[] =>
  all.flatMap(({ phrase, model, baselines }) =>
    baselines.flatMap(({ name, score }) => {
      const pooled = model.pooled <= score.pooled;
      const median = model.median <= score.median;
      if (!pooled && !median) return [];
      const which = pooled && median ? 'pooled and median' : pooled ? 'pooled' : 'median';
      return [`The model predicts no better than ${name} ${phrase} (${which} R²).`];
    }),
  );
