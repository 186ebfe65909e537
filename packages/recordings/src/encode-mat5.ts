import { failure, type Issue, refuse } from '@drnn/tensor';
import { columnMajorToRowMajor } from './column-major.js';
import { encodeNumbers, viewOf } from './npy.js';
import { bytesPerNumber, describeShape, type NumericArray, type NumericType } from './numeric-array.js';

/** What a variable of a MATLAB file may be: numbers, a text, or a list of texts (a cell array, a column). */
export type MatContents = NumericArray | string | readonly string[];

const INT8 = 1;
const INT32 = 5;
const UINT32 = 6;
const MATRIX = 14;
const UTF8 = 16;
const CELL_CLASS = 1;
const CHAR_CLASS = 4;
const LOGICAL = 0x0200;
const HEADER_BYTES = 128;

/** Class of the array and type of its storage (MAT-File Format, tables 1-1 and 1-3). */
const codes: Readonly<Record<NumericType, { readonly array: number; readonly storage: number }>> = {
  float64: { array: 6, storage: 9 },
  float32: { array: 7, storage: 7 },
  int8: { array: 8, storage: 1 },
  uint8: { array: 9, storage: 2 },
  int16: { array: 10, storage: 3 },
  uint16: { array: 11, storage: 4 },
  int32: { array: 12, storage: 5 },
  uint32: { array: 13, storage: 6 },
  int64: { array: 14, storage: 12 },
  uint64: { array: 15, storage: 13 },
  bool: { array: 9, storage: 2 },
};

type Bytes = Uint8Array<ArrayBuffer>;

const joined = (parts: readonly Bytes[]): Bytes => {
  const result = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
};

/** A tag and its data, padded to 8 bytes; up to 4 bytes of data stand within the tag, as MATLAB writes them. */
const element = (type: number, data: Bytes): Bytes => {
  const small = data.length > 0 && data.length <= 4 && type !== MATRIX;
  const result = new Uint8Array(small ? 8 : 8 + Math.ceil(data.length / 8) * 8);
  const view = new DataView(result.buffer);
  if (small) {
    view.setUint32(0, (data.length << 16) | type, true);
    result.set(data, 4);
  } else {
    view.setUint32(0, type, true);
    view.setUint32(4, data.length, true);
    result.set(data, 8);
  }
  return result;
};

const words = (values: readonly number[]): Bytes => {
  const result = new Uint8Array(4 * values.length);
  const view = new DataView(result.buffer);
  values.forEach((value, i) => view.setInt32(4 * i, value, true));
  return result;
};

const arrayElement = (flags: number, shape: readonly number[], name: string, parts: readonly Bytes[]): Bytes =>
  element(
    MATRIX,
    joined([
      element(UINT32, words([flags, 0])),
      element(INT32, words(shape)),
      element(INT8, new TextEncoder().encode(name)),
      ...parts,
    ]),
  );

/** MATLAB has at least two axes: a number is [1, 1], a vector a column. */
const matShape = (shape: readonly number[]): readonly number[] => [...shape, 1, 1].slice(0, Math.max(2, shape.length));

const numbersElement = (array: NumericArray, name: string): Bytes => {
  const { array: code, storage } = codes[array.type];
  const held = array.type === 'int64' || array.type === 'uint64' ? 'float64' : array.type;
  const turned = viewOf(held, new ArrayBuffer(array.data.length * bytesPerNumber[held]));
  // The C order of a shape is the Fortran order of its reverse.
  columnMajorToRowMajor(array.shape.toReversed(), array.data, turned);
  const data = new Uint8Array(array.data.length * bytesPerNumber[array.type]);
  encodeNumbers({ ...array, data: turned }, data, name);
  const flags = code | (array.type === 'bool' ? LOGICAL : 0);
  return arrayElement(flags, matShape(array.shape), name, [element(storage, data)]);
};

/** UTF-8, which MATLAB and scipy both read; the size counts characters, as scipy has it. */
const textElement = (text: string, name: string): Bytes =>
  arrayElement(CHAR_CLASS, text === '' ? [0, 0] : [1, Array.from(text).length], name, [
    element(UTF8, new TextEncoder().encode(text)),
  ]);

const variableElement = (contents: MatContents, name: string): Bytes => {
  if (typeof contents === 'string') return textElement(contents, name);
  if ('shape' in contents) return numbersElement(contents, name);
  return arrayElement(
    CELL_CLASS,
    [contents.length, 1],
    name,
    contents.map((text) => textElement(text, '')),
  );
};

/**
 * Writes a MATLAB v5 file (MAT-File Format, R2023b, chapter 1; MATLAB's -v6): uncompressed, little-endian, without a
 * date, so that equal variables give equal bytes. Vectors become columns, booleans logical, texts char. Errors:
 * a name that MATLAB does not take, a variable of 2 GiB or more.
 */
export const encodeMat5 = (variables: Readonly<Record<string, MatContents>>, path = 'mat'): Uint8Array<ArrayBuffer> => {
  const issues: Issue[] = Object.keys(variables)
    .filter((name) => !/^[A-Za-z]\w{0,62}$/.test(name))
    .map((name) => ({
      path,
      seen: `the name ${JSON.stringify(name)}`,
      expected: 'a letter, then letters, digits and _, at most 63',
    }));
  refuse(issues);
  const header = new Uint8Array(HEADER_BYTES);
  header.fill(0x20, 0, 116);
  header.set(new TextEncoder().encode('MATLAB 5.0 MAT-file, written by drnn'));
  header.set([0x00, 0x01, 0x49, 0x4d], 124);
  const parts = Object.entries(variables).map(([name, contents]) => {
    const bytes = variableElement(contents, name);
    if (bytes.length < 2 ** 31) return bytes;
    const shape = typeof contents === 'string' || !('shape' in contents) ? [contents.length] : contents.shape;
    throw failure({
      path: `${path}: ${name}`,
      seen: `${bytes.length} bytes ${describeShape(shape)}`,
      expected: 'less than 2 GiB',
    });
  });
  return joined([header, ...parts]);
};
