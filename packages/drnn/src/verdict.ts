import { ridgeOf } from '@drnn/objectives';
import { lossSentence } from './backends/hardware.js';
import type { Fit } from './fitted.js';
import { reachedOf, ridgeNames, standardErrors } from './reached.js';

type Judged = Omit<Fit, 'warnings' | 'verdict' | 'summary'>;

/** More digits near 1, so that nothing short of all is called all. */
const percent = (x: number): string => (x > 0.9995 && x < 1 ? 'more than 99.9%' : `${(100 * x).toFixed(1)}%`);
const r2 = (x: number): string => (!Number.isFinite(x) ? 'not available' : x > 0.9995 ? x.toFixed(6) : x.toFixed(3));

/** Sentences a reader must see before the numbers. */
export const warningsOf = (fit: Judged): readonly string[] => {
  const said: string[] = [];
  const { solution, scaling, scores, calibration } = fit;
  if (fit.deviceLost !== null) said.push(`${lossSentence(fit.deviceLost)} It said: ${fit.deviceLost.reason}`);
  if (solution.status !== 'converged' && calibration !== null) {
    const last = calibration.rounds.at(-1);
    said.push(
      `The fit did not converge (${solution.status}): ${last === undefined ? 'no round was done' : `the worst unit is ${standardErrors(last.remaining.worst)} standard errors from the optimum of the last round`}.`,
    );
  } else if (solution.status !== 'converged') {
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
  if (clipped > 0.01 && calibration?.winner === 'rounds') {
    const output = calibration.rounds.at(-1)?.levels.output ?? Number.NaN;
    said.push(
      `${percent(clipped)} of the targets lie outside the range of the transfer function, or at its very ends. The pilot clips them, the rounds do not: they take them for noise outside the nonlinearity (standard deviation ${output.toPrecision(2)}). Where they lie further out than that, another alpha, scale or loss may suit these data better.`,
    );
  } else if (clipped > 0.01) {
    said.push(
      `${percent(clipped)} of the targets lie outside the range of the transfer function, or at its very ends, and are clipped to it; another alpha, scale or loss may suit these data better.`,
    );
  }
  const { condition, effectiveDirections, predictors: directions } = fit.identifiability;
  if (calibration !== null && !(condition < 1 / (directions * Number.EPSILON))) {
    said.push(
      'Some weights are not determined by the data: the ridge that the estimator found chooses among networks that fit as well.',
    );
  } else if (
    calibration === null &&
    ridgeOf(fit.objective.penalty) === 0 &&
    !(condition < 1 / (directions * Number.EPSILON))
  ) {
    said.push(
      'Some weights are not determined by the data, and there is no ridge to choose: other networks fit as well.',
    );
  } else if (effectiveDirections < directions / 2) {
    const remedy =
      fit.ridgePath !== null
        ? 'Held-out blocks chose this ridge: more data help, or scale quantile for activity in small units.'
        : calibration === null
          ? 'A smaller ridge, or scale quantile for activity in small units, helps.'
          : 'The estimator found this ridge from the data: more of them help, or scale quantile for activity in small units.';
    said.push(
      `The ridge outweighs the data in most directions (the data determine ${effectiveDirections.toFixed(1)} of ${directions}): the weights are too small. ${remedy}`,
    );
  }
  if (calibration !== null) said.push(...ofCalibration(calibration, fit.settings.form));
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

/** Two residuals that know of each other are no news; at this many frames to one, standard errors are half as large again. */
const longTime = 2;

const ofCalibration = (
  { winner, choice, rounds }: NonNullable<Fit['calibration']>,
  form: Fit['settings']['form'],
): readonly string[] => {
  const said: string[] = [];
  if (winner !== 'rounds' && choice !== null) {
    said.push(
      `A plain ridge (${ridgeNames[winner]}) explained held-out blocks better than the noise-calibrated rounds (drive R2 ${r2(choice.scores[winner] ?? Number.NaN)} against ${r2(choice.scores.rounds ?? Number.NaN)}), and was taken: often a sign of unobserved units or inputs, of another alpha, or of few data.`,
    );
  }
  const time = rounds.at(-1)?.autocorrelationTime ?? 1;
  if (time > longTime) {
    said.push(
      form === 'current'
        ? `The residuals are autocorrelated (${time.toFixed(1)} frames to an independent sample): in the current form noise in the currents comes through the leak, and is so by itself. It biases the weights, the more the stronger it is; so does an alpha that is another.`
        : `The residuals are autocorrelated (${time.toFixed(1)} frames to an independent sample): something acts on the units that the network does not know, or alpha is another. Weights are then biased, whatever their standard errors.`,
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
export const verdictOf = ({ scores, settings, solution, calibration }: Judged): string => {
  const state =
    calibration !== null
      ? reachedOf(calibration, settings.effort, solution.status)
      : solution.status === 'converged'
        ? 'The optimum was reached'
        : `The fit ended as ${solution.status}`;
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
