import { DrnnError } from '@drnn/tensor';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { budgetOf, expansionLimit } from './budget.js';
import { encodeNpy } from './npy.js';
import { decodeNpz, encodeNpz, npzLimit, openNpz } from './npz.js';
import { numericArray } from './numeric-array.js';

const x = numericArray([3, 2], Float64Array.of(1, Number.NaN, -0, 0.1, 1e300, 5));
const y = numericArray([2], Int32Array.of(7, -8));

/** Edits a field of the first entry in the zip directory. */
const withDirectoryField = (bytes: Uint8Array, offset: number, value: number): Uint8Array => {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const directory = view.getUint32(copy.length - 22 + 16, true);
  view.setUint32(directory + offset, value, true);
  return copy;
};

describe('npz', () => {
  it.each([true, false])('gives arrays and other entries back, compressed: %s', (compress) => {
    const others = new Map([['drnn.json', new TextEncoder().encode('{}')]]);
    const bytes = encodeNpz({ x, y }, { compress, others });
    const npz = openNpz(bytes);
    expect(npz.names).toEqual(['x', 'y']);
    expect(npz.others).toEqual(['drnn.json']);
    expect(Object.is(npz.array('x').data[2], -0)).toBe(true);
    expect(npz.array('x')).toEqual(x);
    expect(npz.array('y')).toEqual(y);
    expect(new TextDecoder().decode(npz.entry('drnn.json'))).toBe('{}');
    expect(npz.list().map(({ name, shape, type }) => [name, shape, type])).toEqual([
      ['x', [3, 2], 'float64'],
      ['y', [2], 'int32'],
      ['drnn.json', null, null],
    ]);
    expect(encodeNpz({ x, y }, { compress, others })).toEqual(bytes);
  });

  it('names the arrays there are when one is missing', () => {
    expect(() => openNpz(encodeNpz({ x, y })).array('z')).toThrow(/"z".*x, y/s);
  });

  it('refuses every truncation', () => {
    const bytes = encodeNpz({ x }, { compress: true });
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeNpz(bytes.subarray(0, length))).toThrow(DrnnError);
  });

  it('finds a flipped bit by its checksum', () => {
    const bytes = encodeNpz({ x });
    // The last number of the stored array stands right before the directory.
    const directory = new DataView(bytes.buffer).getUint32(bytes.length - 6, true);
    bytes[directory - 1]! ^= 1;
    expect(() => decodeNpz(bytes)).toThrow('CRC-32');
  });

  it.each(['../evil.npy', '/etc/x.npy', 'a/b.npy', 'a\\b.npy', 'C:x.npy', 'a\0.npy'])('refuses the name %j', (name) => {
    const bytes = zipSync({ [name]: encodeNpy(x) }, { level: 0 });
    expect(() => openNpz(bytes)).toThrow(DrnnError);
    expect(() => openNpz(bytes)).toThrow('path');
  });

  it('refuses a zip bomb before decompressing it', () => {
    const bytes = zipSync({ 'x.npy': encodeNpy(numericArray([20_000_000], new Uint8Array(20_000_000))) }, { level: 9 });
    // 20 MB from 20 KB is within what DEFLATE can do and below the bound for small files ...
    expect(decodeNpz(bytes).get('x')?.shape).toEqual([20_000_000]);
    // ... but no header makes it more.
    const budget = budgetOf(npzLimit(bytes.length));
    expect(() => decodeNpz(withDirectoryField(bytes, 24, 0xfffffff0), 'bomb', budget)).toThrow('zip bomb');
    expect(budget.taken).toBe(0);
    expect(expansionLimit(2 ** 30)).toBeLessThan(101 * 2 ** 30);
  });

  it('refuses a stream that is longer or shorter than declared, and charges only what was declared', () => {
    const bytes = encodeNpz({ x }, { compress: true });
    const declared = encodeNpy(x).length;
    for (const wrong of [declared - 8, declared + 8]) {
      const budget = budgetOf(npzLimit(bytes.length));
      expect(() => decodeNpz(withDirectoryField(bytes, 24, wrong), 'npz', budget)).toThrow(DrnnError);
      expect(budget.taken).toBeLessThanOrEqual(declared + 9);
    }
  });

  it('refuses an array that its entry is too small for', () => {
    const lying = encodeNpy(numericArray([4], Uint8Array.of(1, 2, 3, 4)));
    const text = new TextDecoder('latin1').decode(lying).replace('(4,), }   ', '(4000,), }');
    const bytes = zipSync({ 'x.npy': Uint8Array.from(text, (c) => c.charCodeAt(0)) }, { level: 0 });
    expect(() => decodeNpz(bytes)).toThrow('an entry of');
  });

  it('lists what it cannot read, and reads the rest', () => {
    const object = new TextDecoder('latin1').decode(encodeNpy(x)).replace("'<f8'", "'|O' ");
    const bytes = zipSync({ 'o.npy': Uint8Array.from(object, (c) => c.charCodeAt(0)), 'x.npy': encodeNpy(x) });
    const npz = openNpz(bytes);
    expect(npz.list()[0]?.note).toContain('pickled');
    expect(npz.array('x')).toEqual(x);
    expect(() => npz.array('o')).toThrow('pickled');
  });
});
