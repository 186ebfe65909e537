import { failure } from '@drnn/tensor';
import { allocate, budgetOf, expansionLimit, take, type Budget } from './budget.js';
import { adler32 } from './checksum.js';
import { columnMajorToRowMajor } from './column-major.js';
import { inflateExactly, inflatePrefix } from './inflate.js';
import { decodeNumbers, viewOf } from './npy.js';
import { bytesPerNumber, describeShape, entriesOf, type NumericArray, type NumericType } from './numeric-array.js';

/** A value of a MATLAB v5 file. Shapes are MATLAB's; numbers are in C order. */
export type MatValue =
  | { readonly kind: 'numeric'; readonly array: NumericArray }
  | { readonly kind: 'char'; readonly shape: readonly number[]; readonly text: string }
  | { readonly kind: 'cell'; readonly shape: readonly number[]; readonly cells: readonly MatValue[] }
  | {
      readonly kind: 'struct';
      readonly shape: readonly number[];
      /** The fields by name, each with one value for every element of the struct array, in MATLAB's order. */
      readonly fields: ReadonlyMap<string, readonly MatValue[]>;
    }
  | { readonly kind: 'unsupported'; readonly shape: readonly number[]; readonly what: string };

/** What the file says about one of its variables. */
export interface MatListing {
  readonly name: string;
  readonly shape: readonly number[];
  /** MATLAB's class: double, single, int8 ..., logical, char, cell, struct, or what cannot be read, such as sparse. */
  readonly type: string;
  readonly numeric: boolean;
}

/** A MATLAB v5 file whose variables are read when they are asked for. */
export interface Mat5 {
  readonly variables: readonly MatListing[];
  /** The variable of this name. Throws when there is none, naming those there are, or when it cannot be read. */
  value(name: string): MatValue;
  /** The numbers of a variable, or of a field of a struct as `struct.field`. */
  array(key: string): NumericArray;
}

const MATRIX = 14;
const COMPRESSED = 15;
const HEADER_BYTES = 128;
const DEEPEST = 32;
const MOST_AXES = 32;
const COMPLEX = 0x0800;
const LOGICAL = 0x0200;

/** Storage types of numbers by their code in a tag (MAT-File Format, table 1-1). */
const storage: ReadonlyMap<number, NumericType> = new Map([
  [1, 'int8'],
  [2, 'uint8'],
  [3, 'int16'],
  [4, 'uint16'],
  [5, 'int32'],
  [6, 'uint32'],
  [7, 'float32'],
  [9, 'float64'],
  [12, 'int64'],
  [13, 'uint64'],
]);

/** Numeric classes by their code in the array flags (table 1-3). */
const numericClasses: ReadonlyMap<number, NumericType> = new Map([
  [6, 'float64'],
  [7, 'float32'],
  [8, 'int8'],
  [9, 'uint8'],
  [10, 'int16'],
  [11, 'uint16'],
  [12, 'int32'],
  [13, 'uint32'],
  [14, 'int64'],
  [15, 'uint64'],
]);

const classNames: ReadonlyMap<number, string> = new Map([
  [1, 'cell'],
  [2, 'struct'],
  [3, 'object'],
  [4, 'char'],
  [5, 'sparse'],
  [6, 'double'],
  [7, 'single'],
  [8, 'int8'],
  [9, 'uint8'],
  [10, 'int16'],
  [11, 'uint16'],
  [12, 'int32'],
  [13, 'uint32'],
  [14, 'int64'],
  [15, 'uint64'],
  [16, 'function handle'],
  [17, 'opaque object'],
]);

const CELL = 1;
const STRUCT = 2;
const CHAR = 4;
const OPAQUE = 17;

/** Whether the bytes start as a MATLAB v5 file does (v6 and v7 are of the same level; v7.3 is HDF5). */
export const isMat5 = (bytes: Uint8Array): boolean => {
  if (bytes.length < HEADER_BYTES) return false;
  const order = String.fromCharCode(...bytes.subarray(126, 128));
  const version = order === 'IM' ? bytes[125] : bytes[124];
  return (order === 'IM' || order === 'MI') && version === 1;
};

/** Bytes that reading all of a MATLAB v5 file may allocate: its expansion E, the numbers as stored (E) and as held (8 E). */
export const mat5Limit = (fileBytes: number): number => 10 * expansionLimit(fileBytes);

interface Element {
  readonly type: number;
  readonly data: Uint8Array;
  /** Where the next element starts. */
  readonly next: number;
}

interface Reader {
  readonly littleEndian: boolean;
  readonly budget: Budget;
  readonly path: string;
}

const truncated = (path: string, seen: string, expected: string): Error =>
  failure({ path, seen, expected, hint: 'the file is damaged or cut short' });

