import type { Objective } from '@drnn/objectives';
import type { Model } from '@drnn/recordings';
import type { Backend, Precision } from '@drnn/tensor';
import type { FitOptions } from './fit-options.js';
import type { SessionOptions } from './session.js';

/** How far a fit is. */
export interface FitProgress {
  readonly stage: 'alpha' | 'ridge' | 'scoring fit' | 'fit' | 'refit';
  readonly step: number;
  readonly residual: number;
  /** What this step ran on; a mixed fit may go on in float64. */
  readonly backend: string;
  readonly precision: Precision;
  /** From 0 to 1: how far the logarithm of the residual is on its way to the tolerance. */
  readonly fraction: number;
}

/** Beyond the options of the command line: things that only a program can give. */
export interface FitContext extends FitOptions, SessionOptions {
  /**
   * The hardware, open, in place of `backend`, `precision` and `threads`; closed by the caller. Default: a backend of
   * its own, closed at the end however it comes.
   */
  readonly on?: Backend;
  /** An objective in place of loss, weights, clip, ridge and constraints. */
  readonly objective?: Objective;
  /** A model to start from, in the same scaled units. */
  readonly from?: Pick<Model, 'W' | 'Win' | 'b'>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: FitProgress) => void;
  /** Told before a long fit begins that the recording looks wrong, in a sentence. */
  readonly onNotice?: (sentence: string) => void;
}
