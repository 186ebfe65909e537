import type { Naming } from './routines.js';
import type { NativeLibrary } from './native.js';

/** What a library says about itself, and how its threads are set. */
export interface Identity {
  readonly name: string;
  /** In its own words, with the kernels it chose where it says so; null where it does not say. */
  readonly version: string | null;
  /** Sets the threads of the whole process; null where it cannot be told. */
  readonly setThreads: ((count: number) => void) | null;
  /** How many it uses now; null where it does not say. */
  readonly threads: (() => number) | null;
}

type Ask = (library: NativeLibrary, naming: Naming) => Identity | null;

const counter = (library: NativeLibrary, symbol: string, result: string): (() => number) | null => {
  const ask = library.find(symbol, result, []);
  return ask === null ? null : () => Number(ask());
};

const setter = (library: NativeLibrary, symbol: string, parameter: string): ((count: number) => void) | null => {
  const tell = library.find(symbol, 'void', [parameter]);
  return tell === null ? null : (count) => void tell(count);
};

const words = (library: NativeLibrary, symbol: string): string | null => {
  const said = library.find(symbol, 'str', [])?.();
  return typeof said === 'string' ? said : null;
};

const openBlas: Ask = (library, { c }) => {
  const said = words(library, c('openblas_get_config'));
  if (said === null) return null;
  const kernels = words(library, c('openblas_get_corename'));
  const version = /OpenBLAS ([\d.]+)/.exec(said)?.[1] ?? said.trim();
  return {
    name: 'OpenBLAS',
    version: kernels === null ? version : `${version} (${kernels})`,
    setThreads: setter(library, c('openblas_set_num_threads'), 'int'),
    threads: counter(library, c('openblas_get_num_threads'), 'int'),
  };
};

const mkl: Ask = (library) => {
  const ask = library.find('MKL_Get_Version_String', 'void', ['void *', 'int']);
  if (ask === null) return null;
  const text = new Uint8Array(256);
  ask(text, 255);
  const said = String.fromCharCode(...text.subarray(0, Math.max(0, text.indexOf(0)))).trim();
  return {
    name: 'MKL',
    version: /Version ([\d.]+)/.exec(said)?.[1] ?? null,
    setThreads: setter(library, 'MKL_Set_Num_Threads', 'int'),
    threads: counter(library, 'MKL_Get_Max_Threads', 'int'),
  };
};

const blis: Ask = (library) => {
  const version = words(library, 'bli_info_get_version_str');
  if (version === null) return null;
  return {
    name: 'BLIS',
    version,
    setThreads: setter(library, 'bli_thread_set_num_threads', 'int64_t'),
    threads: counter(library, 'bli_thread_get_num_threads', 'int64_t'),
  };
};

const flexiBlas: Ask = (library) => {
  const setThreads = setter(library, 'flexiblas_set_num_threads', 'int');
  if (setThreads === null) return null;
  return {
    name: 'FlexiBLAS',
    version: null,
    setThreads,
    threads: counter(library, 'flexiblas_get_num_threads', 'int'),
  };
};

/** macOS 15 can be told one thread or as many as it likes; before, it chooses. */
const accelerate: Ask = (library) => {
  if (library.find('vDSP_mmul', 'void', []) === null) return null;
  const tell = library.find('BLASSetThreading', 'int', ['int']);
  return {
    name: 'Accelerate',
    version: null,
    setThreads: tell === null ? null : (count) => void tell(count === 1 ? 1 : 0),
    threads: null,
  };
};

/** Who a library is; null for one that does not say, as the reference BLAS, which is slower than the Wasm kernels. */
export const identify: Ask = (library, naming) => {
  for (const ask of [openBlas, mkl, flexiBlas, blis, accelerate]) {
    const identity = ask(library, naming);
    if (identity !== null) return identity;
  }
  return null;
};
