import type { choices, FitOptions } from '../fit-options.js';

/** The flags of `drnn fit`, as commander parses them. */
export interface FitFlags {
  readonly key?: string;
  readonly layout: 'time-unit' | 'unit-time' | 'trial-time-unit';
  readonly trials?: string;
  readonly inputs?: string;
  readonly inputLags?: readonly number[];
  readonly connections?: string;
  readonly samples?: string;
  readonly badFrames?: string;
  readonly sampleWeights?: string;
  readonly groups?: string;
  readonly alpha?: number | string;
  readonly dt?: number;
  readonly tau?: number | string;
  readonly scale: (typeof choices.scale)[number];
  readonly center: boolean;
  readonly loss: NonNullable<FitOptions['loss']>;
  readonly weights: (typeof choices.weights)[number];
  readonly weightCap: number;
  readonly kappa: number;
  readonly clip: number | 'none';
  readonly ridge: number;
  readonly bias: boolean;
  readonly zeroDiagonal: boolean;
  readonly missing: (typeof choices.missing)[number];
  readonly estimator?: (typeof choices.estimator)[number];
  readonly effort: (typeof choices.effort)[number];
  readonly choosing?: (typeof choices.choosing)[number];
  readonly solver: (typeof choices.solver)[number];
  readonly accelerate: (typeof choices.accelerate)[number];
  readonly tolerance: number;
  readonly maxSteps: number;
  readonly holdout: number;
  readonly horizon?: number;
  readonly refit: boolean;
  readonly from?: string;
  readonly backend: (typeof choices.backend)[number];
  readonly threads?: number;
  readonly precision?: (typeof choices.precision)[number];
  readonly polish: boolean;
  readonly seed: number;
  readonly out?: string;
  readonly force?: boolean;
  readonly report?: string;
  readonly json?: boolean;
}
