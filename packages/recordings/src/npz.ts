import { failure } from '@drnn/tensor';
import { budgetOf, expansionLimit, take, type Budget } from './budget.js';
import { isNpyText } from './npy-text.js';
import {
  decodeNpy,
  decodeNpyFields,
  decodeNpyHeader,
  encodeNpy,
  LONGEST_NPY_HEADER,
  npyHeaderBytes,
  npyLimit,
} from './npy.js';
import type { NumericArray, NumericType } from './numeric-array.js';
import { readZipDirectory, readZipEntry, readZipEntryStart, writeZip, type ZipEntry } from './zip.js';

/** What an archive says about one of its arrays, without its numbers. */
export interface NpzListing {
  readonly name: string;
  /** Null for an entry that is no npy file, and for an array of a type that cannot be read. */
  readonly shape: readonly number[] | null;
  readonly type: NumericType | null;
  /** Why it cannot be read, or what it is instead. */
  readonly note?: string;
}

/** An npz archive whose arrays are decompressed when they are asked for. */
export interface Npz {
  /** Names of the arrays, without `.npy`, in the order of the file. */
  readonly names: readonly string[];
  /** Names of the entries that are no arrays, such as `drnn.json`. */
  readonly others: readonly string[];
  /** Shape and type of every entry; only headers are decompressed. */
  list(): readonly NpzListing[];
  /** The array of this name. Throws when there is none, naming those there are. */
  array(name: string): NumericArray;
  /** The bytes of any entry by its full name, such as `drnn.json` or `W.npy`. */
  entry(name: string): Uint8Array;
}

/** Bytes that reading all of an npz file may allocate: its expansion, and its numbers in C order. */
export const npzLimit = (fileBytes: number): number => 3 * expansionLimit(fileBytes);

const EXTENSION = '.npy';

const headerBytesOf = (entry: ZipEntry, path: string): Uint8Array => {
  const bytes = npyHeaderBytes(readZipEntryStart(entry, 12, path));
  const start = Number.isNaN(bytes) ? 12 : Math.min(bytes, LONGEST_NPY_HEADER + 1);
  return readZipEntryStart(entry, start, path);
};

/**
 * Opens an npz archive (a zip of npy files, as numpy.savez and savez_compressed write it). Declared sizes are bounded
 * by `expansionLimit` of the file before anything is decompressed; the header of an array must agree with the size of
 * its entry before the entry is; every entry is checked against its CRC-32. `path` names the file in errors.
 */
export const openNpz = (bytes: Uint8Array, path = 'npz', budget: Budget = budgetOf(npzLimit(bytes.length))): Npz => {
  const entries = new Map(
    readZipDirectory(bytes, budgetOf(expansionLimit(bytes.length)), path).map((entry) => [entry.name, entry]),
  );
  const names = [...entries.keys()]
    .filter((name) => name.endsWith(EXTENSION))
    .map((name) => name.slice(0, -EXTENSION.length));
  const others = [...entries.keys()].filter((name) => !name.endsWith(EXTENSION));
  const find = (name: string, known: readonly string[], full: string): ZipEntry => {
    const entry = entries.get(full);
    if (entry !== undefined) return entry;
    throw failure({
      path,
      seen: `no array named ${JSON.stringify(name)}`,
      expected: known.length === 0 ? 'an archive with arrays in it' : `one of ${known.join(', ')}`,
    });
  };
  return {
    names,
    others,
    list: () =>
      [...entries.values()].map((entry): NpzListing => {
        if (!entry.name.endsWith(EXTENSION)) {
          return { name: entry.name, shape: null, type: null, note: `${entry.bytes} bytes` };
        }
        const name = entry.name.slice(0, -EXTENSION.length);
        try {
          const header = headerBytesOf(entry, name);
          if (isNpyText(header, name))
            return { name, shape: decodeNpyFields(header, name).shape, type: null, note: 'text' };
          const { shape, type } = decodeNpyHeader(header, name);
          return { name, shape, type };
        } catch (error) {
          return { name, shape: null, type: null, note: error instanceof Error ? error.message : 'not readable' };
        }
      }),
    array: (name) => {
      const inFile = `${path}: ${name}`;
      const entry = find(name, names, `${name}${EXTENSION}`);
      const header = decodeNpyHeader(headerBytesOf(entry, inFile), inFile);
      if (header.dataStart + header.dataBytes !== entry.bytes) {
        throw failure({
          path: inFile,
          seen: `an entry of ${entry.bytes} bytes`,
          expected: `${header.dataStart + header.dataBytes} for ${header.type} [${header.shape.join(', ')}]`,
          hint: 'the file is damaged',
        });
      }
      const plain = readZipEntry(entry, budget, inFile);
      take(budget, npyLimit(plain.length), inFile);
      return decodeNpy(plain, inFile);
    },
    entry: (name) => readZipEntry(find(name, [...entries.keys()], name), budget, `${path}: ${name}`),
  };
};

/** Reads every array of an npz archive. */
export const decodeNpz = (bytes: Uint8Array, path = 'npz', budget?: Budget): ReadonlyMap<string, NumericArray> => {
  const npz = openNpz(bytes, path, budget);
  return new Map(npz.names.map((name) => [name, npz.array(name)]));
};

/**
 * Writes an npz archive that numpy.load reads. Stored by default, since fitted numbers hardly compress; `compress`
 * deflates. `others` are entries that are no arrays, by their full names. Equal input gives equal bytes.
 */
export const encodeNpz = (
  arrays: Readonly<Record<string, NumericArray>> | ReadonlyMap<string, NumericArray>,
  options: { readonly compress?: boolean; readonly others?: ReadonlyMap<string, Uint8Array> } = {},
): Uint8Array<ArrayBuffer> => {
  const named = arrays instanceof Map ? [...arrays] : Object.entries(arrays);
  const entries = new Map<string, Uint8Array>();
  for (const [name, array] of named) entries.set(`${name}${EXTENSION}`, encodeNpy(array, name));
  for (const [name, bytes] of options.others ?? []) entries.set(name, bytes);
  return writeZip(entries, options.compress ?? false);
};
