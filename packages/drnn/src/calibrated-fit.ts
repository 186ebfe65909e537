import { type Choice, estimate, type Estimate } from '@drnn/estimators';
import type { Constraints, Transfer } from '@drnn/objectives';
import type { TransitionSource } from '@drnn/simulator';
import { anderson, nesterov, type Solution, type TraceEntry, unaccelerated } from '@drnn/solvers';
import { type Backend, isDeviceLost, type Matrix } from '@drnn/tensor';
import type { Settings } from './fit-options.js';

/** How the calibrated estimator came to its network. */
export type Calibration = Omit<Estimate, 'theta' | 'gram' | 'ridge' | 'targetsClipped'>;

export interface CalibratedFit {
  readonly solution: Solution;
  readonly solver: string;
  readonly calibration: Calibration;
  readonly targetsClipped: number;
  /** Null where the device was lost. */
  readonly gram: Matrix | null;
  readonly ridge: Float64Array;
}

export interface CalibratedFitOptions {
  readonly transfer: Transfer;
  readonly constraints: Constraints;
  readonly settings: Settings;
  readonly start?: Matrix;
  /** A choice between rounds and ridge that was made before, on part of the data. */
  readonly decided?: Choice;
  readonly signal?: AbortSignal;
  readonly onProgress: (residual: number, step: number, fraction: number) => void;
}

/** Reports of a run as long as they get, for the bar: a pilot, a contest and three rounds. */
const expectedReports = { quick: 12, full: 60 } as const;

/**
 * `estimate` with the options of `fit`, as a `Solution`: its residual is what a unit's decrement has left, over P. Where
 * the device is lost it ends as `device-lost` with the last estimate on all rows, and the choice if it was made. Errors: the
 * device is lost before there is one.
 */
export const calibratedFit = async (
  on: Backend,
  samples: TransitionSource,
  options: CalibratedFitOptions,
): Promise<CalibratedFit> => {
  const { settings, start, decided, signal } = options;
  const { effort, accelerate, choosing, memory } = settings;
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  const trace: TraceEntry[] = [];
  const acceleration = accelerate === 'anderson' ? anderson(5) : accelerate === 'nesterov' ? nesterov : unaccelerated;
  const latest: { theta: Matrix | null; residual: number; choice: Choice | null } = {
    theta: null,
    residual: Number.NaN,
    choice: decided ?? null,
  };
  let reports = 0;
  const timing = () => ({ init: 0, steps: seconds(), certificate: 0 });
  try {
    const { theta, gram, ridge, targetsClipped, ...calibration } = await estimate(on, samples, {
      transfer: options.transfer,
      constraints: options.constraints,
      bias: settings.bias,
      effort,
      memory,
      ...(choosing === undefined ? {} : { choosing }),
      ...(start === undefined ? {} : { from: start }),
      ...(decided === undefined ? {} : { decided }),
      ...(signal === undefined ? {} : { signal }),
      pilot: {
        clip: settings.clip ?? Infinity,
        ridge: settings.ridge,
        tolerance: settings.tolerance,
        maxSteps: settings.maxSteps,
        acceleration,
      },
      onChoice: (choice) => (latest.choice = choice),
      onProgress: ({ residual, theta: whole }) => {
        reports++;
        options.onProgress(residual, reports, Math.min(1, reports / expectedReports[effort]));
        if (whole !== null) {
          // No step writes to the estimate of another.
          latest.theta = whole;
          latest.residual = residual;
          trace.push({ step: trace.length, objective: Number.NaN, residual, seconds: seconds() });
        }
      },
    });
    const { rounds, winner, converged, value } = calibration;
    const last = rounds.at(-1);
    return {
      solution: {
        theta,
        status: signal?.aborted === true ? 'aborted' : converged ? 'converged' : 'max-steps',
        residual: last?.remaining.worst ?? 0,
        thetaErrorBound: last?.lastStep ?? 0,
        objective: value.reduce((a, b) => a + b, 0),
        value,
        steps: (calibration.pilot?.steps ?? 0) + rounds.reduce((total, { newtonSteps }) => total + newtonSteps, 0),
        trace,
        timing: timing(),
      },
      solver: winner === 'rounds' ? `noise-calibrated rounds (${last?.method ?? 'none'})` : `ridge, ${winner}`,
      calibration,
      targetsClipped,
      gram,
      ridge,
    };
  } catch (error) {
    const { theta, residual, choice } = latest;
    if (!isDeviceLost(error) || theta === null) throw error;
    const value = new Float64Array(samples.units).fill(Number.NaN);
    return {
      solution: {
        theta,
        status: 'device-lost',
        lost: error,
        residual,
        thetaErrorBound: Number.NaN,
        objective: Number.NaN,
        value,
        steps: trace.length - 1,
        trace,
        timing: timing(),
      },
      solver: 'noise-calibrated rounds (none)',
      calibration: { winner: 'rounds', choice, pilot: null, rounds: [], value, converged: false },
      targetsClipped: 0,
      gram: null,
      ridge: new Float64Array(theta.rows),
    };
  }
};
