import { failure } from '@drnn/tensor';
import type { Module } from 'h5wasm';

/** The HDF5 C library as h5wasm binds it, with its files in memory. */
export type Hdf5Library = typeof Module;

/** One instance of the library, and the bound on its heap. */
export interface Hdf5Instance {
  readonly library: Hdf5Library;
  /** Bytes of heap beyond which the instance may not grow any further. */
  setHeapLimit(bytes: number): void;
  /** Whether it is no longer to be trusted: growth was refused, a trap was hit, or many files were read. */
  spent: boolean;
  filesRead: number;
}

/** Errors that leave the library through C frames keep a little of its stack; a fresh instance costs about 35 ms. */
const MOST_FILES = 256;
/** A heap that has grown beyond this is given back after the file. */
const LARGEST_IDLE_HEAP = 64 * 1024 * 1024;

const isLibrary = (value: unknown): value is Hdf5Library =>
  typeof value === 'object' && value !== null && 'get_dataset_metadata' in value && 'FS' in value && '_malloc' in value;

/** Where nothing but the package's own instance can be had, as in a bundle. */
const sharedInstance = async (): Promise<Hdf5Instance> => {
  const { ready } = await import('h5wasm');
  const library = await ready;
  return { library, setHeapLimit: () => undefined, spent: false, filesRead: 0 };
};

type Factory = (options: object) => Promise<unknown>;

const isFactory = (value: unknown): value is Factory => typeof value === 'function';

const findFactory = async (): Promise<Factory | null> => {
  try {
    // The build for browsers: unlike that for Node, its file system is memory alone, so no link in a file can reach
    // the disk. Its factory makes instances of our own, which a trap or an overgrown heap lets us throw away.
    const url = new URL('./hdf5_util.js', import.meta.resolve('h5wasm')).href;
    const loaded: unknown = await import(/* @vite-ignore */ url);
    if (typeof loaded !== 'object' || loaded === null || !('default' in loaded)) return null;
    return isFactory(loaded.default) ? loaded.default : null;
  } catch {
    return null;
  }
};

const ownInstance = async (factory: Factory): Promise<Hdf5Instance> => {
  let limit = Number.POSITIVE_INFINITY;
  let heap = new Uint8Array(0);
  const state = { spent: false };
  // The library assigns its heap here each time it has grown, and asks the heap for its length before it grows again.
  // Beyond the limit that question throws, outside of any frame that could catch it: the step that passed the limit is
  // the last. (Throwing in the assignment would leave the library with half of its views stale, and it can loop.)
  const options = Object.defineProperty(
    { noInitialRun: true, print: () => undefined, printErr: () => undefined },
    'HEAPU8',
    {
      enumerable: true,
      get: () => heap,
      set: (grown: Uint8Array<ArrayBuffer>) => {
        heap = grown;
        if (grown.byteLength <= limit) return;
        state.spent = true;
        Object.defineProperty(grown, 'length', {
          get: () => {
            throw new RangeError('the heap of the HDF5 library is at its bound');
          },
        });
      },
    },
  );
  const library = await factory(options);
  if (!isLibrary(library))
    throw failure({ path: 'hdf5', seen: 'an unknown build of h5wasm', expected: 'version 0.10' });
  library.FS.unlink('/dev/random');
  library.FS.unlink('/dev/urandom');
  return {
    library,
    setHeapLimit: (bytes) => {
      limit = bytes;
    },
    get spent() {
      return state.spent || heap.byteLength > LARGEST_IDLE_HEAP;
    },
    set spent(value) {
      state.spent = value;
    },
    filesRead: 0,
  };
};

let factory: Promise<Factory | null> | undefined;
let current: Hdf5Instance | undefined;

/** An instance of the HDF5 library that is fit for another file: the one at hand, or a fresh one. */
export const hdf5Instance = async (): Promise<Hdf5Instance> => {
  if (current !== undefined && !current.spent && current.filesRead < MOST_FILES) return current;
  factory ??= findFactory();
  const make = await factory;
  current = make === null ? await sharedInstance() : await ownInstance(make);
  return current;
};
