import type { Backend, Precision } from '@drnn/tensor';

export const backendNames = ['cpu', 'wasm', 'blas', 'tfjs-wasm', 'webgpu'] as const;
export type BackendName = (typeof backendNames)[number];

export const isBackendName = (name: string): name is BackendName => backendNames.some((each) => each === name);

/** What a module of a backend gives. */
interface BackendModule {
  backend(options: { readonly precision: Precision; readonly threads?: number }): Promise<Backend>;
}

const isBackendModule = (loaded: unknown): loaded is BackendModule =>
  typeof loaded === 'object' && loaded !== null && 'backend' in loaded && typeof loaded.backend === 'function';

const modules: Readonly<Record<BackendName, () => Promise<unknown>>> = {
  cpu: () => import('@drnn/backend-cpu'),
  wasm: () => import('@drnn/backend-wasm'),
  blas: () => import('@drnn/backend-blas'),
  'tfjs-wasm': () => import('@drnn/backend-tfjs/wasm'),
  webgpu: () => import('@drnn/backend-webgpu'),
};

/** Those that take a number of threads. */
export const isThreaded = (name: BackendName): boolean => name === 'wasm' || name === 'blas';

/** Those that have float64, and a host of their own. */
export const hasFloat64 = (name: BackendName): boolean => name === 'cpu' || isThreaded(name);

/** Loads a backend's module and makes one. */
export const openBackend = async (name: BackendName, precision: Precision, threads: number): Promise<Backend> => {
  const loaded = await modules[name]();
  if (!isBackendModule(loaded)) throw new Error(`the module of ${name} exports no backend yet`);
  return loaded.backend({ precision, ...(isThreaded(name) ? { threads } : {}) });
};
