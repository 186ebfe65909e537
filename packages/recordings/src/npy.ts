import { failure } from '@drnn/tensor';
import { allocate, budgetOf, type Budget } from './budget.js';
import { columnMajorToRowMajor } from './column-major.js';
import {
  bytesPerNumber,
  describeShape,
  entriesOf,
  type NumericArray,
  type NumericData,
  type NumericType,
} from './numeric-array.js';

/** What the header of an npy file declares. */
export interface NpyHeader {
  readonly type: NumericType;
  readonly littleEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Bytes from the start of the file to the first number. */
  readonly dataStart: number;
  /** Bytes of the numbers. */
  readonly dataBytes: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Longer headers are those of structured types, which are refused anyway; numpy itself refuses above 10,000. */
export const LONGEST_NPY_HEADER = 65_536;
const MOST_AXES = 32;

/** Whether the bytes start as an npy file does. */
export const isNpy = (bytes: Uint8Array): boolean => MAGIC.every((byte, i) => bytes[i] === byte);

const types: ReadonlyMap<string, NumericType> = new Map([
  ['f8', 'float64'],
  ['f4', 'float32'],
  ['i1', 'int8'],
  ['i2', 'int16'],
  ['i4', 'int32'],
  ['i8', 'int64'],
  ['u1', 'uint8'],
  ['u2', 'uint16'],
  ['u4', 'uint32'],
  ['u8', 'uint64'],
  ['b1', 'bool'],
]);
const codes: ReadonlyMap<NumericType, string> = new Map([...types].map(([code, type]) => [type, code]));

const refusedKinds: Readonly<Record<string, string>> = {
  O: 'Python objects (pickled)',
  c: 'complex numbers',
  U: 'text',
  S: 'text',
  a: 'text',
  V: 'a structured or opaque type',
  M: 'dates',
  m: 'time spans',
};

const KNOWN_TYPES = 'float32, float64, int8 to int64, uint8 to uint64 or bool';

const parseDescription = (descr: string, path: string): { type: NumericType; littleEndian: boolean } => {
  const match = /^([<>|=]?)([a-zA-Z])(\d*)/.exec(descr);
  const type = match === null || match[0] !== descr ? undefined : types.get(`${match[2]}${match[3]}`);
  if (match === null || type === undefined) {
    const kind = match === null ? undefined : refusedKinds[match[2] ?? ''];
    throw failure({
      path,
      seen: kind === undefined ? `numbers of type '${descr.slice(0, 40)}'` : `${kind}, type '${descr.slice(0, 40)}'`,
      expected: KNOWN_TYPES,
      hint: 'convert it with array.astype(numpy.float64) before saving',
    });
  }
  return { type, littleEndian: match[1] !== '>' };
};

/** A token of the header, which is a Python literal: a string, a name or number, or a mark. */
const TOKEN = /\s*(?:'([^'\\]*)'|"([^"\\]*)"|([A-Za-z0-9_]+)|([{}()[\],:]))/y;

interface Token {
  readonly text?: string;
  readonly word?: string;
  readonly mark?: string;
}

const tokensOf = (text: string, path: string): readonly Token[] => {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (at < text.length && text.slice(at).trim() !== '') {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) {
      throw failure({
        path,
        seen: `the header ${JSON.stringify(text.slice(0, 80))}`,
        expected: "a Python dictionary with 'descr', 'fortran_order' and 'shape'",
      });
    }
    const [, single, double, word, mark] = match;
    const quoted = single ?? double;
    if (quoted !== undefined) tokens.push({ text: quoted });
    else if (word !== undefined) tokens.push({ word });
    else if (mark !== undefined) tokens.push({ mark });
    at = TOKEN.lastIndex;
  }
  return tokens;
};

