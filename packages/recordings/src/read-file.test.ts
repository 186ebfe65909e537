import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DrnnError } from '@drnn/tensor';
import { File, FS, ready } from 'h5wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCsv } from './csv.js';
import { encodeNpy } from './npy.js';
import { encodeNpz } from './npz.js';
import { numericArray } from './numeric-array.js';
import { inspect, readArray, readKeyOrFile, readRecording } from './read-file.js';
import { concatenateRecordings } from './recording.js';

/** Numbers of every size, with a missing one and a negative zero. */
const values = Float64Array.from({ length: 60 }, (_, i) => Math.sin(7 * i) * 10 ** ((i % 11) - 5));
values[7] = Number.NaN;
values[8] = -0;
const r = numericArray([12, 5], values);

const int32 = (...numbers: number[]): number[] => [...new Uint8Array(Int32Array.from(numbers).buffer)];

/** A MATLAB v5 file with one double array, by hand. */
const matOf = (rows: number, columns: number, data: Float64Array): Uint8Array => {
  const turned = Float64Array.from(
    { length: data.length },
    (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!,
  );
  const parts = [
    [...int32(6, 8, 6, 0), ...int32(5, 8, rows, columns), ...int32(1, 1), 114, 0, 0, 0, 0, 0, 0, 0],
    [...int32(9, 8 * data.length), ...new Uint8Array(turned.buffer)],
  ].flat();
  return Uint8Array.of(...new Uint8Array(124).fill(32), 0, 1, 0x49, 0x4d, ...int32(14, parts.length), ...parts);
};

const errorOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
  } catch (error) {
    expect(error).toBeInstanceOf(DrnnError);
    return error instanceof Error ? error.message : '';
  }
  throw new Error('nothing was refused');
};

