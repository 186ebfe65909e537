import { failure } from '@drnn/tensor';
import { decodeCsv, type CsvOptions } from './csv.js';
import { isHdf5, withHdf5 } from './hdf5.js';
import { labelsOfMat, labelsOfNumbers, labelsOfText } from './labels.js';
import { isMat5, openMat5 } from './mat5.js';
import { decodeNpyText, isNpyText } from './npy-text.js';
import { decodeNpy, decodeNpyHeader, isNpy } from './npy.js';
import { openNpz } from './npz.js';
import { describeShape, type NumericArray } from './numeric-array.js';
import { nwbSampling, type Sampling } from './nwb.js';
import { isZip } from './zip.js';

/** The formats that are told apart by their content. */
export type Format = 'npy' | 'npz' | 'csv' | 'mat' | 'hdf5';

/** One thing inside a file. */
export interface ArrayListing {
  readonly name: string;
  readonly shape: readonly number[] | null;
  /** The type of its numbers, or in words what it is instead. */
  readonly type: string;
  readonly numeric: boolean;
}

/** A file of arrays of any format: what is inside, and each by its key. */
export interface ArrayFile {
  readonly format: Format;
  readonly listing: readonly ArrayListing[];
  /** Whether the file is one array, which then needs no key. */
  readonly single: boolean;
  array(key: string): Promise<NumericArray>;
  /** What is under this key as labels [unit]: text or whole numbers. */
  labels(key: string): Promise<readonly string[]>;
  /** The sampling of the time series under this key; only NWB files know it. */
  sampling(key: string): Promise<Sampling>;
  /** The names of the columns, where the file has a header row. */
  readonly columnNames: readonly string[] | null;
  /** The bytes of an entry that is no array, such as `drnn.json` in an npz file; null when there is none. */
  entry(name: string): Uint8Array | null;
}

const unknownSampling = (): Promise<Sampling> => Promise.resolve({ interval: null, notes: [] });
const noEntry = (): null => null;

const extensionOf = (path: string): string => /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase() ?? '';

const binaryFormats: Readonly<Record<string, string>> = {
  npy: 'an npy file, which starts with \\x93NUMPY',
  npz: 'an npz file, which is a zip archive',
  mat: 'a MATLAB file of version 5 to 7.3',
  h5: 'an HDF5 file',
  hdf5: 'an HDF5 file',
  nwb: 'an NWB file, which is HDF5',
};

/** The format of a file by its first bytes; text is csv. Throws for an empty file and for bytes of no known format. */
export const formatOf = (bytes: Uint8Array, path: string): Format => {
  const extension = extensionOf(path);
  const expected = binaryFormats[extension];
  if (bytes.length === 0) {
    throw failure({ path, seen: 'an empty file', expected: expected ?? 'npy, npz, csv, tsv, mat, HDF5 or NWB' });
  }
  if (isNpy(bytes)) return 'npy';
  if (isZip(bytes)) return 'npz';
  if (isMat5(bytes)) return 'mat';
  if (isHdf5(bytes)) return 'hdf5';
  if (expected === undefined && !bytes.subarray(0, 4096).includes(0)) return 'csv';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'csv';
  throw failure({
    path,
    seen: `${bytes.length} bytes of another kind`,
    expected: expected ?? 'npy, npz, csv, tsv, mat, HDF5 or NWB',
    hint: 'the file is damaged or cut short, or its name ends wrongly',
  });
};

/** A file that is nothing but labels, and no array of numbers. */
const labelFile = (format: Format, stem: string, labels: readonly string[], path: string): ArrayFile => ({
  format,
  listing: [{ name: stem, shape: [labels.length], type: 'text', numeric: false }],
  single: true,
  array: async () => {
    throw failure({ path, seen: 'text', expected: 'numbers' });
  },
  labels: async () => labels,
  sampling: unknownSampling,
  columnNames: null,
  entry: noEntry,
});

/** The name of a file that is a single array: that of the file without its ending. */
export const stemOf = (path: string): string => path.replace(/^.*[/\\]/, '').replace(/\.[^.]*$/, '') || 'array';