interface Fields {
  /** The type, as numpy writes it. */
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

const parseFields = (text: string, path: string): Fields => {
  const tokens = tokensOf(text, path);
  const wrong = (what: string): Error =>
    failure({
      path,
      seen: `${what} in the header ${JSON.stringify(text.slice(0, 120).trim())}`,
      expected: "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }",
    });
  let at = 0;
  const isMark = (mark: string): boolean => tokens[at]?.mark === mark;
  const passMark = (mark: string): void => {
    if (!isMark(mark)) throw wrong(`no '${mark}'`);
    at++;
  };
  let descr: string | undefined;
  let fortranOrder: boolean | undefined;
  let shape: number[] | undefined;
  passMark('{');
  while (!isMark('}')) {
    const key = tokens[at++]?.text;
    passMark(':');
    if (key === 'descr' && descr === undefined) {
      if (isMark('[')) {
        throw failure({
          path,
          seen: 'a structured type (a table of named fields)',
          expected: KNOWN_TYPES,
          hint: 'save each field as an array of its own',
        });
      }
      descr = tokens[at++]?.text;
      if (descr === undefined) throw wrong("no text for 'descr'");
    } else if (key === 'fortran_order' && fortranOrder === undefined) {
      const word = tokens[at++]?.word;
      if (word !== 'True' && word !== 'False') throw wrong("neither True nor False for 'fortran_order'");
      fortranOrder = word === 'True';
    } else if (key === 'shape' && shape === undefined) {
      shape = [];
      passMark('(');
      while (!isMark(')')) {
        const word = tokens[at++]?.word;
        if (word === undefined || !/^\d{1,16}L?$/.test(word)) throw wrong("no whole number in 'shape'");
        shape.push(Number.parseInt(word, 10));
        if (!isMark(')')) passMark(',');
        if (shape.length > MOST_AXES) throw wrong(`more than ${MOST_AXES} axes`);
      }
      passMark(')');
    } else {
      throw wrong(key === undefined ? 'no quoted key' : `an unknown or repeated key '${key.slice(0, 40)}'`);
    }
    if (!isMark('}')) passMark(',');
  }
  if (at !== tokens.length - 1) throw wrong("something after the closing '}'");
  if (descr === undefined || fortranOrder === undefined || shape === undefined) throw wrong('a missing key');
  return { descr, fortranOrder, shape };
};

/** Bytes of the header of an npy file, from its first ten or twelve bytes, or NaN when these are no npy file. */
export const npyHeaderBytes = (bytes: Uint8Array): number => {
  if (!isNpy(bytes) || bytes.length < 12) return Number.NaN;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes[6] === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
};

/** What the header of an npy file (versions 1.0, 2.0 and 3.0) says, of whatever type the array is. */
export const decodeNpyFields = (bytes: Uint8Array, path: string): Fields & Pick<NpyHeader, 'dataStart'> => {
  if (!isNpy(bytes) || bytes.length < 12) {
    throw failure({
      path,
      seen: bytes.length === 0 ? 'an empty file' : `${bytes.length} bytes that are no npy file`,
      expected: 'the npy signature \\x93NUMPY and a header',
    });
  }
  const version = bytes[6] ?? 0;
  if (version < 1 || version > 3 || bytes[7] !== 0) {
    throw failure({ path, seen: `npy version ${version}.${bytes[7]}`, expected: 'version 1.0, 2.0 or 3.0' });
  }
  const dataStart = npyHeaderBytes(bytes);
  if (dataStart > bytes.length || dataStart > LONGEST_NPY_HEADER) {
    throw failure({
      path,
      seen: `a header of ${dataStart} bytes in ${bytes.length} bytes`,
      expected: `a header within the file and at most ${LONGEST_NPY_HEADER} bytes`,
      hint: 'the file is damaged or cut short',
    });
  }
  const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(
    bytes.subarray(version === 1 ? 10 : 12, dataStart),
  );
  return { ...parseFields(text, path), dataStart };
};

/** Reads the header of an npy file of numbers (versions 1.0, 2.0 and 3.0). `path` names the array in errors. */
export const decodeNpyHeader = (bytes: Uint8Array, path = 'npy'): NpyHeader => {
  const { dataStart, ...fields } = decodeNpyFields(bytes, path);
  const { type, littleEndian } = parseDescription(fields.descr, path);
  const dataBytes = entriesOf(fields.shape) * bytesPerNumber[type];
  if (!Number.isSafeInteger(dataBytes)) {
    throw failure({
      path,
      seen: `the shape ${describeShape(fields.shape)}`,
      expected: 'a shape of fewer than 2^53 bytes',
      hint: 'the file is damaged',
    });
  }
  return { type, littleEndian, fortranOrder: fields.fortranOrder, shape: fields.shape, dataStart, dataBytes };
};

const hostLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Copies numbers of `width` bytes into `target`, turning the bytes of each when `swap`. */
const copyBytes = (source: Uint8Array, to: Uint8Array, width: number, swap: boolean): void => {
  if (!swap || width === 1) {
    to.set(source);
    return;
  }
  for (let at = 0; at < source.length; at += width) {
    for (let byte = 0; byte < width; byte++) to[at + byte] = source[at + width - 1 - byte]!;
  }
};

/** 64-bit integers of either byte order as float64; throws at the first beyond 2^53, which float64 would round. */
export const decodeInt64 = (
  source: Uint8Array,
  signed: boolean,
  littleEndian: boolean,
  target: Float64Array,
  path: string,
): void => {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  for (let i = 0; i < target.length; i++) {
    const high = view.getUint32(8 * i + (littleEndian ? 4 : 0), littleEndian);
    const low = view.getUint32(8 * i + (littleEndian ? 0 : 4), littleEndian);
    const value = (signed ? high | 0 : high) * 0x1_0000_0000 + low;
    if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) {
      const exact = signed ? view.getBigInt64(8 * i, littleEndian) : view.getBigUint64(8 * i, littleEndian);
      throw failure({
        path,
        seen: `the 64-bit integer ${exact} at entry ${i}`,
        expected: 'integers within 2^53 - 1 of zero, which float64 holds exactly',
        hint: 'subtract an offset, or save as float64 if rounding is acceptable',
      });
    }
    target[i] = value;
  }
};

