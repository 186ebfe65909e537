import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { failure } from '@drnn/tensor';
import {
  openArrayFile,
  onlyArray,
  describeListing,
  type ArrayFile,
  type ArrayListing,
  type Format,
  formatOf,
} from './array-file.js';
import type { CsvOptions } from './csv.js';
import { labelsOfText } from './labels.js';
import { decodeModelRecord, type ModelRecord } from './model.js';
import type { NumericArray } from './numeric-array.js';
import { recordingOf, type Layout, type Recording, type Source } from './recording.js';

/** Node reads at most 2 GiB into one array. */
const LARGEST_FILE = 2 ** 31 - 1;

/** The bytes of a file. Throws a `DrnnError` when it is missing, no file, empty or beyond 2 GiB. */
export const readBytes = async (path: string): Promise<Uint8Array> => {
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    found = await stat(path);
  } catch (cause) {
    throw failure(
      { path, seen: 'no such file', expected: 'a file that exists', hint: 'check the name and the folder' },
      cause,
    );
  }
  if (!found.isFile())
    throw failure({ path, seen: found.isDirectory() ? 'a folder' : 'no regular file', expected: 'a file' });
  if (found.size === 0)
    throw failure({ path, seen: 'an empty file', expected: 'npy, npz, csv, tsv, mat, HDF5 or NWB' });
  if (found.size > LARGEST_FILE) {
    throw failure({
      path,
      seen: `${found.size} bytes`,
      expected: `at most ${LARGEST_FILE}`,
      hint: 'split the recording',
    });
  }
  try {
    return await readFile(path);
  } catch (cause) {
    throw failure({ path, seen: 'a file that cannot be read', expected: 'permission to read it' }, cause);
  }
};

/** SHA-256 in hexadecimal. */
export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The same of a file that is read piece by piece. */
export const sha256OfFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(piece);
  return hash.digest('hex');
};

/** How to read a recording; everything left out has a default. */
export interface ReadRecordingOptions {
  /** Which array. Default: the only numeric one of the right number of axes, each longer than 1. */
  readonly key?: string;
  /** Default time-unit. */
  readonly layout?: Layout;
  /** Seconds between frames. Default: what the file says (NWB), else null. */
  readonly samplingInterval?: number;
  /** The trial of each frame `[time]`. */
  readonly trials?: ArrayLike<number>;
  /** Default: the header row of a csv file, else null. */
  readonly unitNames?: readonly string[];
  readonly csv?: CsvOptions;
}

const keyOf = (file: ArrayFile, key: string | undefined, axes: number, path: string): string => {
  if (key === undefined) return onlyArray(file, axes, path);
  const [first] = file.listing;
  if (file.single && first !== undefined) {
    if (key === first.name) return key;
    throw failure({ path, seen: `the key ${JSON.stringify(key)}`, expected: 'no key: the file is a single array' });
  }
  return key;
};

/**
 * Reads a recording from npy, npz, csv, tsv, MATLAB (v5 to v7.3), HDF5 or NWB. The format is told by content. The
 * numbers are the same float64, bit for bit, from every format that holds them. NaN stays; infinity is refused.
 */
export const readRecording = async (path: string, options: ReadRecordingOptions = {}): Promise<Recording> => {
  const bytes = await readBytes(path);
  const layout = options.layout ?? 'time-unit';
  const file = await openArrayFile(bytes, path, options.csv);
  if (file.entry('drnn.json') !== null) {
    throw failure({
      path,
      seen: 'a model of drnn',
      expected: 'a recording',
      hint: 'the recording goes first; a fit starts from a model with from (--from)',
    });
  }
  const key = keyOf(file, options.key, layout === 'trial-time-unit' ? 3 : 2, path);
  const array = await file.array(key);
  const sampling = await file.sampling(key);
  const source: Source = { fileName: basename(path), sha256: sha256(bytes), key };
  const names = layout === 'time-unit' ? file.columnNames : null;
  return recordingOf(basename(path), array, {
    layout,
    source,
    samplingInterval: options.samplingInterval ?? sampling.interval,
    trials: options.trials ?? null,
    unitNames: options.unitNames ?? names,
    notes: sampling.notes,
  });
};

/** An array and where it is from. */
export interface ReadArray {
  readonly array: NumericArray;
  readonly source: Source;
}