const viewOfBytes = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The element at `at`: a tag of 8 bytes and its data, padded to 8; or up to 4 bytes of data within the tag. */
const readElement = (bytes: Uint8Array, at: number, { littleEndian, path }: Reader): Element => {
  if (at + 8 > bytes.length) throw truncated(path, `${bytes.length - at} bytes at ${at}`, 'an element tag of 8');
  const view = viewOfBytes(bytes);
  const word = view.getUint32(at, littleEndian);
  if (word >>> 16 !== 0) {
    const size = word >>> 16;
    if (size > 4) throw truncated(path, `a small element of ${size} bytes at ${at}`, 'at most 4');
    return { type: word & 0xffff, data: bytes.subarray(at + 4, at + 4 + size), next: at + 8 };
  }
  const size = view.getUint32(at + 4, littleEndian);
  const end = at + 8 + size;
  if (end > bytes.length) {
    throw truncated(path, `an element of ${size} bytes at ${at}`, `at most ${bytes.length - at - 8}, what is left`);
  }
  const next = word === COMPRESSED ? end : Math.min(bytes.length, at + 8 + Math.ceil(size / 8) * 8);
  return { type: word, data: bytes.subarray(at + 8, end), next };
};

/** The header of an array: its flags, shape and name. */
interface ArrayHeader {
  readonly code: number;
  readonly complex: boolean;
  readonly logical: boolean;
  readonly shape: readonly number[];
  readonly name: string;
  /** Where the parts after the header start. */
  readonly next: number;
}

const readArrayHeader = (bytes: Uint8Array, reader: Reader): ArrayHeader => {
  const { littleEndian, path } = reader;
  const flags = readElement(bytes, 0, reader);
  if (flags.type !== 6 || flags.data.length !== 8) throw truncated(path, 'an array without flags', 'array flags');
  const word = viewOfBytes(flags.data).getUint32(0, littleEndian);
  const code = word & 0xff;
  if (code === OPAQUE) {
    return { code, complex: false, logical: false, shape: [], name: readName(bytes, flags.next, reader).name, next: 0 };
  }
  const dimensions = readElement(bytes, flags.next, reader);
  const axes = dimensions.data.length / 4;
  if (dimensions.type !== 5 || !Number.isInteger(axes) || axes < 2 || axes > MOST_AXES) {
    throw truncated(path, `${axes} axes`, `2 to ${MOST_AXES}, as 32-bit integers`);
  }
  const view = viewOfBytes(dimensions.data);
  const shape = Array.from({ length: axes }, (_, axis) => view.getInt32(4 * axis, littleEndian));
  if (Number.isNaN(entriesOf(shape))) throw truncated(path, `the shape ${describeShape(shape)}`, 'sizes below 2^53');
  const { name, next } = readName(bytes, dimensions.next, reader);
  return { code, complex: (word & COMPLEX) !== 0, logical: (word & LOGICAL) !== 0, shape, name, next };
};

const readName = (bytes: Uint8Array, at: number, reader: Reader): { name: string; next: number } => {
  const element = readElement(bytes, at, reader);
  if (element.type !== 1 && element.type !== 2) throw truncated(reader.path, 'an array without a name', 'a name');
  return { name: new TextDecoder('latin1').decode(element.data), next: element.next };
};

const typeName = (header: ArrayHeader): string => {
  const name = header.logical ? 'logical' : (classNames.get(header.code) ?? `class ${header.code}`);
  return header.complex ? `complex ${name}` : name;
};

/** Numbers of class `type`, stored as any type that holds them, in C order. */
const readNumbers = (bytes: Uint8Array, header: ArrayHeader, type: NumericType, reader: Reader): NumericArray => {
  const { budget, littleEndian, path } = reader;
  const { shape } = header;
  const entries = entriesOf(shape);
  if (entries === 0) return { shape, type, data: viewOf(type, allocate(budget, 0, path)) };
  const element = readElement(bytes, header.next, reader);
  const stored = storage.get(element.type);
  if (stored === undefined || element.data.length !== entries * bytesPerNumber[stored]) {
    throw truncated(
      path,
      `${element.data.length} bytes of ${stored ?? `type ${element.type}`}`,
      `${entries} numbers for ${describeShape(shape)}`,
    );
  }
  const source = decodeNumbers(element.data, stored, littleEndian, budget, path);
  const held = type === 'int64' || type === 'uint64' ? 'float64' : type;
  const data = viewOf(type, allocate(budget, entries * bytesPerNumber[held], path));
  columnMajorToRowMajor(shape, source, data);
  if (type === 'bool') for (let i = 0; i < data.length; i++) if (data[i] !== 0) data[i] = 1;
  return { shape, type, data };
};

