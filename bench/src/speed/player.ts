import type { Operation } from './operations.js';
import type { Recording } from './recording.js';
import type { Act } from './timing.js';

/** What is known of one that takes part. */
export interface Introduction {
  /** Version, device or library, in words. */
  readonly says: string;
  /** The file of its BLAS, where it has one. */
  readonly library: string | null;
}

/** One that takes part, in its own process: gets an operation ready, which is then timed. */
export interface Player {
  readonly introduction: Introduction;
  prepare(operation: Operation, recording: Recording | null): Promise<Act>;
  /** Gives up what the last operation holds. */
  release(): void;
}
