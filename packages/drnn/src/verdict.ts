import { ridgeOf } from '@drnn/objectives';
import type { Fit } from './fit.js';

type Judged = Omit<Fit, 'warnings' | 'verdict' | 'summary'>;

/** More digits near 1, so that nothing short of all is called all. */
const percent = (x: number): string => (x > 0.9995 && x < 1 ? 'more than 99.9%' : `${(100 * x).toFixed(1)}%`);
const r2 = (x: number): string => (!Number.isFinite(x) ? 'not available' : x > 0.9995 ? x.toFixed(6) : x.toFixed(3));

/** Sentences a reader must see before the numbers. */
export const warningsOf = (fit: Judged): readonly string[] => {
  const said: string[] = [];
  const { solution, scaling, scores } = fit;
  if (solution.status !== 'converged') {
    said.push(
      `The fit did not converge (${solution.status}): residual ${solution.residual.toExponential(1)}, relative error of the weights about ${solution.thetaErrorBound.toExponential(1)}.${solution.status === 'precision-floor' && !fit.settings.polish ? ' Mixed precision can do no more; with polish it goes on in float64.' : ''}`,
    );
  }
  const predictors = fit.units + fit.model.Win.columns;
  if (fit.samples < predictors) {
    said.push(
      `There are fewer transitions (${fit.samples}) than predictors (${predictors}): many networks fit these data equally well, and the ridge chooses among them. If the rows of the file are units, say layout unit-time.`,
    );
  }
  const clipped = Math.max(scaling.outsideAfter, fit.targetsClipped / (fit.samples * fit.units));
  if (clipped > 0.01) {
    said.push(
      `${percent(clipped)} of the targets lie outside the range of the transfer function, or at its very ends, and are clipped to it; another alpha, scale or loss may suit these data better.`,
    );
  }
  const { condition, effectiveDirections, predictors: directions } = fit.identifiability;
  if (ridgeOf(fit.objective.penalty) === 0 && !(condition < 1 / (directions * Number.EPSILON))) {
    said.push(
      'Some weights are not determined by the data, and there is no ridge to choose: other networks fit as well.',
    );
  } else if (effectiveDirections < directions / 2) {
    said.push(
      `The ridge outweighs the data in most directions (the data determine ${effectiveDirections.toFixed(1)} of ${directions}): the weights are too small. A smaller ridge, or scale quantile for activity in small units, helps.`,
    );
  }
  const noise = fit.observationNoise;
  if (noise !== null && noise.slope < 0.9) {
    said.push(
      `Noise on the record itself: errors of successive predictions are anticorrelated (${noise.autocorrelation.toFixed(2)}), as such noise makes them; it would be ${percent(noise.share)} of the variance of the activity, and the weights about ${noise.slope > 0.05 ? noise.slope.toFixed(2) : 'a small part'} of their size. Read weights relative to each other, not as sizes.`,
    );
  }
  if (scores !== null) said.push(...belowBaseline(scores));
  if (scores !== null && (scores.closedLoop.at(-1)?.horizon ?? 0) < fit.horizon) {
    said.push(
      `No held-out stretch is as long as ${fit.horizon} frames, so that the closed loop is not scored that far.`,
    );
  }
  return said;
};

const belowBaseline = ({ oneStep, drive, closedLoop, baseline }: NonNullable<Fit['scores']>): readonly string[] => {
  const said: string[] = [];
  const compare = (what: string, ours: number, name: string, theirs: number): void => {
    if (ours === -Infinity) said.push(`${what}: the network diverged.`);
    else if (ours < theirs) said.push(`${what}: R2 ${r2(ours)} is below that of ${name} (${r2(theirs)}).`);
  };
  compare('One step ahead', oneStep.pooled, 'persistence', baseline.oneStep.persistence.pooled);
  compare('One step ahead', oneStep.pooled, 'each unit predicting itself', baseline.oneStep.autoregression.pooled);
  compare('Drive', drive.pooled, 'the training mean', baseline.drive.mean.pooled);
  closedLoop.forEach((score, i) => {
    const persistence = baseline.closedLoop.persistence[i];
    if (persistence === undefined) return;
    compare(`Closed loop after ${score.horizon} frames`, score.pooled, 'persistence', persistence.pooled);
    if (score.pooled < 0 && score.pooled > -Infinity) {
      said.push(
        `Closed loop after ${score.horizon} frames: R2 ${r2(score.pooled)} is worse than predicting the training mean.`,
      );
    }
  });
  return said;
};

/** One honest sentence on what the scores mean. */
export const verdictOf = ({ scores, settings, solution }: Judged): string => {
  const state = solution.status === 'converged' ? 'The optimum was reached' : `The fit ended as ${solution.status}`;
  if (scores === null) {
    const why = settings.holdout > 0 ? 'it was not scored' : 'nothing was held out';
    return `${state}; ${why}, so that nothing is known of how well it predicts.`;
  }
  const { oneStep, drive, baseline } = scores;
  const best = Math.max(baseline.oneStep.persistence.pooled, baseline.oneStep.autoregression.pooled);
  const gained = 1 - (1 - oneStep.pooled) / (1 - best);
  const ahead = !Number.isFinite(gained)
    ? 'one step ahead nothing can be said'
    : gained > 0.02
      ? `one step ahead it removes ${percent(gained)} of the error of the better trivial predictor`
      : gained >= 0
        ? 'one step ahead it is hardly better than a trivial predictor'
        : 'one step ahead it is worse than a trivial predictor';
  const share =
    drive.pooled > 0
      ? `it explains ${percent(drive.pooled)} of the held-out drive`
      : 'it explains none of the held-out drive';
  return `${state}; ${share}, and ${ahead} (R2 ${r2(oneStep.pooled)} against ${r2(best)}).`;
};
