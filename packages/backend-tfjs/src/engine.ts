import type { Accuracy, Expression } from '@drnn/tensor';
import type { TensorInfo } from '@tensorflow/tfjs-core';

/** float32 numbers where an engine keeps them, [row, column]. Never changed: engines cache what they derive from one. */
export type DeviceArray = TensorInfo;

/** The expressions of a pass, by what becomes of them. */
export interface Wanted {
  readonly project: readonly Expression[];
  readonly sums: readonly Expression[];
  readonly keep: readonly Expression[];
}

/** What the expressions of a pass come to on a chunk of time rows; all arrays are new, and the caller's. */
export interface Evaluated {
  /** e, [time of the chunk, unit]. */
  readonly project: readonly DeviceArray[];
  /** Sums of e over parts of the chunk, [part, unit]. */
  readonly sums: readonly DeviceArray[];
  /** e, [time of the chunk, unit]. */
  readonly keep: readonly DeviceArray[];
  /** For each of `keep`, how many of its numbers are not finite, in parts; none from engines on which NaN travels. */
  readonly faults: readonly DeviceArray[];
}

/**
 * An engine of TensorFlow.js, driven kernel by kernel on an instance of its own. The global engine, which
 * `tf.setBackend` and `tf.tidy` act on, takes no part, so that nothing of a program's own use of TensorFlow.js changes.
 */
export interface TfjsEngine {
  /** What errors call it: `tfjs-wasm`. */
  readonly name: string;
  readonly threads: number;
  readonly accuracy: Accuracy;
  /** Rows of a chunk, the unit of all work, a whole multiple of `sumRows`; at most 2048. */
  readonly chunkRows: number;
  /** Rows over which X_b' e is one running float32 sum. Chunks are a multiple of it, or less than it. */
  readonly sumRows: number;
  readonly limits: {
    /** Bytes of one array. */
    readonly array: number;
    /** Bytes of all arrays alive. */
    readonly total: number;
  };
  /**
   * Runs `work` with the surroundings that the kernels need. Everything below is called inside one, so `work` may not
   * wait; what it throws comes out as a `DrnnError`.
   */
  burst<Result>(work: () => Result): Result;
  /** Takes numbers, which must not change while they may still be on their way: up to the end of the burst. */
  upload(values: Float32Array, rows: number, columns: number): DeviceArray;
  /** A B, or A' B. */
  multiply(a: DeviceArray, transposeA: boolean, b: DeviceArray): DeviceArray;
  /** The expressions on inputs [row, column] by the names of their variables. */
  evaluate(wanted: Wanted, inputs: Readonly<Record<string, DeviceArray>>, rows: number, columns: number): Evaluated;
  /** The numbers of an array; rejects where a burst went wrong on the device. */
  download(array: DeviceArray): Promise<Float32Array>;
  /** Gives an array up, once. Works without a burst, and after the device was lost. */
  dispose(array: DeviceArray): void;
  /** How many arrays are alive. */
  arrays(): number;
  close(): void | Promise<void>;
}