describe('reading files', () => {
  let folder = '';
  const path = (name: string): string => join(folder, name);
  const write = (name: string, bytes: Uint8Array | string): string => {
    writeFileSync(path(name), bytes);
    return path(name);
  };
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drnn-read-'));
    await ready;
    const file = new File('/r.h5', 'w');
    file.create_dataset({ name: 'r', data: values, shape: [12, 5], chunks: [5, 5], compression: 4 });
    file.close();
    write('r.h5', FS?.readFile('/r.h5') ?? new Uint8Array(0));
    write('r.npy', encodeNpy(r));
    write(
      'r.npz',
      encodeNpz({ r, alpha: numericArray([], Float64Array.of(0.1)), b: numericArray([5], new Float64Array(5)) }),
    );
    write('r-deflated.npz', encodeNpz({ r }, { compress: true }));
    write('r.csv', encodeCsv(r));
    write('r.tsv', encodeCsv(r).replaceAll(',', '\t'));
    write('r.mat', matOf(12, 5, values));
    write('two.npz', encodeNpz({ r, W: numericArray([5, 5], new Float64Array(25)) }));
    write('trials.npy', encodeNpy(numericArray([3, 4, 5], values)));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(['r.npy', 'r.npz', 'r-deflated.npz', 'r.csv', 'r.tsv', 'r.mat', 'r.h5'])(
    'reads the same bits from %s',
    async (name) => {
      const recording = await readRecording(path(name));
      expect([recording.rates.rows, recording.rates.columns]).toEqual([12, 5]);
      expect(recording.rates.data.every((value, i) => Object.is(value, values[i]))).toBe(true);
      expect(recording.source.fileName).toBe(name);
      expect(recording.source.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(JSON.stringify(recording.source)).not.toContain(basename(folder));
    },
  );

  it('tells the format by content, whatever the name', async () => {
    const misnamed = write('r.bin', encodeNpz({ r }));
    expect((await readRecording(misnamed)).rates.data).toEqual(values);
    expect(await errorOf(readRecording(write('x.npz', 'a,b\n1,2\n')))).toContain('zip archive');
  });

  it('turns unit-time and puts trials one after the other', async () => {
    const turned = await readRecording(path('r.npy'), { layout: 'unit-time' });
    expect([turned.rates.rows, turned.rates.columns]).toEqual([5, 12]);
    expect(turned.rates.data[1 * 12 + 3]).toBe(values[3 * 5 + 1]);
    const trials = await readRecording(path('trials.npy'), { layout: 'trial-time-unit' });
    expect([trials.rates.rows, trials.rates.columns]).toEqual([12, 5]);
    expect([...(trials.trials ?? [])]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    expect(await errorOf(readRecording(path('trials.npy')))).toContain('trial-time-unit');
  });

  it('keeps the names of units', async () => {
    const named = write('named.csv', encodeCsv(numericArray([2, 2], Float64Array.of(1, 2, 3, 4)), ['left', 'right']));
    expect((await readRecording(named)).unitNames).toEqual(['left', 'right']);
  });

  it('lists what is inside when the choice is not clear or the key is wrong', async () => {
    expect(await errorOf(readRecording(path('two.npz')))).toMatch(
      /r float64 \[12, 5\], W float64 \[5, 5\].*choose with key \(--key\): r, W/s,
    );
    expect(await errorOf(readRecording(path('two.npz'), { key: 'q' }))).toMatch(/"q".*r, W/s);
    expect(await errorOf(readRecording(path('r.h5'), { key: 'q' }))).toMatch(/"q".*r \[12, 5\]/s);
    expect(await errorOf(readRecording(path('r.mat'), { key: 'q' }))).toMatch(/"q".*r \[12, 5\]/s);
    expect(await errorOf(readRecording(path('r.npy'), { key: 'q' }))).toContain('single array');
    expect(await errorOf(readArray(path('two.npz')))).toContain('r float64 [12, 5]');
    expect((await readArray(path('r.npz'), { key: 'alpha' })).array).toEqual(numericArray([], Float64Array.of(0.1)));
  });

  it('finds an input in the recording first, then in a file', async () => {
    expect((await readKeyOrFile(path('r.npz'), 'b')).source.key).toBe('b');
    expect((await readKeyOrFile(path('r.npz'), path('r.npy'))).source.fileName).toBe('r.npy');
    expect(await errorOf(readKeyOrFile(path('r.npz'), 'nothing'))).toMatch(
      /no array of that name in r.npz and no such file.*r float64/s,
    );
  });

  it.each(['r.npz', 'r-deflated.npz', 'r.mat', 'r.h5', 'r.npy'])('refuses %s cut short', async (name) => {
    const { readFileSync } = await import('node:fs');
    const bytes = readFileSync(path(name));
    for (const part of [0.1, 0.5, 0.9]) {
      const cut = write(`cut-${name}`, bytes.subarray(0, Math.floor(part * bytes.length)));
      expect(await errorOf(readRecording(cut))).toContain(`cut-${name}`);
    }
  });

  it('refuses missing, empty and infinite', async () => {
    expect(await errorOf(readRecording(path('none.npy')))).toContain('no such file');
    expect(await errorOf(readRecording(folder))).toContain('a folder');
    expect(await errorOf(readRecording(write('empty.npz', '')))).toContain('an empty file');
    const infinite = encodeNpy(
      numericArray([2, 2], Float64Array.of(1, Number.POSITIVE_INFINITY, 2, Number.NEGATIVE_INFINITY)),
    );
    expect(await errorOf(readRecording(write('inf.npy', infinite)))).toContain(
      '2 infinite values, at [time=0, unit=1], [time=1, unit=1]',
    );
  });

  it('refuses wrong trials and intervals together', async () => {
    const message = await errorOf(readRecording(path('r.npy'), { trials: [0, 0.5], samplingInterval: 0 }));
    expect(message).toMatch(/trials.*\[time=12\].*0\.5 at frame 1.*samplingInterval/s);
  });

  it('inspects', async () => {
    const seen = await inspect(path('r.npz'));
    expect(seen.format).toBe('npz');
    expect(seen.arrays.map(({ name }) => name)).toEqual(['r', 'alpha', 'b']);
    expect(seen.model).toBeNull();
  });

  it('concatenates recordings of the same units and keeps their trials apart', async () => {
    const one = await readRecording(path('r.npy'));
    const split = await readRecording(path('r.npy'), { trials: [5, 5, 5, 5, 5, 5, 9, 9, 9, 9, 9, 9] });
    const both = concatenateRecordings([one, split, one]);
    expect(both.rates.rows).toBe(36);
    expect([...(both.trials ?? [])]).toEqual(
      [0, 1, 2, 3].flatMap((trial) => Array.from({ length: trial === 0 || trial === 3 ? 12 : 6 }, () => trial)),
    );
    const other = await readRecording(path('r.npy'), { layout: 'unit-time' });
    expect(() => concatenateRecordings([one, other])).toThrow('12 units');
  });
});
