import type { JsonObject } from '@drnn/recordings';
import type { Noise, Observations } from '@drnn/simulator';
import type { Backend, Matrix } from '@drnn/tensor';
import type { Probe } from './track.js';

/** What generated a recording. Only the informed estimate looks at it. */
export interface Truth {
  /** [unit, unit], row = target. */
  readonly W: Matrix;
  readonly inputNoise: Noise;
  readonly outputNoise: Noise;
}

/** What a method is given. */
export interface MethodTask {
  readonly on: Backend;
  /** All that is to be fitted; the clock runs from here, so that the inversion to targets counts. */
  readonly recording: Observations;
  /** For what is random in the method. */
  readonly seed: number;
  readonly probe: Probe;
  readonly truth: Truth;
}

/** How a method ended by itself: it met its own test, did all its steps, or can do no more. */
export type OwnEnding = 'converged' | 'finished' | 'stalled';

/** A way to get Theta from a recording, with all its settings fixed. */
export interface StudyMethod {
  /** Unique in its study; names its files. */
  readonly name: string;
  /** In words, for tables and figures. */
  readonly label: string;
  /** Which curve of a sweep it is on; without a sweep its own name. */
  readonly curve: string;
  /** The value of the swept setting. */
  readonly sweep?: number;
  /** Everything that its result depends on besides the recording and the seed. */
  readonly settings: JsonObject;
  /** Whether it runs where no methods are named. Default true. */
  readonly byDefault?: boolean;
  /**
   * Whether its steps are few and their number is fixed, or it converges soon: it has no time limit then, so that a busy
   * machine does not change its result. Default false.
   */
  readonly endsByItself?: boolean;
  /** A measure for the others and no fit: its times mean nothing. Default false. */
  readonly isReference?: boolean;
  readonly run: (task: MethodTask) => Promise<OwnEnding>;
}
