import { DrnnError, failure } from '@drnn/tensor';
import { allocate, budgetOf, expansionLimit, take, type Budget } from './budget.js';
import { columnMajorToRowMajor } from './column-major.js';
import { hdf5Instance, type Hdf5Instance, type Hdf5Library } from './hdf5-library.js';
import { decodeNumbers, viewOf } from './npy.js';
import { bytesPerNumber, describeShape, entriesOf, type NumericArray, type NumericType } from './numeric-array.js';

/** What an HDF5 file holds under one path. */
export interface Hdf5Listing {
  /** The path of a dataset or link, without the slash in front. */
  readonly name: string;
  /** The shape as `array` gives it; null for a link and for a dataset without numbers. */
  readonly shape: readonly number[] | null;
  /** The type of its numbers, or in words what it is instead. */
  readonly type: string;
  readonly numeric: boolean;
}

/** An open HDF5 file, valid within the function it is handed to. */
export interface Hdf5 {
  list(): readonly Hdf5Listing[];
  /** The numbers of the dataset at this path, or of `path/data` when `path` is a group with one (an NWB time series). */
  array(path: string): NumericArray;
  /** The path of the dataset that `array` would read, with links resolved and without the slash in front. */
  resolve(path: string): string;
  has(path: string): boolean;
  /** A scalar numeric attribute, or null when there is none. */
  attribute(path: string, name: string): number | null;
}

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const MOST_OBJECTS = 4096;
const DEEPEST = 32;
const MOST_LINKS = 16;
const BLOCK_BYTES = 16 * 1024 * 1024;
const HEAP_BASE = 64 * 1024 * 1024;
const LARGEST_ATTRIBUTE = 4096;

const GROUP = 0;
const DATASET = 1;
const INTEGER = 0;
const FLOAT = 1;
const STRING = 3;
const ENUM = 8;
const typeClasses = [
  'integer',
  'float',
  'time',
  'text',
  'bits',
  'opaque',
  'compound',
  'references',
  'enum',
  'ragged',
  'array',
];

