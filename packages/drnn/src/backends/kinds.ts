import type { Precision } from '@drnn/tensor';

/** The hardware that can be named. */
export const backendNames = ['cpu', 'wasm', 'blas', 'webgpu', 'tfjs-wasm'] as const;
export type BackendName = (typeof backendNames)[number];

/** One kind of hardware: what it can do, and where it comes from. */
export interface BackendKind {
  readonly name: BackendName;
  /** The precisions it has; the first is its default. */
  readonly precisions: readonly Precision[];
  /** Whether it takes a number of threads. */
  readonly threaded: boolean;
  /** Whether it comes with drnn: then it is never merely absent. */
  readonly included: boolean;
  /** How to get it, for someone who has not. */
  readonly install: string;
  /** Its module, which exports `backend({ precision, threads })`; loaded only when it is asked for. */
  readonly load: () => Promise<unknown>;
}

export type BackendKinds = Readonly<Record<BackendName, BackendKind>>;

/**
 * Every backend of the project. `cpu` and `wasm` come with drnn, `blas` where npm could install it; the two others are
 * installed by whoever wants them.
 */
export const backendKinds: BackendKinds = {
  cpu: {
    name: 'cpu',
    precisions: ['float64', 'mixed'],
    threaded: false,
    included: true,
    install: 'it comes with drnn: install that again',
    load: () => import('@drnn/backend-cpu'),
  },
  wasm: {
    name: 'wasm',
    precisions: ['mixed', 'float64'],
    threaded: true,
    included: true,
    install: 'it comes with drnn: install that again',
    load: () => import('@drnn/backend-wasm'),
  },
  blas: {
    name: 'blas',
    precisions: ['mixed', 'float64'],
    threaded: true,
    included: false,
    install: 'npm install @drnn/backend-blas, and a BLAS on the machine (apt-get install libopenblas0)',
    load: () => import(/* @vite-ignore */ '@drnn/backend-blas'),
  },
  webgpu: {
    name: 'webgpu',
    precisions: ['mixed'],
    threaded: false,
    included: false,
    install: 'npm install @drnn/backend-webgpu webgpu@0.6.2',
    load: () => import('@drnn/backend-webgpu'),
  },
  'tfjs-wasm': {
    name: 'tfjs-wasm',
    precisions: ['mixed'],
    threaded: false,
    included: false,
    install: 'npm install @drnn/backend-tfjs',
    load: () => import('@drnn/backend-tfjs/wasm'),
  },
};
