import { restrict, type TransitionSource } from '@drnn/simulator';
import type { Backend, Matrix } from '@drnn/tensor';
import { type Calibrated, calibrated, type CalibratedOptions } from './calibrated.js';
import { driveR2 } from './held-out-drive.js';
import { crossEntropyPath, leastSquaresPath, type RidgeLoss } from './ridge-fits.js';
import { type NetworkAssumptions, restrictTask, releaseTask, type RoundTask, roundTask } from './round-task.js';
import { sampleRows } from './row-sample.js';

/** What won: the noise-calibrated rounds, or a ridge with a plain loss. */
export type Winner = 'rounds' | RidgeLoss;

/**
 * How the rounds are judged against plain ridge: `split` holds out the last fifth of the rows, `cross-validation` each of
 * four blocks in turn, `none` takes the rounds on trust.
 */
export type Choosing = 'split' | 'cross-validation' | 'none';

export interface EstimateOptions extends CalibratedOptions, NetworkAssumptions {
  /** Default `split` for quick, `cross-validation` for full. */
  readonly choosing?: Choosing;
}

/** Scores of the contenders on rows they had not seen. */
export interface Choice {
  readonly choosing: Choosing;
  /** Held-out drive R2 by contender, the mean over blocks; null where it was not run. */
  readonly scores: Readonly<Record<Winner, number | null>>;
  /** The winner's score less the best of the others. */
  readonly margin: number;
  /** The strength of the ridge that won, per transition; null where the rounds did. */
  readonly strength: number | null;
}

export interface Estimate extends Calibrated {
  readonly winner: Winner;
  /** Null where nothing was held out. */
  readonly choice: Choice | null;
}
