import { DrnnError } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CsvTable, decodeCsv, encodeCsv } from './csv.js';
import { numericArray } from './numeric-array.js';

const read = (text: string, options = {}): CsvTable => decodeCsv(new TextEncoder().encode(text), options, 'a.csv');
const issuesOf = (text: string): DrnnError => {
  try {
    read(text);
  } catch (error) {
    if (error instanceof DrnnError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('csv', () => {
  it('gives every float64 back bit for bit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.float64Array({ minLength: 1, maxLength: 30 }),
        (columns, values) => {
          const rows = Math.ceil(values.length / columns);
          const data = new Float64Array(rows * columns);
          data.set(values);
          const back = read(encodeCsv(numericArray([rows, columns], data)), { header: false, delimiter: ',' }).array;
          expect(back.shape).toEqual([rows, columns]);
          expect(back.data.every((value, i) => Object.is(value, data[i]))).toBe(true);
        },
      ),
    );
  });

  it.each([
    ['comma', 'a,b\n1,2\n3,4\n'],
    ['tab', 'a\tb\r\n1\t2\r\n3\t4\r\n'],
    ['semicolon', '"a";"b"\n1;2\n3;4'],
    ['blank', '1 2\n3 4\n'],
    ['byte order mark', '\ufeffa,b\n1,2\n3,4\n\n\n'],
    ['quoted', '"1","2"\n"3"," 4 "\n'],
  ])('reads tables with %s', (_, text) => {
    const { array, names } = read(text);
    expect(array.shape).toEqual([2, 2]);
    expect([...array.data]).toEqual([1, 2, 3, 4]);
    expect(names).toEqual(/a/.test(text) ? ['a', 'b'] : null);
  });

  it('takes an empty cell and NaN as missing, infinity as itself', () => {
    expect([...read('1,,nan\n-Inf,NaN,2\n').array.data]).toEqual([
      1,
      Number.NaN,
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
      2,
    ]);
  });

  it('names line, column and text of every bad cell and ragged row at once', () => {
    const { issues } = issuesOf('x,y\n1,2\n3,oops\n4,5,6\n\n0x10,"7\n8"\n');
    expect(issues.map(({ path, seen }) => `${path}: ${seen}`)).toEqual([
      'a.csv, line 3, column 2: "oops"',
      'a.csv, line 4: 3 cells',
      'a.csv, line 5: a blank line',
      'a.csv, line 6, column 1: "0x10"',
      'a.csv, line 6, column 2: "7\\n8"',
    ]);
  });

  it('lists twenty and counts the rest', () => {
    const { issues } = issuesOf(`1,1\n${'1,bad\n'.repeat(1000)}`);
    expect(issues).toHaveLength(21);
    expect(issues[20]?.seen).toContain('1000');
  });

  it('does not take a first row with a number in it for a header', () => {
    expect(issuesOf('1,x\n2,3\n').message).toContain('line 1, column 2');
    expect(read('1,2\n3,4\n', { header: true }).names).toEqual(['1', '2']);
  });

  it.each([
    ['', 'an empty file'],
    ['\n\n', 'blank'],
    ['a,b\n', 'header without rows'],
    ['a\0b', 'binary'],
    [',a,b\n0,5,6\n1,7,8\n', 'index=False'],
    ['1,"2\n3,4', 'line'],
  ])('refuses %j', (text, words) => {
    expect(issuesOf(text).message).toContain(words);
  });

  it('refuses bytes that are no text', () => {
    expect(() => decodeCsv(Uint8Array.of(0x31, 0xff, 0xfe))).toThrow('UTF-8');
  });
});