/** Reads one array: inputs, masks, trials. Without a key, the file must hold a single numeric array. */
export const readArray = async (
  path: string,
  options: { readonly key?: string; readonly csv?: CsvOptions } = {},
): Promise<ReadArray> => {
  const bytes = await readBytes(path);
  const file = await openArrayFile(bytes, path, options.csv);
  let { key } = options;
  if (key === undefined) {
    const numeric = file.listing.filter((entry) => entry.numeric);
    const [only] = numeric;
    if (only === undefined || numeric.length > 1) {
      throw failure({
        path,
        seen: `${numeric.length} numeric arrays: ${describeListing(file.listing)}`,
        expected: 'one, or a key that says which',
      });
    }
    key = only.name;
  }
  const array = await file.array(keyOf(file, key, 2, path));
  return { array, source: { fileName: basename(path), sha256: sha256(bytes), key } };
};

/**
 * Reads what an option such as `--inputs` names: an array of the recording's own file where that has one under the
 * name, otherwise another file.
 */
export const readKeyOrFile = async (recordingPath: string, keyOrFile: string): Promise<ReadArray> => {
  const bytes = await readBytes(recordingPath);
  const file = await openArrayFile(bytes, recordingPath);
  const inside = !file.single && file.listing.some(({ name }) => name === keyOrFile);
  if (inside) {
    const source = { fileName: basename(recordingPath), sha256: sha256(bytes), key: keyOrFile };
    return { array: await file.array(keyOrFile), source };
  }
  await refuseAbsent(recordingPath, file, keyOrFile);
  return readArray(keyOrFile);
};

/**
 * Reads the label of each unit, `[unit]`, as an option such as `--groups` names them: an array of the recording's own
 * file where that has one under the name, otherwise another file. Text (npy or npz of numpy's `U` and `S`, MATLAB cells
 * and text, one column or row of csv) or whole numbers of any format.
 */
export const readLabels = async (recordingPath: string, keyOrFile: string): Promise<readonly string[]> => {
  const recording = await openArrayFile(await readBytes(recordingPath), recordingPath);
  if (!recording.single && recording.listing.some(({ name }) => name === keyOrFile)) return recording.labels(keyOrFile);
  await refuseAbsent(recordingPath, recording, keyOrFile);
  const bytes = await readBytes(keyOrFile);
  if (formatOf(bytes, keyOrFile) === 'csv') return labelsOfText(bytes, keyOrFile);
  const file = await openArrayFile(bytes, keyOrFile);
  const [only, ...others] = file.listing;
  if (only !== undefined && others.length === 0) return file.labels(only.name);
  throw failure({
    path: keyOrFile,
    seen: `${file.listing.length} arrays: ${describeListing(file.listing)}`,
    expected: 'one, the label of each unit',
  });
};

/** Throws for a name that is neither an array of the recording's file nor a file. */
const refuseAbsent = async (recordingPath: string, file: ArrayFile, keyOrFile: string): Promise<void> => {
  try {
    await stat(keyOrFile);
  } catch (cause) {
    throw failure(
      {
        path: keyOrFile,
        seen: `no array of that name in ${basename(recordingPath)} and no such file`,
        expected: file.single ? 'a file' : `a file, or one of ${describeListing(file.listing)}`,
      },
      cause,
    );
  }
};

/** What is inside a file. */
export interface Inspection {
  readonly fileName: string;
  readonly format: Format;
  readonly bytes: number;
  readonly sha256: string;
  readonly arrays: readonly ArrayListing[];
  readonly columnNames: readonly string[] | null;
  /** The record of a model (`drnn.json`), or null for anything else. */
  readonly model: ModelRecord | null;
}

/** Lists what is inside a recording, a model, or any other file of arrays. */
export const inspect = async (path: string, options: { readonly csv?: CsvOptions } = {}): Promise<Inspection> => {
  const bytes = await readBytes(path);
  const file = await openArrayFile(bytes, path, options.csv);
  const record = file.entry('drnn.json');
  return {
    fileName: basename(path),
    format: file.format,
    bytes: bytes.length,
    sha256: sha256(bytes),
    arrays: file.listing,
    columnNames: file.columnNames,
    model: record === null ? null : decodeModelRecord(record, `${path}: drnn.json`),
  };
};