/** Opens a file of arrays: by its content first, by its extension where the content does not say. */
export const openArrayFile = async (bytes: Uint8Array, path: string, csv: CsvOptions = {}): Promise<ArrayFile> => {
  const format = formatOf(bytes, path);
  const stem = stemOf(path);
  if (format === 'npy' && isNpyText(bytes, path)) return labelFile(format, stem, decodeNpyText(bytes, path), path);
  if (format === 'npy') {
    const { shape, type } = decodeNpyHeader(bytes, path);
    return {
      format,
      listing: [{ name: stem, shape, type, numeric: true }],
      single: true,
      array: async () => decodeNpy(bytes, path),
      labels: async () => labelsOfNumbers(decodeNpy(bytes, path), path),
      sampling: unknownSampling,
      columnNames: null,
      entry: noEntry,
    };
  }
  if (format === 'csv') {
    const { array, names } = decodeCsv(bytes, csv, path);
    return {
      format,
      listing: [{ name: stem, shape: array.shape, type: 'float64', numeric: true }],
      single: true,
      array: async () => array,
      labels: async () => labelsOfText(bytes, path),
      sampling: unknownSampling,
      columnNames: names,
      entry: noEntry,
    };
  }
  if (format === 'npz') {
    const npz = openNpz(bytes, path);
    return {
      format,
      listing: npz.list().map(({ name, shape, type, note }) => ({
        name,
        shape,
        type: type ?? note ?? 'unknown',
        numeric: type !== null,
      })),
      single: false,
      array: async (key) => npz.array(key),
      labels: async (key) => {
        const text = npz.names.includes(key) ? npz.entry(`${key}.npy`) : null;
        const inFile = `${path}: ${key}`;
        return text !== null && isNpyText(text, inFile)
          ? decodeNpyText(text, inFile)
          : labelsOfNumbers(npz.array(key), inFile);
      },
      sampling: unknownSampling,
      columnNames: null,
      entry: (name) => (npz.others.includes(name) ? npz.entry(name) : null),
    };
  }
  if (format === 'mat') {
    const mat = openMat5(bytes, path);
    return {
      format,
      listing: mat.variables,
      single: false,
      array: async (key) => mat.array(key),
      labels: async (key) => labelsOfMat(mat.value(key), `${path}: ${key}`),
      sampling: unknownSampling,
      columnNames: null,
      entry: noEntry,
    };
  }
  return {
    format,
    listing: await withHdf5(bytes, (file) => file.list(), path),
    single: false,
    array: (key) => withHdf5(bytes, (file) => file.array(key), path),
    labels: async (key) => labelsOfNumbers(await withHdf5(bytes, (file) => file.array(key), path), `${path}: ${key}`),
    sampling: (key) => withHdf5(bytes, (file) => nwbSampling(file, key), path),
    columnNames: null,
    entry: noEntry,
  };
};

/** `r float64 [100, 20], W float64 [20, 20]`: what is inside, for errors. */
export const describeListing = (listing: readonly ArrayListing[]): string =>
  listing.length === 0
    ? 'nothing'
    : listing
        .slice(0, 60)
        .map(({ name, shape, type }) => `${name} ${type}${shape === null ? '' : ` ${describeShape(shape)}`}`)
        .join(', ') + (listing.length > 60 ? ` and ${listing.length - 60} more` : '');

const isMatrixOf =
  (axes: number) =>
  (entry: ArrayListing): boolean =>
    entry.numeric &&
    entry.type !== 'bool' &&
    entry.type !== 'logical' &&
    entry.shape?.length === axes &&
    entry.shape.every((axis) => axis > 1);

/** The key of the only array with this many axes, each longer than 1; otherwise an error that lists what is inside. */
export const onlyArray = (file: ArrayFile, axes: number, path: string): string => {
  const [first] = file.listing;
  if (file.single && first !== undefined) return first.name;
  const candidates = file.listing.filter(isMatrixOf(axes));
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only.name;
  const others = axes === 2 && candidates.length === 0 && file.listing.some(isMatrixOf(3));
  throw failure({
    path,
    seen: `${candidates.length} numeric arrays of ${axes} axes among ${describeListing(file.listing)}`,
    expected: 'one, or a key that says which',
    hint: others
      ? 'an array of 3 axes needs the layout trial-time-unit'
      : candidates.length === 0
        ? 'name an array with key (--key)'
        : `choose with key (--key): ${candidates.map(({ name }) => name).join(', ')}`,
  });
};
