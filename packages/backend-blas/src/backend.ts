import { createMachine, storage, type Stored, threadedOptions } from '@drnn/backend-wasm/kernels';
import { type Accuracy, type Backend, backendOf, type Engine, type Precision, programCache } from '@drnn/tensor';
import { gramsOf } from './gram.js';
import { hostWith } from './host.js';
import { hugePages } from './huge-pages.js';
import { type BlasLibrary, openProved } from './library.js';
import { passOf, type Workshop } from './pass.js';

/** How this backend is made. */
export interface BlasOptions {
  /**
   * `mixed` (the default, as it is twice as fast): float32 rows and products, float32 sums over at most 2048 rows and
   * float64 beyond, everything on the host float64. Or `float64` throughout.
   */
  readonly precision?: Precision;
  /** Threads of the library and of the pointwise kernels. Default: all physical cores, or 1 without shared memory. */
  readonly threads?: number;
}

/** A backend that says which library it works with. */
export interface BlasBackend extends Backend {
  readonly library: BlasLibrary & {
    /** What the library says of its threads; null where it does not say, and may choose for itself. */
    readonly threads: number | null;
  };
}

const accuracies: Readonly<Record<Precision, Accuracy>> = {
  // A library sums some 400 terms one by one, each addition fused with its product.
  float64: { pointwise: 1.5e-15, absolute: 5e-324, product: 3e-14, propagatesNaN: true },
  // A library may sum all 2048 terms one by one: a random walk of sqrt(2048) half units of 1.2e-7, and half as much again.
  mixed: { pointwise: 4.8e-7, absolute: 2.9e-45, product: 4e-6, propagatesNaN: true },
};

/**
 * The machine's own BLAS: products, factors and eigenvectors by OpenBLAS, MKL, BLIS or Accelerate, pointwise work by the
 * Wasm kernels on memory that both see. The library is found under its usual names, or is the one whose absolute path is
 * in the environment variable DRNN_BLAS, and is proved right before it is used. Close it with `close()`. Node only.
 *
 * Errors: unknown options; no library, a wrong one, or no koffi, with what was tried and how to get one.
 */
export const backend = async (options: BlasOptions = {}): Promise<BlasBackend> => {
  const { precision, threads } = threadedOptions('backend-blas', options);
  const library = await openProved();
  const machine = await createMachine(threads);
  const prepare = await hugePages();
  const workshop: Workshop = { library, machine, precision, threads, prepare, programOf: programCache() };

  const engine: Engine<Stored> = {
    name: 'blas',
    precision,
    threads,
    accuracy: accuracies[precision],
    host: hostWith(library, machine, threads, prepare),
    ...storage(precision, prepare),
    pass: (design, data, request, shape) => passOf(workshop, design, data, request, shape),
    gram: async (design, weights) => (await gramsOf(workshop, design, weights, 0, 1))[0]!,
    gramEach: (design, weights, from, to) => gramsOf(workshop, design, weights, from, to),
    close: () => machine.close(),
  };
  const { path, name, version, lapack } = library;
  return { ...backendOf(engine), library: { path, name, version, lapack, threads: library.useThreads(threads) } };
};
