import { DrnnError } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeNpy, encodeNpy } from './npy.js';
import { numericArray, type NumericArray, toFloat64 } from './numeric-array.js';

/** An npy file by hand: the header as text, and the bytes after it. */
const npyOf = (header: string, data: Uint8Array, version = 1): Uint8Array => {
  const width = version === 1 ? 10 : 12;
  const text = new TextEncoder().encode(`${header}\n`);
  const bytes = new Uint8Array(width + text.length + data.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  if (version === 1) new DataView(bytes.buffer).setUint16(8, text.length, true);
  else new DataView(bytes.buffer).setUint32(8, text.length, true);
  bytes.set(text, width);
  bytes.set(data, width + text.length);
  return bytes;
};
const header = (descr: string, shape: string, fortran = 'False'): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;

const arrays: fc.Arbitrary<NumericArray> = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }).chain((shape) => {
  const length = shape.reduce((product, axis) => product * axis, 1);
  const of = { minLength: length, maxLength: length };
  return fc.oneof(
    fc.float64Array(of).map((data) => numericArray(shape, Float64Array.from(data))),
    fc.float32Array(of).map((data) => numericArray(shape, Float32Array.from(data))),
    fc.int8Array(of).map((data) => numericArray(shape, Int8Array.from(data))),
    fc.int16Array(of).map((data) => numericArray(shape, Int16Array.from(data))),
    fc.int32Array(of).map((data) => numericArray(shape, Int32Array.from(data))),
    fc.uint8Array(of).map((data) => numericArray(shape, Uint8Array.from(data))),
    fc.uint16Array(of).map((data) => numericArray(shape, Uint16Array.from(data))),
    fc.uint32Array(of).map((data) => numericArray(shape, Uint32Array.from(data))),
    fc.array(fc.maxSafeInteger(), of).map((data) => numericArray(shape, Float64Array.from(data), 'int64')),
    fc.array(fc.maxSafeNat(), of).map((data) => numericArray(shape, Float64Array.from(data), 'uint64')),
    fc.array(fc.integer({ min: 0, max: 1 }), of).map((data) => numericArray(shape, Uint8Array.from(data), 'bool')),
  );
});

describe('npy', () => {
  it('gives every array back bit for bit, with 64-aligned numbers', () => {
    fc.assert(
      fc.property(arrays, (array) => {
        const bytes = encodeNpy(array);
        const back = decodeNpy(bytes);
        const integers = array.type === 'int64' || array.type === 'uint64';
        expect(back.type).toBe(array.type);
        expect(back.shape).toEqual(array.shape);
        expect(back.data.constructor).toBe(array.data.constructor);
        const same = back.data.every((value, i) =>
          integers ? value === array.data[i] : Object.is(value, array.data[i]),
        );
        expect(same).toBe(true);
      }),
    );
  });

  it('reads big-endian numbers and Fortran order of any rank', () => {
    const shape = [2, 3, 4];
    const data = new DataView(new ArrayBuffer(24 * 2));
    // In Fortran order the first axis runs fastest; the value says its own index.
    for (let k = 0, at = 0; k < 4; k++) {
      for (let j = 0; j < 3; j++) for (let i = 0; i < 2; i++) data.setInt16(2 * at++, 100 * i + 10 * j + k, false);
    }
    const read = decodeNpy(npyOf(header('>i2', '(2, 3, 4)', 'True'), new Uint8Array(data.buffer)));
    expect(read.shape).toEqual(shape);
    for (let i = 0; i < 2; i++) {
      for (let j = 0; j < 3; j++)
        for (let k = 0; k < 4; k++) expect(read.data[(i * 3 + j) * 4 + k]).toBe(100 * i + 10 * j + k);
    }
    const long = new DataView(new ArrayBuffer(16));
    long.setBigInt64(0, -9007199254740991n, false);
    long.setBigInt64(8, 5n, false);
    expect([...decodeNpy(npyOf(header('>i8', '(2,)'), new Uint8Array(long.buffer))).data]).toEqual([
      -9007199254740991, 5,
    ]);
  });

  it('reads headers of versions 2 and 3, with the long integers of Python 2', () => {
    const data = new Uint8Array(Float32Array.of(1.5, -2).buffer);
    for (const version of [2, 3]) {
      const read = decodeNpy(npyOf(header('<f4', '(2L,)'), data, version));
      expect([...toFloat64(read)]).toEqual([1.5, -2]);
    }
  });

  it.each([
    ['objects', header('|O', '(1,)'), 'pickled'],
    ['complex', header('<c16', '(1,)'), 'complex'],
    ['text', header('<U4', '(1,)'), 'text'],
    ['half precision', header('<f2', '(4,)'), "'<f2'"],
    ['structured', `{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }`, 'structured'],
    ['a huge shape', header('<f8', '(1000000, 1000000)'), 'cut short'],
    ['an overflowing shape', header('<f8', '(9007199254740991, 9007199254740991)'), '2^53'],
    ['a negative size', header('<f8', '(-1,)'), 'header'],
    ['no dictionary', 'import os', 'header'],
    ['a missing key', `{'descr': '<f8', 'shape': (1,), }`, 'missing key'],
  ])('refuses %s', (_, text, words) => {
    const read = (): NumericArray => decodeNpy(npyOf(text, new Uint8Array(8)), 'x.npy');
    expect(read).toThrow(DrnnError);
    expect(read).toThrow(words);
    expect(read).toThrow('x.npy');
  });

  it('refuses 64-bit integers that float64 would round, naming the number', () => {
    const data = new Uint8Array(BigInt64Array.of(1n, 9007199254740993n).buffer);
    expect(() => decodeNpy(npyOf(header('<i8', '(2,)'), data))).toThrow('9007199254740993 at entry 1');
    expect(() => encodeNpy(numericArray([1], Float64Array.of(0.5), 'int64'))).toThrow('whole number');
  });

  it('refuses every truncation and anything after the numbers', () => {
    const bytes = encodeNpy(numericArray([2, 2], Float64Array.of(1, 2, 3, 4)));
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeNpy(bytes.subarray(0, length))).toThrow(DrnnError);
    expect(() => decodeNpy(Uint8Array.of(...bytes, 0))).toThrow('more than one array');
  });
});
