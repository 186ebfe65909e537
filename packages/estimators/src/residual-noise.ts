import { columnsOf, matrix, type Matrix, variable } from '@drnn/tensor';
import { autocorrelationTime } from './autocorrelation-time.js';
import { type NoiseLevels, noiseLevels, type Residuals } from './noise-levels.js';
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

/**
 * The noise of a fit, from its residuals on a sample of its rows and units. Cost 2 rows P units flop on the host.
 */
export const residualNoise = (task: RoundTask, sample: RowSample, theta: Matrix): ResidualNoise => {
  const { transfer, shape, on } = task;
  const { targets, observed } = sample;
  const mean = transfer.transfer(variable('z'));
  const [means, slopes] = on.host.pointwise([mean, slopeOfMean(transfer, mean)], {
    z: on.host.matMul(
      sample.design,
      sample.columns.length === theta.columns ? theta : columnsOf(theta, sample.columns),
    ),
  });
  if (means === undefined || slopes === undefined) throw new Error('two expressions have two results');
  const residuals = { means, slopes, targets, observed };
  const levels = noiseLevels(residuals, { parameters: shape.predictors, rows: shape.transitions });
  return { levels, autocorrelationTime: autocorrelationTime(standardised(residuals, levels), sample.frames) };
};

/** Residuals over their standard deviations, at most `cut`, 0 where there is none. */
const standardised = ({ means, slopes, targets, observed }: Residuals, { input, output }: NoiseLevels): Matrix => {
  const result = matrix(means.rows, means.columns);
  for (let i = 0; i < result.data.length; i++) {
    if (observed?.data[i] === 0) continue;
    const size = Math.sqrt((input * slopes.data[i]!) ** 2 + output ** 2);
    result.data[i] = Math.max(-cut, Math.min(cut, (targets.data[i]! - means.data[i]!) / size));
  }
  return result;
};
