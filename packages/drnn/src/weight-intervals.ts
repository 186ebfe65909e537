import {
  calibrationCheck,
  type CalibrationCheck,
  type Round,
  type SharedCheck,
  standardErrors,
  withRoundPosterior,
} from '@drnn/estimators';
import type { Constraints, Transfer } from '@drnn/objectives';
import { freeSet } from '@drnn/solvers';
import { sourceOfTransitions, type Transitions } from '@drnn/simulator';
import { type Backend, failure, matrix, type Matrix } from '@drnn/tensor';
import type { Calibration } from './calibrated-fit.js';

/** What is known of how far the weights are off. */
export interface WeightIntervals {
  readonly method: 'exact' | 'shared';
  /** Posterior standard deviations in scaled units, row = target: the 95% interval of a weight is +- 1.96 of these. */
  readonly standardErrors: { readonly W: Matrix; readonly Win: Matrix };
  /** Over the weights of W and Win that were fitted. */
  readonly medianStandardError: number;
  /** Units with a weight that neither data nor prior determines: infinite errors. */
  readonly undetermined: readonly number[];
  /** How `shared` compared with `exact`; null for exact. */
  readonly check: SharedCheck | null;
  /** Whether held-out residuals are what the errors take for granted, and if not, why not. */
  readonly calibration: {
    readonly trustworthy: boolean;
    readonly reasons: readonly string[];
    /** What was looked at; null where the residuals of new rows could not be. */
    readonly residuals: CalibrationCheck | null;
  };
}

/** A fit by rounds, and the rows it was made from. */
export interface RoundFit {
  readonly samples: Transitions;
  readonly theta: Matrix;
  readonly calibration: Calibration | null;
}

export interface WeightIntervalsRequest {
  readonly method: 'exact' | 'shared';
  readonly transfer: Transfer;
  readonly constraints: Constraints;
  readonly bias: boolean;
  /** Of the model that is returned. */
  readonly last: RoundFit;
  /** The fit that was scored, and what it has not seen; null where nothing was held out. */
  readonly scored: (RoundFit & { readonly heldOut: Transitions | null }) | null;
}

/** The last round of a fit. Errors: a ridge won, which knows no noise. */
export const lastRoundOf = (calibration: Calibration | null): Round => {
  const round = calibration?.rounds.at(-1);
  if (round !== undefined) return round;
  throw failure({
    path: 'intervals',
    seen: `a fit by ridge (${calibration?.winner ?? 'convex'}), which predicted held-out blocks better than the calibrated rounds`,
    expected: 'a fit by the rounds, whose noise model makes errors of weights',
    hint: 'leave intervals out; or take the rounds all the same with choosing none (--choosing none), and read what the check of the intervals says',
  });
};

/** Standard errors of the weights from the curvature of the last round, and a check of them on held-out residuals. */
export const weightIntervalsOf = async (on: Backend, request: WeightIntervalsRequest): Promise<WeightIntervals> => {
  const { method, transfer, constraints, bias, last } = request;
  const assumptions = { transfer, constraints, bias };
  const { samples, theta } = last;
  const { units, inputs } = samples;
  const of = { ...assumptions, theta, round: lastRoundOf(last.calibration) };
  return withRoundPosterior(on, sourceOfTransitions(samples), of, async (posterior) => {
    const { errors, undetermined, check } = await standardErrors({ ...posterior, method });
    const fitted: number[] = [];
    for (let j = 0; j < units; j++) {
      for (const p of freeSet(posterior.free, theta.rows, j))
        if (p < units + inputs) fitted.push(errors.data[p * units + j]!);
    }
    fitted.sort((a, b) => a - b);
    return {
      method,
      standardErrors: { W: rowsOf(errors, 0, units), Win: rowsOf(errors, units, inputs) },
      medianStandardError: fitted[fitted.length >> 1] ?? Number.NaN,
      undetermined,
      check,
      calibration: await calibrationOf(on, request),
    };
  });
};

const untold = (reason: string): WeightIntervals['calibration'] => ({
  trustworthy: false,
  reasons: [`not calibrated: ${reason}`],
  residuals: null,
});

const calibrationOf = async (
  on: Backend,
  { transfer, constraints, bias, scored, last }: WeightIntervalsRequest,
): Promise<WeightIntervals['calibration']> => {
  const { filled, interpolated } = last.samples.dropped;
  if (filled + interpolated > 0) {
    return untold(
      `${filled + interpolated} predictors were ${filled > 0 ? 'filled by the model' : 'interpolated'}, and count as if they had been observed`,
    );
  }
  if (scored === null || scored.heldOut === null) {
    return untold('nothing was held out, so that residuals of new rows could not be looked at');
  }
  if (transfer.name !== 'tanh') return untold(`the check of residuals knows tanh, not ${transfer.name}`);
  const { samples, theta, heldOut } = scored;
  const round = lastRoundOf(scored.calibration);
  const of = { transfer, constraints, bias, theta, round };
  return withRoundPosterior(on, sourceOfTransitions(samples), of, async (posterior) => {
    const residuals = await calibrationCheck({ ...posterior, theta, noise: round.levels, heldOut });
    const { trustworthy, reasons } = residuals;
    return { trustworthy, reasons, residuals };
  });
};

/** Predictors [from, from + count) of [predictor, unit] as [unit, predictor]. */
const rowsOf = (errors: Matrix, from: number, count: number): Matrix => {
  const units = errors.columns;
  const result = matrix(units, count);
  for (let p = 0; p < count; p++)
    for (let j = 0; j < units; j++) result.data[j * count + p] = errors.data[(from + p) * units + j]!;
  return result;
};

/** What a reader must know of the intervals. */
export const intervalNotes = (intervals: WeightIntervals | null): readonly string[] => {
  if (intervals === null || intervals.calibration.trustworthy) return [];
  return [`Do not trust the intervals of the weights as 95% intervals: ${intervals.calibration.reasons.join('; ')}.`];
};
