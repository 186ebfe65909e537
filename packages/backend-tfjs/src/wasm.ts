import { type Accuracy, type Backend, refuse } from '@drnn/tensor';
import { env } from '@tensorflow/tfjs-core';
import { backendOn, optionIssues, type TfjsOptions } from './backend.js';
import { keepingListeners, withoutItsListeners } from './listeners.js';
import { loadedLast, registeredInstance } from './registered.js';
import { tfjsEngine } from './tfjs-engine.js';

/** How this backend is made. */
export interface TfjsWasmOptions extends TfjsOptions {
  /**
   * Where the three .wasm files of @tensorflow/tfjs-backend-wasm are served: a folder that ends in `/`, or the address
   * of each by its name. Needed in browsers; Node finds them beside the package. TensorFlow.js keeps it for all later
   * instances in the program.
   */
  readonly binaries?: string | Readonly<Record<string, string>>;
}

/**
 * Measured: functions, composites among them, within 2.5e-7 over their whole range. A product is a running float32 sum
 * of at most 512 terms (of all predictors in X Theta): within 1e-7 of their absolute sum for random signs, 5e-7 for one
 * sign. Only where all terms are alike, so that each rounds the same way, half a unit a term is possible (1.5e-5). NaN
 * travels through every kernel as we use it.
 */
const accuracy: Accuracy = { pointwise: 4e-7, absolute: 2.4e-38, product: 1e-6, propagatesNaN: true };

/** The module grows to 4 GiB, but was seen to abort, for good, at 2.16 GB of live arrays; a pass needs room beside. */
const totalBytes = 1.5e9;

const threadsFlag = 'WASM_HAS_MULTITHREAD_SUPPORT';

/**
 * Starts with the build for one thread, in isolated pages too: the other one starts workers from scripts made at run
 * time, which an ordinary Content-Security-Policy forbids, and was seen to use one thread on two cores all the same. The
 * flag is read before `start` first waits, so that only this instance sees it.
 */
const onOneThread = <Result>(start: () => Promise<Result>): Promise<Result> => {
  const before = env().features[threadsFlag];
  env().set(threadsFlag, false);
  try {
    return start();
  } finally {
    if (before === undefined) delete env().features[threadsFlag];
    else env().set(threadsFlag, before);
  }
};

/**
 * TensorFlow.js on WebAssembly: XNNPACK's SIMD kernels, one thread, float32 (mixed precision) only. It is here
 * for comparison and as a second opinion: @drnn/backend-wasm is faster, has float64, threads and Cholesky. Each backend
 * is a module instance of its own, independent of `tf.setBackend('wasm')`. Errors: the binaries are not found.
 */
export const backend = async (options: TfjsWasmOptions = {}): Promise<Backend> => {
  refuse(optionIssues('tfjs-wasm', options, ['binaries']));
  const tfjsWasm = await loadedLast('wasm', () => import('@tensorflow/tfjs-backend-wasm'));
  const { binaries, ...rest } = options;
  if (binaries !== undefined) tfjsWasm.setWasmPaths(typeof binaries === 'string' ? binaries : { ...binaries });
  const instance = await onOneThread(() => withoutItsListeners(() => registeredInstance('wasm')));
  const engine = tfjsEngine('wasm', instance, {
    threads: 1,
    accuracy,
    limits: { total: totalBytes },
    close: () => keepingListeners(() => instance.dispose()),
  });
  return backendOn(engine, rest);
};
