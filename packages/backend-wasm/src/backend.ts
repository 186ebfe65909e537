import { type Accuracy, type Backend, backendOf, type Engine, type Precision, programCache } from '@drnn/tensor';
import { gramsOf } from './gram.js';
import { hostOn } from './host.js';
import { createMachine } from './machine.js';
import { passOf, type Workshop } from './pass.js';
import type { Stored } from './rows.js';
import { storage } from './storage.js';
import { threadedOptions } from './threaded-options.js';

/** How this backend is made. */
export interface WasmOptions {
  /**
   * `mixed` (the default, as it is twice as fast): float32 rows and products, float32 sums over at most 2048 rows and
   * float64 beyond, everything on the host float64. Or `float64` throughout.
   */
  readonly precision?: Precision;
  /**
   * Threads that share the work, this one among them. Default: all physical cores where memory can be shared and this
   * thread may wait for others (Node, or a Worker of an isolated page), else 1.
   */
  readonly threads?: number;
}

const accuracies: Readonly<Record<Precision, Accuracy>> = {
  // A product sums up to 256 terms one by one: at worst, with all alike, each rounds the same way.
  float64: { pointwise: 1.5e-15, absolute: 5e-324, product: 3e-14, propagatesNaN: true },
  // Four units of 2^-23; tails below 1e-37 are lost. Sums of up to 2048 float32 terms err by some sqrt(256) half units where all
  // have one sign.
  mixed: { pointwise: 4.8e-7, absolute: 1.2e-37, product: 2e-6, propagatesNaN: true },
};

/**
 * SIMD kernels in WebAssembly, compiled into the package, on threads. Rows stay in ordinary memory and go through the
 * kernels' own in blocks, so that they may be larger than it. Close it with `close()`, which ends its threads; they never
 * keep a program from its end. Errors: unknown options, threads where memory cannot be shared.
 */
export const backend = async (options: WasmOptions = {}): Promise<Backend> => {
  const { precision, threads } = threadedOptions('backend-wasm', options);
  const machine = await createMachine(threads);
  const workshop: Workshop = { machine, precision, programOf: programCache() };

  const engine: Engine<Stored> = {
    name: 'wasm',
    precision,
    threads: machine.threads,
    accuracy: accuracies[precision],
    host: hostOn(machine),
    ...storage(precision),
    pass: (design, data, request, shape) => passOf(workshop, design, data, request, shape),
    gram: async (design, weights) => (await gramsOf(workshop, design, weights, 0, 1))[0]!,
    gramEach: (design, weights, from, to) => gramsOf(workshop, design, weights, from, to),
    close: () => machine.close(),
  };
  return backendOf(engine);
};
