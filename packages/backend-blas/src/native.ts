import { failure } from '@drnn/tensor';

/** What is handed to native code: numbers by value, typed arrays by the address of what they hold. */
export type NativeValue = number | Float64Array | Float32Array | Int32Array | Uint8Array;

/** A function of a native library. */
export type NativeFunction = (...values: readonly NativeValue[]) => unknown;

/** An open native library: its functions by symbol, null where it has no such symbol. */
export interface NativeLibrary {
  find(symbol: string, result: string, parameters: readonly string[]): NativeFunction | null;
}

/**
 * Opens a native library, for good: closing one whose threads run would be the end of the process. Throws with the
 * loader's own words.
 */
export type OpenLibrary = (path: string) => NativeLibrary;

/** The message of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * The foreign function interface of koffi, which calls native functions on typed arrays in place. It is imported here
 * and only now, so that a machine without it meets a plain error and not a program that cannot start.
 */
const importKoffi = () =>
  import('koffi').catch((cause: unknown) => {
    throw failure(
      {
        path: 'backend-blas koffi',
        seen: `a package that cannot be imported: ${messageOf(cause)}`,
        expected: 'the package koffi, which calls native libraries from Node',
        hint: 'npm install koffi, or choose the wasm backend',
      },
      cause,
    );
  });

export const nativeLoader = async (): Promise<OpenLibrary> => {
  const koffi = await importKoffi();
  return (path) => {
    const library = koffi.load(path);
    return {
      find: (symbol, result, parameters) => {
        try {
          return library.func(symbol, result, [...parameters]);
        } catch {
          return null;
        }
      },
    };
  };
};

/** What the system can be told of the memory of this process. */
export interface NativeMemory {
  /** Where an array lies; it stays there as long as it lives. */
  addressOf(values: Float64Array | Float32Array): number;
  /** madvise(2) on whole pages. Refused, nothing changes. */
  advise(address: number, bytes: number, advice: number): void;
}

/** Null where the system has no madvise. */
export const nativeMemory = async (): Promise<NativeMemory | null> => {
  const koffi = await importKoffi();
  try {
    const advise = koffi.load(null).func('madvise', 'int', ['uintptr_t', 'size_t', 'int']);
    return {
      addressOf: (values) => Number(koffi.address(values)),
      advise: (address, bytes, advice) => void advise(address, bytes, advice),
    };
  } catch {
    return null;
  }
};
