import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capability, requires } from '@drnn/testing';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeNpyText, encodeNpyText, isNpyText } from './npy-text.js';
import { encodeNpy } from './npy.js';
import { encodeNpz } from './npz.js';
import { numericArray } from './numeric-array.js';
import { inspect, readLabels } from './read-file.js';

const folder = mkdtempSync(join(tmpdir(), 'drnn-labels-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, bytes: Uint8Array | string): string => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

const recording = put('recording.npz', encodeNpz({ r: numericArray([2, 3], new Float64Array(6)) }));

describe('text in npy files', () => {
  it('comes back as it was written', () => {
    const text = fc.string({ unit: 'binary', maxLength: 8 }).filter((each) => !each.endsWith('\0'));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 12 }), (texts) => {
        const bytes = encodeNpyText(texts);
        expect(isNpyText(bytes)).toBe(true);
        expect(decodeNpyText(bytes)).toEqual(texts);
      }),
    );
  });

  it('is refused where the file is cut, and where numpy would not give it back', () => {
    const bytes = encodeNpyText(['a', 'b']);
    expect(() => decodeNpyText(bytes.subarray(0, -1))).toThrow('cut short');
    expect(() => decodeNpyText(encodeNpy(numericArray([1], Float64Array.of(1))))).toThrow('<f8');
    expect(() => encodeNpyText(['a\0'])).toThrow('NUL');
  });
});

describe('readLabels', () => {
  it('reads text and whole numbers, under a key and from a file', async () => {
    const others = new Map([['area.npy', encodeNpyText(['V1', 'V1', 'PFC'])]]);
    const both = put(
      'both.npz',
      encodeNpz(
        { r: numericArray([2, 3], new Float64Array(6)), layer: numericArray([3], Int32Array.of(4, 5, 4)) },
        { others },
      ),
    );
    expect(await readLabels(both, 'area')).toEqual(['V1', 'V1', 'PFC']);
    expect(await readLabels(both, 'layer')).toEqual(['4', '5', '4']);
    expect((await inspect(both)).arrays).toContainEqual({ name: 'area', shape: [3], type: 'text', numeric: false });
    expect(await readLabels(recording, put('column.csv', 'V1\n"a, b"\nPFC\n'))).toEqual(['V1', 'a, b', 'PFC']);
    expect(await readLabels(recording, put('row.csv', 'V1,V1,PFC\n'))).toEqual(['V1', 'V1', 'PFC']);
    expect(await readLabels(recording, put('one.npy', encodeNpyText(['é', '😀'])))).toEqual(['é', '😀']);
  });

  it('says what is wrong', async () => {
    await expect(readLabels(recording, 'nothing')).rejects.toThrow(/no array of that name.*one of r float64/);
    await expect(readLabels(recording, 'r')).rejects.toThrow('labels [unit]');
    await expect(readLabels(recording, put('table.csv', 'a,b\nc,d\n'))).rejects.toThrow('line 1: saw 2 cells');
    const broken = put('half.npy', encodeNpy(numericArray([2], Float64Array.of(1, 1.5))));
    await expect(readLabels(recording, broken)).rejects.toThrow('1.5 of unit 1');
  });
});

describe.skipIf(!requires('scipy'))('labels from Python', () => {
  it('are read as numpy and scipy write them, and ours by numpy', async () => {
    put('ours.npy', encodeNpyText(['é', 'V1', '😀']));
    const script = `
import numpy as np, scipy.io as io
a = np.array(['é', 'V1', '😀'])
np.save('little.npy', a); np.save('big.npy', a.astype('>U3')); np.save('bytes.npy', np.array([b'x', b'yz', b'']))
io.savemat('l.mat', {'cells': np.array(['é', 'V1', 'x'], dtype=object), 'rows': np.array(['ab', 'cde', 'f']), 'numbers': np.array([3, 1, 2])})
assert np.load('ours.npy').tolist() == a.tolist()
`;
    execFileSync(capability('scipy').command ?? 'python3', ['-c', script], { cwd: folder });
    for (const name of ['little.npy', 'big.npy', 'ours.npy'])
      expect(await readLabels(recording, join(folder, name))).toEqual(['é', 'V1', '😀']);
    expect(await readLabels(recording, join(folder, 'bytes.npy'))).toEqual(['x', 'yz', '']);
    const mat = join(folder, 'l.mat');
    expect(await readLabels(mat, 'cells')).toEqual(['é', 'V1', 'x']);
    expect(await readLabels(mat, 'rows')).toEqual(['ab', 'cde', 'f']);
    expect(await readLabels(mat, 'numbers')).toEqual(['3', '1', '2']);
  });
});
