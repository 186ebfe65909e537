import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What a machine lacks, or has wrong, that this one has. */
export interface Poverty {
  /** Packages that were not installed, by the names they are imported under. */
  readonly packages?: readonly string[];
  /** What comes of loading any native library: no library at all, or an OpenBLAS whose routines do nothing. */
  readonly libraries?: 'none' | 'idle';
  /** The engine has no SharedArrayBuffer. */
  readonly sharedMemory?: false;
  /**
   * The device of WebGPU is destroyed when it has been given this many batches of commands. How many it was given in all is
   * written to stderr at the end.
   */
  readonly losesDeviceAfter?: number;
}

/** koffi on a machine without a BLAS, in the loader's own words, and on one with a broken one. */
const koffi = {
  none: `export const load = (path) => { throw new Error('Failed to load shared library: ' + path + ': cannot open shared object file: No such file or directory'); };`,
  idle: `const routines = /^(cblas_)?[sd](gemm|syrk|trsm|potrf|potrs|syevd)_?$/;
    export const load = () => ({ func: (symbol) => {
      if (symbol === 'openblas_get_config') return () => 'OpenBLAS 9.9';
      if (!routines.test(symbol)) throw new Error('no ' + symbol);
      return () => undefined;
    } });`,
} as const;

/** The npm package webgpu, whose devices are destroyed after so many batches. */
const losingGpu = (real: string, after: number): string => `
  import { create as createReal } from ${JSON.stringify(real)};
  export * from ${JSON.stringify(real)};
  let count = 0;
  process.on('exit', () => process.stderr.write('batches ' + count + '\\n'));
  const watched = (device) => {
    const queue = Object.getPrototypeOf(device.queue);
    const { submit } = queue;
    queue.submit = function (...given) {
      submit.apply(this, given);
      if (++count === ${after}) device.destroy();
    };
    return device;
  };
  export const create = (flags) => {
    const gpu = createReal(flags);
    return {
      requestAdapter: async (options) => {
        const adapter = await gpu.requestAdapter(options);
        if (adapter === null) return null;
        const request = adapter.requestDevice.bind(adapter);
        adapter.requestDevice = async (wanted) => watched(await request(wanted));
        return adapter;
      },
    };
  };`;

const moduleOf = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`;

/**
 * The environment in which a process of Node finds itself on such a machine: a module that is loaded before the program
 * has imports resolve as they would there. Writes that module to `folder`.
 */
export const poorerMachine = (
  folder: string,
  { packages = [], libraries, sharedMemory, losesDeviceAfter }: Poverty,
): Readonly<Record<string, string>> => {
  const resolver = `const absent = new Set(${JSON.stringify(packages)});
    export const resolve = async (name, context, next) => {
      ${losesDeviceAfter === undefined ? '' : `if (name === 'webgpu') return { url: 'data:text/javascript,' + encodeURIComponent((${losingGpu.toString()})((await next(name, context)).url, ${losesDeviceAfter})), shortCircuit: true };`}
      ${libraries === undefined ? '' : `if (name === 'koffi') return { url: ${JSON.stringify(moduleOf(koffi[libraries]))}, shortCircuit: true };`}
      if (!absent.has(name)) return next(name, context);
      throw Object.assign(new Error("Cannot find package '" + name + "'"), { code: 'ERR_MODULE_NOT_FOUND' });
    };`;
  const file = join(folder, 'poorer-machine.mjs');
  writeFileSync(
    file,
    `import { register } from 'node:module';
    register(${JSON.stringify(moduleOf(resolver))});
    ${sharedMemory === false ? 'delete globalThis.SharedArrayBuffer;' : ''}`,
  );
  return { NODE_OPTIONS: `--import=${pathToFileURL(file).href}`, DRNN_BLAS: '' };
};
