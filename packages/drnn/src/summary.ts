import type { Fit } from './fitted.js';
import { hardwareOf } from './hardware-of.js';
import { contestOf } from './reached.js';

const r2 = (x: number): string => (Number.isFinite(x) ? x.toFixed(4) : 'not available');

/** A few lines for a person at a terminal. */
export const summaryOf = (fit: Omit<Fit, 'summary'>): string => {
  const { scores } = fit;
  const lines = [
    `${fit.units} units, ${fit.inputs} inputs, ${fit.samples} transitions in ${fit.trials} ${fit.trials === 1 ? 'trial' : 'trials'}`,
    ...(fit.calibration === null ? [ofConvex(fit)] : ofCalibrated(fit, fit.calibration)),
  ];
  if (scores !== null) {
    const { oneStep, drive, closedLoop, baseline } = scores;
    lines.push(
      `held-out R2, one step ${r2(oneStep.pooled)} (persistence ${r2(baseline.oneStep.persistence.pooled)}, autoregression ${r2(baseline.oneStep.autoregression.pooled)}), drive ${r2(drive.pooled)}`,
    );
    closedLoop.forEach((score, i) => {
      const persistence = baseline.closedLoop.persistence[i];
      lines.push(
        `closed loop after ${score.horizon} frames ${r2(score.pooled)} (persistence ${r2(persistence?.pooled ?? Number.NaN)})`,
      );
    });
  }
  return [...lines, fit.verdict, ...fit.warnings].join('\n');
};

const ofConvex = (fit: Omit<Fit, 'summary'>): string => {
  const { solution } = fit;
  return `${solution.status} after ${solution.steps} steps of ${fit.solver} in ${fit.seconds.toFixed(2)} s (${hardwareOf(fit)}): residual ${solution.residual.toExponential(1)}, error of the weights ${solution.thetaErrorBound.toExponential(1)}`;
};

const ofCalibrated = (fit: Omit<Fit, 'summary'>, calibration: NonNullable<Fit['calibration']>): readonly string[] => {
  const { rounds, pilot } = calibration;
  const way =
    rounds.length === 0
      ? fit.solver
      : `${pilot?.steps ?? 0} pilot steps and ${rounds.length} noise-calibrated ${rounds.length === 1 ? 'round' : 'rounds'}`;
  const last = rounds.at(-1);
  const contest = contestOf(calibration);
  return [
    `${fit.solution.status}: ${way}, in ${fit.seconds.toFixed(2)} s (${hardwareOf(fit)})`,
    ...(last === undefined
      ? []
      : [
          `noise ${last.levels.input.toPrecision(3)} inside the nonlinearity, ${last.levels.output.toPrecision(3)} outside; autocorrelation time ${last.autocorrelationTime.toFixed(1)} frames`,
        ]),
    ...(contest === null ? [] : [contest]),
  ];
};