const readText = (bytes: Uint8Array, header: ArrayHeader, reader: Reader): string => {
  if (entriesOf(header.shape) === 0) return '';
  const { type, data } = readElement(bytes, header.next, reader);
  take(reader.budget, 2 * data.length, reader.path);
  if (type === 16 || type === 1 || type === 2) return new TextDecoder(type === 16 ? 'utf-8' : 'latin1').decode(data);
  if (type === 17 || type === 4 || type === 3) {
    return new TextDecoder(reader.littleEndian ? 'utf-16le' : 'utf-16be').decode(data);
  }
  throw truncated(reader.path, `text stored as type ${type}`, 'UTF-8 or UTF-16');
};

/** Reads an array nested in a cell or struct; at least 8 bytes of the file are behind each, which bounds their number. */
const readNested = (
  bytes: Uint8Array,
  at: number,
  reader: Reader,
  depth: number,
): { value: MatValue; next: number } => {
  const element = readElement(bytes, at, reader);
  if (element.type !== MATRIX) throw truncated(reader.path, `an element of type ${element.type}`, 'an array');
  take(reader.budget, 8, reader.path);
  if (element.data.length > 0) return { value: readValue(element.data, reader, depth), next: element.next };
  const data = new Float64Array(0);
  return { value: { kind: 'numeric', array: { shape: [0, 0], type: 'float64', data } }, next: element.next };
};

const readValue = (bytes: Uint8Array, reader: Reader, depth: number): MatValue => {
  const { path } = reader;
  if (depth > DEEPEST) throw truncated(path, `cells or structs nested deeper than ${DEEPEST}`, 'a flatter variable');
  const header = readArrayHeader(bytes, reader);
  const { code, shape } = header;
  const type = header.logical ? 'bool' : numericClasses.get(code);
  if (type !== undefined && !header.complex && numericClasses.has(code)) {
    return { kind: 'numeric', array: readNumbers(bytes, header, type, reader) };
  }
  if (code === CHAR) return { kind: 'char', shape, text: readText(bytes, header, reader) };
  const entries = entriesOf(shape);
  if (code === CELL) {
    const cells: MatValue[] = [];
    let at = header.next;
    for (let i = 0; i < entries; i++) {
      const { value, next } = readNested(bytes, at, reader, depth + 1);
      cells.push(value);
      at = next;
    }
    return { kind: 'cell', shape, cells };
  }
  if (code === STRUCT) {
    const width = readElement(bytes, header.next, reader);
    const nameBytes = width.data.length === 4 ? viewOfBytes(width.data).getInt32(0, reader.littleEndian) : 0;
    const names = readElement(bytes, width.next, reader);
    const count = names.data.length / nameBytes;
    if (width.type !== 5 || nameBytes < 1 || names.type !== 1 || !Number.isInteger(count)) {
      throw truncated(path, 'a struct without field names', 'a table of field names');
    }
    const fieldNames = Array.from({ length: count }, (_, i) => {
      const padded = names.data.subarray(i * nameBytes, (i + 1) * nameBytes);
      const end = padded.indexOf(0);
      return new TextDecoder('latin1').decode(end < 0 ? padded : padded.subarray(0, end));
    });
    const fields = new Map<string, MatValue[]>(fieldNames.map((name) => [name, []]));
    let at = names.next;
    for (let i = 0; count > 0 && i < entries; i++) {
      for (const name of fieldNames) {
        const { value, next } = readNested(bytes, at, reader, depth + 1);
        fields.get(name)?.push(value);
        at = next;
      }
    }
    return { kind: 'struct', shape, fields };
  }
  return { kind: 'unsupported', shape, what: typeName(header) };
};

/** A zlib stream (RFC 1950) without its two bytes of header and four of checksum. */
const deflateOf = (zlib: Uint8Array, path: string): Uint8Array => {
  const [method = 0, flags = 0] = zlib;
  if (zlib.length < 6 || (method & 15) !== 8 || ((method << 8) | flags) % 31 !== 0 || (flags & 32) !== 0) {
    throw truncated(path, 'a compressed variable without a zlib header', 'a zlib stream');
  }
  return zlib.subarray(2, -4);
};

/** Enough of an array to know its flags, shape and name: names are at most 63 characters in MATLAB. */
const LISTING_BYTES = 1024;

interface Variable {
  readonly listing: MatListing;
  readonly element: Element;
}

const inflateVariable = (zlib: Uint8Array, reader: Reader): Uint8Array => {
  const { path } = reader;
  const compressed = deflateOf(zlib, path);
  const tag = inflatePrefix(compressed, 8, path);
  if (tag.length < 8) throw truncated(path, `${tag.length} bytes in a compressed variable`, 'an element');
  const size = viewOfBytes(tag).getUint32(4, reader.littleEndian);
  const plain = inflateExactly(compressed, 8 + size, reader.budget, path);
  if (viewOfBytes(zlib).getUint32(zlib.length - 4) !== adler32(plain)) {
    throw truncated(path, 'a compressed variable whose checksum is wrong', 'the numbers as they were written');
  }
  return plain;
};

