import type { AlphaProfile } from '@drnn/estimators';
import type { Certificate, Objective, Transfer } from '@drnn/objectives';
import type { Model, Source } from '@drnn/recordings';
import type { Transitions } from '@drnn/simulator';
import type { SignChoice, Solution } from '@drnn/solvers';
import type { Precision } from '@drnn/tensor';
import type { ChosenRidge } from './auto-ridge.js';
import type { DeviceLoss } from './backends/hardware.js';
import type { Calibration } from './calibrated-fit.js';
import type { Filling } from './fill-rounds.js';
import type { Settings } from './fit-options.js';
import type { Identifiability } from './identifiability.js';
import type { ObservationNoise } from './observation-noise.js';
import type { HeldOutTraces, Scores } from './report/report-data.js';
import type { Scaling } from './scaling.js';
import type { UnitGroups } from './unit-groups.js';
import type { WeightIntervals } from './weight-intervals.js';

/** A fitted network and all that is known of how it came about. */
export interface Fit {
  readonly model: Omit<Model, 'record'>;
  readonly solution: Solution;
  readonly transfer: Transfer;
  readonly objective: Objective;
  readonly settings: Settings;
  /** Of the calibrated estimator, how it came to this network; null for a convex fit. */
  readonly calibration: Calibration | null;
  /** The solver that ran, by name. */
  readonly solver: string;
  readonly backend: string;
  /** The library or the adapter that it runs on, where there is one to name. */
  readonly device: string | null;
  /** `mixed` also where a mixed fit went on in float64. */
  readonly precision: Precision;
  readonly threads: number;
  /** Whether a mixed fit went on in float64, and for how many steps. */
  readonly polished: boolean;
  readonly polishSteps: number;
  /** The device that was lost on the way, and where the fit went on from its last state; null where none was. */
  readonly deviceLost: DeviceLoss | null;
  readonly units: number;
  readonly inputs: number;
  readonly unitNames: readonly string[];
  /** The groups of the units, where they were given. */
  readonly groups: UnitGroups | null;
  /** How alpha was found; null where it was given. */
  readonly alphaProfile: AlphaProfile | null;
  /** How the ridge was chosen; null where it was given, or the choice was aborted. */
  readonly ridgePath: ChosenRidge | null;
  readonly trials: number;
  readonly samplingInterval: number | null;
  readonly sources: readonly Source[];
  /** Whether the recording was read piece by piece, and never held whole. */
  readonly streamed: boolean;
  /** Transitions of the model returned. */
  readonly samples: number;
  /** Transitions of the fit that was scored; 0 without holdout. */
  readonly trainSamples: number;
  readonly refit: boolean;
  /** Null without holdout, or where the fit was aborted before. */
  readonly scores: Scores | null;
  readonly traces: HeldOutTraces | null;
  readonly scaling: Scaling;
  readonly targetsClipped: number;
  /** Frames between restarts of the closed loop. */
  readonly horizon: number;
  readonly dropped: Transitions['dropped'];
  /** How missing predictors were filled by the model, and the fraction of predictors that were; null where none were. */
  readonly filling: (Omit<Filling, 'values'> & { readonly fraction: number }) | null;
  readonly certificate: Certificate;
  /** The signs that were chosen for Dale's law, and how clear each is; null where they were given or not asked for. */
  readonly dale: SignChoice | null;
  readonly identifiability: Identifiability;
  /** Null where they were not asked for, or the fit was aborted. */
  readonly intervals: WeightIntervals | null;
  /** What noise on the record does to the weights; null where it cannot be told. */
  readonly observationNoise: ObservationNoise | null;
  /** Data in memory to final model. */
  readonly seconds: number;
  /** Seconds: what is done once a problem (start, metric), the iterations, the certificates, the scores. */
  readonly timing: {
    readonly init: number;
    readonly steps: number;
    readonly certificate: number;
    readonly scores: number;
  };
  readonly warnings: readonly string[];
  readonly verdict: string;
  /** A few lines for a person. */
  summary(): string;
}
