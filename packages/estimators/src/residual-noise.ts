import { mapMatrix, matrix, type Matrix, variable } from '@drnn/tensor';
import { autocorrelationTime } from './autocorrelation-time.js';
import { type NoiseLevels, noiseLevels } from './noise-levels.js';
import type { RowSample } from './row-sample.js';
import type { RoundTask } from './round-task.js';
import { slopeOfMean } from './slope-of-mean.js';

/** What the residuals of a fit say of the noise. */
export interface ResidualNoise {
  readonly levels: NoiseLevels;
  /** Frames to one independent sample. */
  readonly autocorrelationTime: number;
}

/** Standardised residuals count as no more than this in the autocorrelation, so that jumps do not hide it. */
const cut = 3;

/** The noise of a fit, from its residuals on a sample of the rows. Cost 2 rows P N flop on the host. */
export const residualNoise = (task: RoundTask, sample: RowSample, theta: Matrix): ResidualNoise => {
  const { transfer, shape, on } = task;
  const { targets, observed } = sample;
  const z = on.host.matMul(sample.design, theta);
  const means = mapMatrix(transfer.transfer(variable('z')), { z });
  const levels = noiseLevels(transfer, means, targets, observed, {
    parameters: shape.predictors,
    rows: shape.transitions,
  });
  const slopes = mapMatrix(slopeOfMean(transfer, variable('d')), { d: means });
  const residuals = matrix(means.rows, means.columns);
  for (let i = 0; i < residuals.data.length; i++) {
    if (observed?.data[i] === 0) continue;
    const size = Math.hypot(levels.input * slopes.data[i]!, levels.output);
    residuals.data[i] = Math.max(-cut, Math.min(cut, (targets.data[i]! - means.data[i]!) / size));
  }
  return { levels, autocorrelationTime: autocorrelationTime(residuals, sample.frames) };
};