const listVariable = (element: Element, reader: Reader): MatListing => {
  const { path } = reader;
  let start = element.data;
  if (element.type === COMPRESSED) {
    const prefix = inflatePrefix(deflateOf(element.data, path), LISTING_BYTES, path);
    if (prefix.length < 16 || viewOfBytes(prefix).getUint32(0, reader.littleEndian) !== MATRIX) {
      throw truncated(path, 'a compressed element that is no array', 'an array');
    }
    start = prefix.subarray(8);
  }
  const header = readArrayHeader(start, reader);
  const numeric = numericClasses.has(header.code) && !header.complex;
  return { name: header.name, shape: header.shape, type: typeName(header), numeric };
};

/**
 * Opens a MATLAB v5 file (MAT-File Format, R2023b, chapter 1; MATLAB's -v6 and -v7): real numbers of every class,
 * logical, char, cell and struct, either byte order, compressed or not. Complex, sparse and object variables are
 * refused when asked for, not before. Arrays come in C order with MATLAB's shape. `path` names the file in errors.
 */
export const openMat5 = (bytes: Uint8Array, path = 'mat', budget: Budget = budgetOf(mat5Limit(bytes.length))): Mat5 => {
  if (!isMat5(bytes)) {
    throw failure({
      path,
      seen: bytes.length === 0 ? 'an empty file' : `${bytes.length} bytes that are no MATLAB v5 file`,
      expected: 'a header of 128 bytes that ends with the version and byte order',
      hint: 'MATLAB v4 files are not read; save with -v7',
    });
  }
  const reader: Reader = { littleEndian: bytes[126] === 0x49, budget, path };
  const variables: Variable[] = [];
  for (let at = HEADER_BYTES; at < bytes.length;) {
    const element = readElement(bytes, at, reader);
    at = element.next;
    if (element.type !== MATRIX && element.type !== COMPRESSED) continue;
    const listing = listVariable(element, reader);
    // MATLAB keeps the data of its objects in a nameless variable.
    if (listing.name !== '') variables.push({ listing, element });
  }
  const value = (name: string): MatValue => {
    const found = variables.find(({ listing }) => listing.name === name);
    if (found === undefined) {
      throw failure({
        path,
        seen: `no variable named ${JSON.stringify(name)}`,
        expected: `one of ${variables.map(({ listing }) => `${listing.name} ${describeShape(listing.shape)}`).join(', ')}`,
      });
    }
    const inFile: Reader = { ...reader, path: `${path}: ${name}` };
    const { element, listing } = found;
    let body = element.data;
    if (element.type === COMPRESSED) body = inflateVariable(element.data, inFile).subarray(8);
    const read = readValue(body, inFile, 0);
    if (read.kind !== 'unsupported') return read;
    throw failure({
      path: inFile.path,
      seen: `a ${listing.type} variable ${describeShape(listing.shape)}`,
      expected: 'real numbers, logical, char, cell or struct',
      hint: listing.type.includes('sparse') ? 'save full(x)' : 'save its numbers as a plain matrix',
    });
  };
  return {
    variables: variables.map(({ listing }) => listing),
    value,
    array: (key) => {
      const whole = variables.some(({ listing }) => listing.name === key);
      const [name = '', ...fields] = whole ? [key] : key.split('.');
      let found = value(name);
      for (const field of fields) {
        const next = found.kind === 'struct' ? found.fields.get(field)?.[0] : undefined;
        if (next === undefined) {
          throw failure({
            path: `${path}: ${name}`,
            seen: `no field ${JSON.stringify(field)} in a ${found.kind}`,
            expected: found.kind === 'struct' ? `one of ${[...found.fields.keys()].join(', ')}` : 'a struct',
          });
        }
        found = next;
      }
      if (found.kind === 'numeric') return found.array;
      throw failure({
        path: `${path}: ${key}`,
        seen: found.kind === 'unsupported' ? `a ${found.what} value` : `a ${found.kind} value`,
        expected: 'an array of real numbers',
      });
    },
  };
};

/** Reads every numeric variable of a MATLAB v5 file. */
export const decodeMat5 = (bytes: Uint8Array, path = 'mat', budget?: Budget): ReadonlyMap<string, NumericArray> => {
  const file = openMat5(bytes, path, budget);
  return new Map(file.variables.filter(({ numeric }) => numeric).map(({ name }) => [name, file.array(name)]));
};
