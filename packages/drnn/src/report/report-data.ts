import type { AlphaProfile, Estimate, RidgePath, Round } from '@drnn/estimators';
import type { WeightIntervals } from '../weight-intervals.js';
import type { Matrix } from '@drnn/tensor';
import type { Groups } from './group-weights.js';

/** A coefficient of determination over held-out samples: pooled over units, and the median over units. */
export interface Score {
  readonly pooled: number;
  readonly median: number;
}

/** A score at a lead of `horizon` frames from the restart. */
export interface HorizonScore extends Score {
  readonly horizon: number;
}

/** Held-out scores, and what trivial predictors get on the same samples. */
export interface Scores {
  readonly oneStep: Score;
  readonly drive: Score;
  /** Empty where no held-out stretch is long enough for a restart. */
  readonly closedLoop: readonly HorizonScore[];
  readonly baseline: {
    readonly oneStep: { readonly persistence: Score; readonly autoregression: Score };
    readonly drive: { readonly mean: Score };
    readonly closedLoop: { readonly persistence: readonly HorizonScore[] };
  };
  /** One-step and drive R2 of each unit, [unit]. */
  readonly byUnit: { readonly oneStep: Float64Array; readonly drive: Float64Array };
}

/** A stretch of held-out frames with its predictions, in the recording's units, all [frame, unit] of the shown units. */
export interface HeldOutTraces {
  /** Names of the units shown. */
  readonly units: readonly string[];
  /** Frame numbers of the recording, [frame]. */
  readonly frames: Int32Array;
  readonly recorded: Matrix;
  readonly oneStep: Matrix;
  /** Closed loop, restarted at the frames of `restarts`. */
  readonly closedLoop: Matrix;
  readonly restarts: Int32Array;
}

/** How a calibrated fit came to its network. */
export interface Calibrated extends Pick<Estimate, 'winner' | 'choice' | 'pilot'> {
  readonly effort: 'quick' | 'full';
  readonly rounds: readonly Pick<
    Round,
    'levels' | 'autocorrelationTime' | 'shrinkage' | 'remaining' | 'converged' | 'method' | 'newtonSteps' | 'products'
  >[];
}

/** A ridge that was chosen from a path. */
export interface RidgeChoice extends Pick<RidgePath, 'points' | 'best' | 'max' | 'blocks'> {
  readonly rule: 'auto' | 'auto-1se';
  readonly chosen: number;
}

/** All that the report shows. Numbers that could not be computed are NaN here and said in words there. */
export interface ReportData {
  readonly title: string;
  /** Names of the recording's files, never their paths, with their sha256 in hexadecimal; none for data in memory. */
  readonly sources: readonly { readonly name: string; readonly sha256: string }[];
  readonly created: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly units: number;
  readonly inputs: number;
  /** Transitions of the final fit, and those of the fit that was scored (0 without holdout). */
  readonly samples: number;
  readonly trainSamples: number;
  readonly trials: number;
  /** Seconds between frames, if known. */
  readonly samplingInterval: number | null;
  readonly alpha: { readonly lowest: number; readonly highest: number };
  readonly status: string;
  readonly residual: number;
  readonly thetaErrorBound: number;
  readonly objective: number;
  readonly steps: number;
  readonly seconds: number;
  readonly timing: Readonly<Record<string, number>>;
  readonly backend: string;
  readonly precision: string;
  readonly threads: number;
  readonly solver: string;
  readonly objectiveName: string;
  /** Of the calibrated estimator; null for a convex fit. */
  readonly calibrated: Calibrated | null;
  /** Null where the ridge was given. */
  readonly ridgePath: RidgeChoice | null;
  /** W [unit, unit], row = target, and Win [unit, input], in scaled units; b [unit]. */
  readonly W: Matrix;
  readonly Win: Matrix;
  readonly b: Float64Array;
  readonly unitNames: readonly string[];
  /** Groups of the units; null where there are none. */
  readonly groups: Groups | null;
  /** Frames by which the inputs act late. */
  readonly inputLags: readonly number[];
  /** Noise on the record itself: its share of the variance, and by what weights are too small; null where unknown. */
  readonly observationNoise: { readonly share: number; readonly slope: number } | null;
  /** How missing predictors were filled by the model; null where they were not. */
  readonly filling: { readonly fraction: number; readonly rounds: number } | null;
  /** Eigenvalues of W. */
  readonly spectrum: { readonly re: Float64Array; readonly im: Float64Array };
  readonly trace: readonly {
    readonly step: number;
    readonly objective: number;
    readonly residual: number;
    readonly seconds: number;
  }[];
  /** How alpha was looked for; null where it was given. */
  readonly alphaProfile: AlphaProfile | null;
  /** Standard errors of the weights; null where there are none. */
  readonly intervals: WeightIntervals | null;
  readonly certificate: { readonly verdict: string; readonly lines: readonly string[] };
  /** Null without holdout. */
  readonly scores: Scores | null;
  readonly traces: HeldOutTraces | null;
  readonly scale: {
    readonly method: string;
    /** Fraction of targets outside the range of the transfer function before and after scaling. */
    readonly outsideBefore: number;
    readonly outsideAfter: number;
    /** How many targets the clip into the open range moved. */
    readonly clipped: number;
  };
  readonly identifiability: {
    /** Largest over smallest eigenvalue of X'X. */
    readonly condition: number;
    /** sum of e / (e + lambda) over the eigenvalues e of X'X: directions that data rather than ridge determine. */
    readonly effectiveDirections: number;
    readonly predictors: number;
    /** Predictors more than half determined by the ridge, by name, worst first, with that fraction. */
    readonly weak: readonly { readonly name: string; readonly fraction: number }[];
  };
  readonly options: readonly { readonly name: string; readonly value: string; readonly given: boolean }[];
  /** A command that repeats the fit. */
  readonly command: string;
  /** Sentences to be read first: no convergence, scores below baselines, few samples. */
  readonly warnings: readonly string[];
  /** One honest sentence on what the scores mean. */
  readonly verdict: string;
}
