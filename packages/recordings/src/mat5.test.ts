import { DrnnError } from '@drnn/tensor';
import { zlibSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { budgetOf } from './budget.js';
import { mat5Limit, openMat5 } from './mat5.js';

const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A MATLAB v5 file by hand, of either byte order: nothing of the reader is used. */
const writer = (little: boolean) => {
  const word = (...values: number[]): Uint8Array => {
    const view = new DataView(new ArrayBuffer(4 * values.length));
    values.forEach((value, i) => view.setInt32(4 * i, value, little));
    return new Uint8Array(view.buffer);
  };
  const doubles = (...values: number[]): Uint8Array => {
    const view = new DataView(new ArrayBuffer(8 * values.length));
    values.forEach((value, i) => view.setFloat64(8 * i, value, little));
    return new Uint8Array(view.buffer);
  };
  const element = (type: number, data: Uint8Array): Uint8Array =>
    join(word(type, data.length), data, new Uint8Array((8 - (data.length % 8)) % 8));
  const array = (flags: number, shape: readonly number[], name: string, ...parts: Uint8Array[]): Uint8Array =>
    element(14, join(element(6, word(flags, 0)), element(5, word(...shape)), element(1, text(name)), ...parts));
  const header = join(
    text('MATLAB 5.0 MAT-file'.padEnd(124)),
    little ? Uint8Array.of(0, 1, 0x49, 0x4d) : Uint8Array.of(1, 0, 0x4d, 0x49),
  );
  const compressed = (plain: Uint8Array): Uint8Array => {
    const zlib = zlibSync(plain);
    return join(word(15, zlib.length), zlib);
  };
  return { word, doubles, element, array, header, compressed };
};

describe.each([
  ['little-endian', true],
  ['big-endian', false],
])('MATLAB v5, %s', (_, little) => {
  const { word, doubles, element, array, header, compressed } = writer(little);
  const x = array(6, [2, 3], 'x', element(9, doubles(1, 4, 2, 5, 3, 6)));
  // Two bytes of data in the tag itself: the size in the upper half of the word, the type in the lower.
  const small = join(word((2 << 16) | 2), Uint8Array.of(7, 9, 0, 0));
  const stored = array(6, [1, 2], 'stored', small);
  const file = join(header, x, compressed(stored), compressed(x.slice().fill(0x79, 8 + 16 + 16 + 8, 8 + 16 + 16 + 9)));

  it('reads plain and compressed arrays, small elements, and doubles stored as bytes', () => {
    const mat = openMat5(file);
    expect(mat.variables.map(({ name, shape, type }) => [name, shape, type])).toEqual([
      ['x', [2, 3], 'double'],
      ['stored', [1, 2], 'double'],
      ['y', [2, 3], 'double'],
    ]);
    expect(mat.array('x')).toEqual({ shape: [2, 3], type: 'float64', data: Float64Array.of(1, 2, 3, 4, 5, 6) });
    expect(mat.array('stored')).toEqual({ shape: [1, 2], type: 'float64', data: Float64Array.of(7, 9) });
    expect(mat.array('y').data).toEqual(mat.array('x').data);
  });

  it('refuses every truncation that cuts a variable', () => {
    for (let length = 0; length < file.length; length++) {
      const cut = file.subarray(0, length);
      let read = 0;
      try {
        const mat = openMat5(cut);
        for (const { name } of mat.variables) {
          mat.value(name);
          read++;
        }
        expect(read).toBeLessThan(3);
      } catch (error) {
        expect(error).toBeInstanceOf(DrnnError);
      }
    }
  });

  it('finds a wrong checksum', () => {
    const wrong = file.slice();
    wrong[wrong.length - 1]! ^= 1;
    expect(() => openMat5(wrong).array('y')).toThrow('checksum');
  });

  it('refuses a cell array that claims more cells than the file has bytes, at once', () => {
    const cells = join(header, array(1, [100_000, 20_000], 'c'));
    const budget = budgetOf(mat5Limit(cells.length));
    expect(() => openMat5(cells, 'mat', budget).value('c')).toThrow(DrnnError);
    expect(budget.taken).toBeLessThanOrEqual(cells.length);
  });

  it('refuses cells nested without end', () => {
    let nested = array(6, [1, 1], '', element(9, doubles(1)));
    for (let depth = 0; depth < 40; depth++) nested = array(1, [1, 1], '', nested);
    expect(() => openMat5(join(header, array(1, [1, 1], 'c', nested))).value('c')).toThrow('nested deeper');
  });
});
