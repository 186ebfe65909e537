import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capability, requires } from '@drnn/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMat5 } from './mat5.js';
import { decodeNpy, encodeNpy } from './npy.js';
import { decodeNpz, encodeNpz } from './npz.js';
import { numericArray, type NumericArray } from './numeric-array.js';

/** Value by value, as numpy prints it with repr of float. */
const same = (array: NumericArray | undefined, shape: readonly number[], values: readonly number[]): void => {
  expect(array?.shape).toEqual(shape);
  expect([...(array?.data ?? [])]).toEqual(values);
};

describe.skipIf(!requires('scipy'))('against numpy and scipy', () => {
  let folder = '';
  const run = (script: string): string =>
    execFileSync(capability('scipy').command ?? 'python3', ['-c', `import numpy as np\n${script}`], {
      cwd: folder,
      encoding: 'utf8',
    });
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'drnn-python-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('reads what numpy writes: every type, both byte orders and memory orders, compressed or not', () => {
    run(`
a = np.arange(24).reshape(2, 3, 4)
d = {}
for t in ['<f8', '>f8', '<f4', '>f4', 'i1', '<i2', '>i2', '<i4', '>i4', '<i8', '>i8', 'u1', '<u2', '>u2', '<u4', '>u4', '<u8', '>u8', '?']:
    k = t.replace('<', 'l').replace('>', 'b').replace('?', 'bool')
    d[k] = a.astype(t)
    d[k + 'F'] = np.asfortranarray(a.astype(t))
d['scalar'] = np.float64(0.1)
d['empty'] = np.zeros((0, 3))
np.savez('stored.npz', **d)
np.savez_compressed('deflated.npz', **d)
np.save('one.npy', np.asfortranarray(np.arange(6.).reshape(2, 3)))
with open('v2.npy', 'wb') as f: np.lib.format.write_array(f, np.arange(3.), version=(2, 0))
with open('v3.npy', 'wb') as f: np.lib.format.write_array(f, np.arange(3.), version=(3, 0))
`);
    const ramp = Array.from({ length: 24 }, (_, i) => i);
    for (const name of ['stored.npz', 'deflated.npz']) {
      const arrays = decodeNpz(readFileSync(join(folder, name)));
      expect(arrays.size).toBe(40);
      for (const [key, array] of arrays) {
        if (key === 'scalar') same(array, [], [0.1]);
        else if (key === 'empty') same(array, [0, 3], []);
        else same(array, [2, 3, 4], key.startsWith('bool') ? ramp.map((i) => Math.min(i, 1)) : ramp);
      }
    }
    same(decodeNpy(readFileSync(join(folder, 'one.npy'))), [2, 3], [0, 1, 2, 3, 4, 5]);
    for (const name of ['v2.npy', 'v3.npy']) same(decodeNpy(readFileSync(join(folder, name))), [3], [0, 1, 2]);
  });

  it('writes what numpy reads, bit for bit', () => {
    const values = Float64Array.from({ length: 20 }, (_, i) => Math.sin(1e3 * i) * 10 ** (i - 10));
    values[3] = Number.NaN;
    values[4] = -0;
    const arrays = {
      f: numericArray([4, 5], values),
      s: numericArray([], Float64Array.of(0.1)),
      i: numericArray([3], Float64Array.of(1, -2, 2 ** 53 - 1), 'int64'),
      b: numericArray([2], Uint8Array.of(0, 1), 'bool'),
      z: numericArray([4, 0], new Float64Array(0)),
    };
    writeFileSync(join(folder, 'ours.npz'), encodeNpz(arrays));
    writeFileSync(join(folder, 'ours-c.npz'), encodeNpz(arrays, { compress: true }));
    writeFileSync(join(folder, 'ours.npy'), encodeNpy(arrays.f));
    const printed = run(`
for n in ['ours.npz', 'ours-c.npz']:
    z = np.load(n)
    print(z['f'].tobytes().hex(), z['f'].shape, z['s'].shape, float(z['s']), z['i'].dtype, z['i'].tolist(), z['b'].dtype, z['b'].tolist(), z['z'].shape)
print(np.load('ours.npy').tobytes().hex())
`).split('\n');
    const hex = Buffer.from(values.buffer).toString('hex');
    const line = `${hex} (4, 5) () 0.1 int64 [1, -2, 9007199254740991] bool [False, True] (4, 0)`;
    expect(printed.slice(0, 3)).toEqual([line, line, hex]);
  });

  it.each([true, false])('reads MATLAB v5 as scipy writes it, compressed: %s', (compressed) => {
    const printed = run(`
import scipy.io as io, scipy.sparse
x = np.random.default_rng(1).standard_normal((7, 5)); x[2, 3] = np.nan
m = {'x': x, 'whole': np.arange(6.).reshape(2, 3), 'i16': np.arange(-3, 3, dtype=np.int16).reshape(3, 2), 'u8': np.arange(4, dtype=np.uint8).reshape(2, 2),
 'f4': np.arange(4, dtype=np.float32).reshape(2, 2) / 3, 'i64': np.array([[2**53 - 1, -5]]), 'mask': np.array([[True, False], [False, True]]), 'cube': np.arange(24.).reshape(2, 3, 4),
 'text': 'grüße', 'cells': np.array([np.arange(3.), 'ab'], dtype=object), 's': {'rates': np.arange(6.).reshape(3, 2), 'deep': {'dt': 0.02}}, 'z': np.array([[1 + 2j]]), 'big': np.array([[2**53 + 1]])}
m['sp'] = scipy.sparse.eye(3).tocsc()
io.savemat('a.mat', m, do_compression=${compressed ? 'True' : 'False'})
print(x.tobytes().hex()); print(m['f4'].tobytes().hex())
`).split('\n');
    const bytes = readFileSync(join(folder, 'a.mat'));
    const mat = openMat5(bytes);
    const hexOf = (key: string): string => Buffer.from(mat.array(key).data.buffer).toString('hex');
    expect(mat.array('x').shape).toEqual([7, 5]);
    expect(hexOf('x')).toBe(printed[0]);
    expect(hexOf('f4')).toBe(printed[1]);
    same(mat.array('whole'), [2, 3], [0, 1, 2, 3, 4, 5]);
    same(mat.array('i16'), [3, 2], [-3, -2, -1, 0, 1, 2]);
    same(mat.array('u8'), [2, 2], [0, 1, 2, 3]);
    same(mat.array('i64'), [1, 2], [2 ** 53 - 1, -5]);
    same(mat.array('mask'), [2, 2], [1, 0, 0, 1]);
    same(
      mat.array('cube'),
      [2, 3, 4],
      Array.from({ length: 24 }, (_, i) => i),
    );
    same(mat.array('s.rates'), [3, 2], [0, 1, 2, 3, 4, 5]);
    same(mat.array('s.deep.dt'), [1, 1], [0.02]);
    expect(mat.value('text')).toMatchObject({ kind: 'char', text: 'grüße' });
    const cells = mat.value('cells');
    expect(cells.kind === 'cell' ? cells.cells.map(({ kind }) => kind) : []).toEqual(['numeric', 'char']);
    expect(() => mat.array('z')).toThrow('complex double');
    expect(() => mat.array('sp')).toThrow('full(x)');
    expect(() => mat.array('big')).toThrow('9007199254740993');
    expect(() => mat.array('nothing')).toThrow(/"nothing".*x \[7, 5\]/s);
    expect(() => mat.array('s.other')).toThrow('rates, deep');
    for (const length of [0, 100, 127, 128 + 4, 200, bytes.length >> 1, bytes.length - 1]) {
      expect(() => {
        const cut = openMat5(bytes.subarray(0, length));
        for (const { name } of cut.variables) cut.value(name);
      }).toThrow();
    }
  });

  it('reads the big-endian MATLAB v5 files that scipy reads', () => {
    // scipy writes the host's order only, so its writer is asked for the other one by turning every word of a file.
    run(`
import struct, scipy.io as io
a = np.arange(6.).reshape(2, 3)
def el(t, d): return struct.pack('>II', t, len(d)) + d + b'\\0' * (-len(d) % 8)
body = el(6, struct.pack('>II', 6, 0)) + el(5, struct.pack('>ii', 2, 3)) + el(1, b'a') + el(9, a.astype('>f8').tobytes(order='F'))
open('big.mat', 'wb').write(b'MATLAB 5.0 MAT-file'.ljust(124) + b'\\x01\\x00MI' + el(14, body))
assert (io.loadmat('big.mat')['a'] == a).all()
`);
    same(openMat5(readFileSync(join(folder, 'big.mat'))).array('a'), [2, 3], [0, 1, 2, 3, 4, 5]);
  });
});