/** A typed array of this type over `buffer`; 64-bit integers get a float64 array. */
export const viewOf = (type: NumericType, buffer: ArrayBuffer): NumericData => {
  switch (type) {
    case 'float64':
    case 'int64':
    case 'uint64':
      return new Float64Array(buffer);
    case 'float32':
      return new Float32Array(buffer);
    case 'int8':
      return new Int8Array(buffer);
    case 'int16':
      return new Int16Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'uint16':
      return new Uint16Array(buffer);
    case 'uint32':
      return new Uint32Array(buffer);
    case 'uint8':
    case 'bool':
      return new Uint8Array(buffer);
  }
};

/**
 * Numbers stored one after the other, as a typed array of the host's byte order. `source` holds whole numbers only.
 * Booleans become 0 and 1.
 */
export const decodeNumbers = (
  source: Uint8Array,
  type: NumericType,
  littleEndian: boolean,
  budget: Budget,
  path: string,
): NumericData => {
  const buffer = allocate(budget, source.length, path);
  const data = viewOf(type, buffer);
  if (type === 'int64' || type === 'uint64') {
    if (data instanceof Float64Array) decodeInt64(source, type === 'int64', littleEndian, data, path);
    return data;
  }
  copyBytes(source, new Uint8Array(buffer), bytesPerNumber[type], littleEndian !== hostLittleEndian);
  if (type === 'bool') for (let i = 0; i < data.length; i++) if (data[i] !== 0) data[i] = 1;
  return data;
};

/** Bytes that `decodeNpy` may allocate: the numbers, and once more when Fortran order has to be turned. */
export const npyLimit = (fileBytes: number): number => 2 * fileBytes;

/**
 * Reads an npy file (numpy.lib.format, versions 1 to 3): floats, integers and booleans of either byte order, in C or
 * Fortran order; the result is in C order. Objects, text, dates, complex and structured types are refused, and so are
 * 64-bit integers beyond 2^53. Allocates at most `npyLimit` bytes. `path` names the array in errors.
 */
export const decodeNpy = (
  bytes: Uint8Array,
  path = 'npy',
  budget: Budget = budgetOf(npyLimit(bytes.length)),
): NumericArray => {
  const header = decodeNpyHeader(bytes, path);
  const present = bytes.length - header.dataStart;
  if (present !== header.dataBytes) {
    throw failure({
      path,
      seen: `${present} bytes of numbers`,
      expected: `${header.dataBytes} for ${header.type} ${describeShape(header.shape)}`,
      hint: present < header.dataBytes ? 'the file is cut short' : 'the file holds more than one array; use npz',
    });
  }
  const { shape, type } = header;
  const source = bytes.subarray(header.dataStart);
  const stored = decodeNumbers(source, type, header.littleEndian, budget, path);
  if (!header.fortranOrder) return { shape, type, data: stored };
  const data = viewOf(type, allocate(budget, stored.byteLength, path));
  columnMajorToRowMajor(shape, stored, data);
  return { shape, type, data };
};

/** The numbers as bytes, little-endian. */
export const encodeNumbers = (array: NumericArray, target: Uint8Array<ArrayBuffer>, path: string): void => {
  const { data, type } = array;
  if (type === 'int64' || type === 'uint64') {
    const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
    for (let i = 0; i < data.length; i++) {
      const value = data[i]!;
      if (!Number.isSafeInteger(value) || (type === 'uint64' && value < 0)) {
        throw failure({ path, seen: `${value} at entry ${i}`, expected: `a whole number within 2^53 for ${type}` });
      }
      view.setBigInt64(8 * i, BigInt(value), true);
    }
    return;
  }
  const source = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  copyBytes(source, target, bytesPerNumber[type], !hostLittleEndian);
};

/** Writes an npy file, version 1.0, little-endian, C order; the header is padded so that the numbers are 64-aligned. */
export const encodeNpy = (array: NumericArray, path = 'npy'): Uint8Array<ArrayBuffer> => {
  const { shape, type, data } = array;
  const width = bytesPerNumber[type];
  const held = type === 'int64' || type === 'uint64' ? 'float64' : type;
  const fits = entriesOf(shape) === data.length && data.BYTES_PER_ELEMENT === bytesPerNumber[held];
  if (!fits || shape.length > MOST_AXES) {
    throw failure({
      path,
      seen: `${data.length} numbers of ${data.BYTES_PER_ELEMENT} bytes`,
      expected: `${type} ${describeShape(shape)} with at most ${MOST_AXES} axes`,
    });
  }
  const { bytes, entries } = startNpy(`${width === 1 ? '|' : '<'}${codes.get(type)}`, shape, data.length * width);
  encodeNumbers(array, entries, path);
  return bytes;
};

/** An npy file, version 1.0, of C order, with its header written, and the place of its entries. */
export const startNpy = (
  descr: string,
  shape: readonly number[],
  entryBytes: number,
): { readonly bytes: Uint8Array<ArrayBuffer>; readonly entries: Uint8Array<ArrayBuffer> } => {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const dataStart = Math.ceil((10 + text.length + 1) / 64) * 64;
  const bytes = new Uint8Array(dataStart + entryBytes);
  bytes.set([...MAGIC, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, dataStart - 10, true);
  bytes.set(new TextEncoder().encode(`${text.padEnd(dataStart - 11)}\n`), 10);
  return { bytes, entries: bytes.subarray(dataStart) };
};
