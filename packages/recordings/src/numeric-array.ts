import { failure } from '@drnn/tensor';

/** How an array is stored in a file; `int64` and `uint64` are held as float64, exact up to 2^53. */
export type NumericType =
  'float64' | 'float32' | 'int8' | 'int16' | 'int32' | 'int64' | 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'bool';

/** The typed arrays that hold numbers read from a file. */
export type NumericData =
  Float64Array | Float32Array | Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array;

/**
 * An array of numbers in C order: the last axis is contiguous. A scalar has shape `[]`. Every codec of this package
 * reads into this type, whatever the order in the file.
 */
export interface NumericArray {
  readonly shape: readonly number[];
  readonly type: NumericType;
  readonly data: NumericData;
}

/** Bytes of one number of this type in a file. */
export const bytesPerNumber: Readonly<Record<NumericType, number>> = {
  float64: 8,
  float32: 4,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  bool: 1,
};

const typeOfData = (data: NumericData): NumericType => {
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Int8Array) return 'int8';
  if (data instanceof Int16Array) return 'int16';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Uint8Array) return 'uint8';
  if (data instanceof Uint16Array) return 'uint16';
  return 'uint32';
};

/** The number of entries of a shape; NaN when an axis is no size or the product is beyond 2^53. */
export const entriesOf = (shape: readonly number[]): number => {
  let product = 1;
  let empty = false;
  for (const axis of shape) {
    if (!Number.isSafeInteger(axis) || axis < 0) return Number.NaN;
    if (axis === 0) empty = true;
    else product *= axis;
    if (product > Number.MAX_SAFE_INTEGER) return Number.NaN;
  }
  return empty ? 0 : product;
};

/** `[3, 4]`, as errors and listings print a shape. */
export const describeShape = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** An array of this shape over `data` (not copied). The type is that of the data unless `type` says otherwise. */
export const numericArray = (shape: readonly number[], data: NumericData, type?: NumericType): NumericArray => {
  if (entriesOf(shape) !== data.length) {
    throw failure({
      path: 'numericArray',
      seen: `${data.length} numbers`,
      expected: `${entriesOf(shape)} for the shape ${describeShape(shape)}`,
    });
  }
  return { shape, data, type: type ?? typeOfData(data) };
};

/** The numbers as float64, exactly. An array that already is float64 is returned itself, not copied. */
export const toFloat64 = (array: NumericArray): Float64Array =>
  array.data instanceof Float64Array ? array.data : Float64Array.from(array.data);