/** Whether the bytes hold an HDF5 signature where one may be: at 0, 512, 1024, ... (a MATLAB 7.3 file has it at 512). */
export const isHdf5 = (bytes: Uint8Array): boolean => {
  for (let at = 0; at + 8 <= bytes.length; at = at === 0 ? 512 : 2 * at) {
    if (SIGNATURE.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
};

const isMatlab = (bytes: Uint8Array): boolean =>
  new TextDecoder('latin1').decode(bytes.subarray(0, 10)) === 'MATLAB 7.3';

/** Bytes that reading an HDF5 file may allocate in arrays: its expansion, as read and turned to C order. */
export const hdf5Limit = (fileBytes: number): number => 4 * expansionLimit(fileBytes);

type Metadata = ReturnType<Hdf5Library['get_dataset_metadata']>;

const numericType = ({ type, size, signed, enum_type: members }: Metadata): NumericType | null => {
  if (type === FLOAT) return size === 8 ? 'float64' : size === 4 ? 'float32' : null;
  if (type === ENUM && size === 1 && members?.members['FALSE'] === 0 && members.members['TRUE'] === 1) return 'bool';
  if (type !== INTEGER) return null;
  if (size === 8) return signed ? 'int64' : 'uint64';
  if (size === 4) return signed ? 'int32' : 'uint32';
  if (size === 2) return signed ? 'int16' : 'uint16';
  return size === 1 ? (signed ? 'int8' : 'uint8') : null;
};

const describeType = (metadata: Metadata): string =>
  metadata.vlen ? 'text' : `${typeClasses[metadata.type] ?? 'unknown'} of ${metadata.size} bytes`;

const join = (group: string, name: string): string => (group === '/' ? `/${name}` : `${group}/${name}`);

interface Opened {
  readonly library: Hdf5Library;
  readonly file: bigint;
  readonly bytes: Uint8Array;
  readonly matlab: boolean;
  readonly budget: Budget;
  readonly path: string;
}

/** Follows soft links within the file by hand and refuses external ones, so that the library never opens another file. */
const resolveLinks = ({ library, file, path }: Opened, wanted: string): string => {
  let rest = wanted.split('/').filter((part) => part !== '' && part !== '.');
  let at = '/';
  let links = 0;
  for (let steps = 0; rest.length > 0; steps++) {
    const [name = '', ...after] = rest;
    const next = join(at, name);
    const external = library.get_external_link(file, next);
    if ('filename' in external) {
      throw failure({
        path: `${path}: ${wanted}`,
        seen: `a link to another file, ${JSON.stringify(String(external.filename).slice(0, 80))}`,
        expected: 'a dataset in this file',
        hint: 'read the other file itself',
      });
    }
    const target: string | null = library.get_symbolic_link(file, next);
    if (target === null) {
      at = next;
      rest = after;
    } else {
      links++;
      const parts = target.split('/').filter((part) => part !== '' && part !== '.');
      if (target.startsWith('/')) at = '/';
      rest = [...parts, ...after];
    }
    if (links > MOST_LINKS || steps > 4 * DEEPEST) {
      throw failure({ path: `${path}: ${wanted}`, seen: 'links that go round in a circle', expected: 'a dataset' });
    }
  }
  return at;
};

const readAttribute = (
  { library, file }: Opened,
  at: string,
  name: string,
): { metadata: Metadata; data: Uint8Array } | null => {
  if (!library.get_attribute_names(file, at).includes(name)) return null;
  const metadata = library.get_attribute_metadata(file, at, name);
  const bytes = metadata.size * metadata.total_size;
  if (metadata.shape === null || metadata.vlen || !(bytes > 0 && bytes <= LARGEST_ATTRIBUTE)) return null;
  if (metadata.type !== STRING && numericType(metadata) === null) return null;
  const pointer = library._malloc(bytes);
  if (pointer === 0) return null;
  try {
    if (library.get_attribute_data(file, at, name, BigInt(pointer)) < 0) return null;
    return { metadata, data: library.HEAPU8.slice(pointer, pointer + bytes) };
  } finally {
    library._free(pointer);
  }
};

const textAttribute = (opened: Opened, at: string, name: string): string | null => {
  const attribute = readAttribute(opened, at, name);
  if (attribute === null || attribute.metadata.type !== STRING) return null;
  return new TextDecoder('latin1').decode(attribute.data).replace(/\0.*$/s, '').trimEnd();
};

const numberAttribute = (opened: Opened, at: string, name: string): number | null => {
  const attribute = readAttribute(opened, at, name);
  const type = attribute === null ? null : numericType(attribute.metadata);
  if (attribute === null || type === null || attribute.data.length !== bytesPerNumber[type]) return null;
  return decodeNumbers(attribute.data, type, true, budgetOf(LARGEST_ATTRIBUTE), name)[0] ?? null;
};

interface Described {
  readonly metadata: Metadata;
  readonly type: NumericType | null;
  /** The shape that `array` gives: MATLAB's own for MATLAB files. */
  readonly shape: readonly number[] | null;
  readonly words: string;
  readonly turned: boolean;
  readonly empty: boolean;
}

const matlabNumbers = new Set([
  'double',
  'single',
  'logical',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
]);

const describeDataset = (opened: Opened, at: string): Described => {
  const metadata = opened.library.get_dataset_metadata(opened.file, at);
  const matlabClass = textAttribute(opened, at, 'MATLAB_class');
  const turned = opened.matlab || matlabClass !== null;
  const empty = turned && numberAttribute(opened, at, 'MATLAB_empty') === 1;
  const stored = numericType(metadata);
  const isNumber = matlabClass === null || matlabNumbers.has(matlabClass);
  const type = stored === null || !isNumber ? null : matlabClass === 'logical' ? 'bool' : stored;
  const shape = metadata.shape === null ? null : turned ? metadata.shape.toReversed() : metadata.shape;
  return { metadata, type, shape, words: type ?? matlabClass ?? describeType(metadata), turned, empty };
};

const listObjects = (opened: Opened): readonly Hdf5Listing[] => {
  const { library, file, path } = opened;
  const found: Hdf5Listing[] = [];
  let visited = 0;
  const walk = (group: string, depth: number): void => {
    for (const name of library.get_names(file, group, false)) {
      if (++visited > MOST_OBJECTS || depth > DEEPEST) {
        throw failure({
          path,
          seen: `more than ${MOST_OBJECTS} objects or ${DEEPEST} levels of groups`,
          expected: 'fewer, to list what is inside',
          hint: 'name the dataset by its path',
        });
      }
      const at = join(group, name);
      const shown = at.slice(1);
      const external = library.get_external_link(file, at);
      if ('filename' in external) {
        found.push({ name: shown, shape: null, type: 'link to another file, not followed', numeric: false });
        continue;
      }
      const target: string | null = library.get_symbolic_link(file, at);
      if (target !== null) {
        found.push({ name: shown, shape: null, type: `link to ${target.slice(0, 200)}`, numeric: false });
        continue;
      }
      const kind = library.get_type(file, at);
      if (kind === GROUP) {
        // MATLAB keeps the contents of cells and objects here.
        if (opened.matlab && group === '/' && name.startsWith('#')) continue;
        if (opened.matlab && library.get_attribute_names(file, at).includes('MATLAB_sparse')) {
          found.push({ name: shown, shape: null, type: 'sparse', numeric: false });
        } else {
          walk(at, depth + 1);
        }
      } else if (kind === DATASET) {
        const { type, shape, words, metadata } = describeDataset(opened, at);
        const virtual = metadata.virtual_sources !== undefined;
        found.push({
          name: shown,
          shape: shape === null ? null : [...shape],
          type: virtual ? 'virtual, in other files' : words,
          numeric: type !== null && shape !== null && !virtual,
        });
      }
    }
  };
  walk('/', 0);
  return found;
};

/** Reads a dataset in blocks of rows, whole chunks each, so that the library's heap stays small. */
const readDataset = (opened: Opened, at: string): NumericArray => {
  const { library, file, bytes, budget } = opened;
  const path = `${opened.path}: ${at.slice(1)}`;
  const described = describeDataset(opened, at);
  const { metadata, type, turned } = described;
  const stored = numericType(metadata);
  if (type === null || stored === null || metadata.shape === null || described.shape === null) {
    throw failure({
      path,
      seen: metadata.shape === null ? 'a dataset without values' : `values of type ${described.words}`,
      expected: 'a dataset of real numbers',
      hint: describeType(metadata).startsWith('compound')
        ? 'save real and imaginary parts, or fields, on their own'
        : 'see drnn inspect',
    });
  }
  if (metadata.virtual_sources !== undefined) {
    throw failure({
      path,
      seen: 'a virtual dataset',
      expected: 'numbers stored in this file',
      hint: 'copy the data into one file',
    });
  }
  const entries = entriesOf(metadata.shape);
  const total = entries * metadata.size;
  const chunk = (metadata.chunks ?? []).reduce((product, axis) => product * axis, metadata.size);
  const most = metadata.chunks === null ? bytes.length : expansionLimit(bytes.length);
  if (entries !== metadata.total_size || !(total <= most) || !(chunk <= expansionLimit(bytes.length))) {
    throw failure({
      path,
      seen: `${described.words} ${describeShape(described.shape)}, ${total} bytes in chunks of ${chunk}, in a file of ${bytes.length}`,
      expected: `at most ${most} bytes for a file of this size`,
      hint: 'the file is damaged, or most of the dataset was never written',
    });
  }
  if (described.empty) {
    // An empty MATLAB array stores its shape as its numbers.
    return { shape: [0, 0], type, data: viewOf(type, allocate(budget, 0, path)) };
  }
  take(budget, total, path);
  const raw = new Uint8Array(total);
  const [rows = 1, ...others] = metadata.shape;
  const rowBytes = rows === 0 ? 0 : total / rows;
  const chunkRows = metadata.chunks?.[0] ?? 1;
  const wanted = Math.max(1, Math.floor(BLOCK_BYTES / Math.max(1, rowBytes)));
  const blockRows = Math.min(rows, Math.ceil(wanted / chunkRows) * chunkRows);
  const scalar = metadata.shape.length === 0;
  for (let row = 0; total > 0 && row < rows; row += blockRows) {
    const count = Math.min(blockRows, rows - row);
    const pointer = library._malloc(count * rowBytes);
    if (pointer === 0)
      throw failure({ path, seen: `a block of ${count * rowBytes} bytes`, expected: 'one that fits in memory' });
    try {
      const counts = scalar ? null : [count, ...others].map(BigInt);
      const offsets = scalar ? null : [row, ...others.map(() => 0)].map(BigInt);
      const strides = scalar ? null : metadata.shape.map(() => 1n);
      if (library.get_dataset_data(file, at, counts, offsets, strides, BigInt(pointer)) < 0) {
        throw failure({
          path,
          seen: 'numbers that the HDF5 library could not read',
          expected: 'numbers stored in this file, plain or compressed with gzip, shuffle, szip or n-bit',
          hint: 'the file is damaged, or the numbers are in another file, or compressed by a plug-in (h5repack -f GZIP=4)',
        });
      }
      raw.set(library.HEAPU8.subarray(pointer, pointer + count * rowBytes), row * rowBytes);
    } finally {
      library._free(pointer);
    }
  }
  const data = decodeNumbers(raw, stored === 'uint8' && type === 'bool' ? 'bool' : stored, true, budget, path);
  if (!turned) return { shape: [...described.shape], type, data };
  const target = viewOf(type, allocate(budget, data.byteLength, path));
  columnMajorToRowMajor(described.shape, data, target);
  return { shape: [...described.shape], type, data: target };
};

const openedFile = (opened: Opened): Hdf5 => {
  const { library, file } = opened;
  const kindOf = (wanted: string): { at: string; kind: number } => {
    const at = resolveLinks(opened, wanted);
    return { at, kind: at === '/' ? GROUP : library.get_type(file, at) };
  };
  const find = (wanted: string): string => {
    const { at, kind } = kindOf(wanted);
    if (kind === DATASET) return at;
    if (kind === GROUP && at !== '/') {
      const inside = kindOf(`${at}/data`);
      if (inside.kind === DATASET) return inside.at;
    }
    const known = listObjects(opened).filter((entry) => entry.numeric);
    throw failure({
      path: opened.path,
      seen:
        kind === GROUP
          ? `a group ${JSON.stringify(wanted)} without data of its own`
          : `no dataset ${JSON.stringify(wanted)}`,
      expected:
        known.length === 0
          ? 'a file with numeric datasets'
          : `one of ${known.map(({ name, shape }) => `${name} ${describeShape(shape ?? [])}`).join(', ')}`,
    });
  };
  return {
    list: () => listObjects(opened),
    array: (wanted) => readDataset(opened, find(wanted)),
    resolve: (wanted) => find(wanted).slice(1),
    has: (wanted) => kindOf(wanted).kind === DATASET,
    attribute: (wanted, name) => numberAttribute(opened, resolveLinks(opened, wanted), name),
  };
};

const secretName = (): string => {
  const random = globalThis.crypto.getRandomValues(new Uint32Array(4));
  return `/${[...random].map((word) => word.toString(16)).join('')}.h5`;
};

const runWith = <Result>(
  instance: Hdf5Instance,
  bytes: Uint8Array,
  path: string,
  budget: Budget,
  use: (file: Hdf5) => Result,
): Result => {
  const { library } = instance;
  // A name that no file can know: external storage and links that name a file find nothing.
  const name = secretName();
  instance.filesRead++;
  instance.setHeapLimit(HEAP_BASE + 3 * expansionLimit(bytes.length));
  let file = -1n;
  try {
    library.FS.writeFile(name, bytes);
    file = library.open(name, library.H5F_ACC_RDONLY, false, -1, -1);
    if (file < 0n) {
      throw failure({
        path,
        seen: bytes.length === 0 ? 'an empty file' : `${bytes.length} bytes that the HDF5 library cannot open`,
        expected: 'an HDF5 file',
        hint: 'the file is damaged or cut short',
      });
    }
    return use(openedFile({ library, file, bytes, matlab: isMatlab(bytes), budget, path }));
  } catch (error) {
    if (error instanceof DrnnError) throw error;
    // Anything but the library's own complaints is a trap in it, after which its memory means nothing.
    if (!(error instanceof Error) || error.constructor !== Error) instance.spent = true;
    throw failure(
      {
        path,
        seen: 'HDF5 structures that the library cannot follow',
        expected: 'a whole HDF5 file',
        hint: 'the file is damaged or cut short',
      },
      error,
    );
  } finally {
    try {
      if (file >= 0n && library.close_file(file) < 0) instance.spent = true;
      library.FS.unlink(name);
    } catch {
      instance.spent = true;
    }
  }
};

/**
 * Opens an HDF5, NWB or MATLAB 7.3 file, hands it to `use`, and closes it whatever happens. Numbers come in the order
 * of the file, those of MATLAB 7.3 with MATLAB's shape. Links to other files, virtual datasets and external storage
 * are refused: the library sees no file but this one. A dataset is read only if its declared size is within
 * `expansionLimit` of the file. A crash inside the library becomes a `DrnnError`, and the next call gets a fresh one.
 */
export const withHdf5 = async <Result>(
  bytes: Uint8Array,
  use: (file: Hdf5) => Result,
  path = 'hdf5',
  budget: Budget = budgetOf(hdf5Limit(bytes.length)),
): Promise<Result> => runWith(await hdf5Instance(), bytes, path, budget, use);
