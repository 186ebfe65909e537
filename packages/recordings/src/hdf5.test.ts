import { DrnnError } from '@drnn/tensor';
import { File, FS, ready } from 'h5wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { withHdf5 } from './hdf5.js';
import { hdf5Instance } from './hdf5-library.js';
import { nwbSampling } from './nwb.js';

/** An HDF5 file as h5wasm writes it, in the oldest format: its headers have no checksums. */
const written = (fill: (file: File) => void): Uint8Array => {
  const file = new File('/written.h5', 'w', { libver: ['earliest', 'v110'] });
  try {
    fill(file);
  } finally {
    file.close();
  }
  if (FS === null) throw new Error('h5wasm is not ready');
  const bytes = FS.readFile('/written.h5').slice();
  FS.unlink('/written.h5');
  return bytes;
};

const ramp = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => i + 0.1);

describe('HDF5', () => {
  let bytes: Uint8Array = new Uint8Array(0);
  beforeAll(async () => {
    await ready;
    bytes = written((file) => {
      file.create_dataset({ name: 'r', data: ramp(12), shape: [4, 3] });
      file.create_dataset({ name: 'z', data: ramp(600), shape: [200, 3], chunks: [7, 2], compression: 9 });
      file.create_dataset({ name: 'one', data: Float64Array.of(0.5), shape: [] });
      file.create_dataset({ name: 'i64', data: BigInt64Array.of(2n ** 53n - 1n, -3n) });
      file.create_dataset({ name: 'big', data: BigInt64Array.of(2n ** 53n + 1n) });
      file.create_dataset({ name: 'be', data: Int16Array.of(256, -2) });
      file.create_dataset({ name: 'text', data: ['a', 'b'] });
      file.create_dataset({ name: 'table', data: new Map<string, unknown>([['a', Float64Array.of(1)]]) });
      const group = file.create_group('acquisition');
      const series = group.create_group('series');
      series.create_dataset({ name: 'data', data: Int32Array.of(1, 2, 3, 4), shape: [2, 2] });
      series
        .create_dataset({ name: 'starting_time', data: Float64Array.of(0), shape: [] })
        .create_attribute('rate', 40);
      const stamped = group.create_group('stamped');
      stamped.create_dataset({ name: 'data', data: ramp(4) });
      stamped.create_dataset({ name: 'timestamps', data: Float64Array.of(1, 1.5, 2, 2.5) });
      const uneven = group.create_group('uneven');
      uneven.create_dataset({ name: 'data', data: ramp(3) });
      uneven.create_dataset({ name: 'timestamps', data: Float64Array.of(1, 1.5, 3) });
      file.create_soft_link('/acquisition/series', 'alias');
      file.create_soft_link('alias/data', 'twice');
      file.create_soft_link('loop', 'loop');
      file.create_soft_link('outside/r', 'through');
      file.create_external_link('/etc/passwd', '/r', 'outside');
    });
  });

  it('reads numbers of every layout and byte order bit for bit', async () => {
    // h5wasm writes no big-endian numbers, so the byte order of the only 16-bit type is turned in the file.
    const datatype = [0x10, 8, 0, 0, 2, 0, 0, 0];
    const turned = bytes.slice();
    const at = turned.findIndex((_, i) => datatype.every((byte, j) => turned[i + j] === byte));
    turned[at + 1] = 9;
    await withHdf5(turned, (file) => {
      expect(file.array('r')).toEqual({ shape: [4, 3], type: 'float64', data: ramp(12) });
      expect(file.array('/z')).toEqual({ shape: [200, 3], type: 'float64', data: ramp(600) });
      expect(file.array('one')).toEqual({ shape: [], type: 'float64', data: Float64Array.of(0.5) });
      expect(file.array('i64')).toEqual({ shape: [2], type: 'int64', data: Float64Array.of(2 ** 53 - 1, -3) });
      expect(file.array('be')).toEqual({ shape: [2], type: 'int16', data: Int16Array.of(1, 0xfeff - 0x10000) });
      expect(() => file.array('big')).toThrow('9007199254740993');
      expect(() => file.array('text')).toThrow('text');
      expect(() => file.array('table')).toThrow('compound');
      expect(() => file.array('nothing')).toThrow(/"nothing".*z \[200, 3\]/s);
    });
  });

  it('follows links within the file and none out of it', async () => {
    await withHdf5(bytes, (file) => {
      expect(file.resolve('twice')).toBe('acquisition/series/data');
      expect(file.array('alias').data).toEqual(Int32Array.of(1, 2, 3, 4));
      expect(() => file.array('outside')).toThrow('another file, "/etc/passwd"');
      expect(() => file.array('through')).toThrow('another file');
      expect(() => file.array('loop')).toThrow('circle');
      const types = new Map(file.list().map(({ name, type }) => [name, type]));
      expect(types.get('outside')).toBe('link to another file, not followed');
      expect(types.get('alias')).toBe('link to /acquisition/series');
    });
  });

  it('knows the sampling of NWB time series', async () => {
    await withHdf5(bytes, (file) => {
      expect(nwbSampling(file, 'acquisition/series')).toEqual({ interval: 1 / 40, notes: [] });
      expect(nwbSampling(file, 'alias/data').interval).toBe(1 / 40);
      expect(nwbSampling(file, 'acquisition/stamped/data').interval).toBe(0.5);
      const uneven = nwbSampling(file, 'acquisition/uneven');
      expect(uneven.interval).toBeNull();
      expect(uneven.notes[0]).toContain('uneven');
      expect(nwbSampling(file, 'r')).toEqual({ interval: null, notes: [] });
    });
  });

  it("gives MATLAB 7.3 arrays MATLAB's shape", async () => {
    // [rows=2, columns=3] of MATLAB is stored column by column, which HDF5 sees as [3, 2].
    const plain = written((file) => {
      const x = file.create_dataset({ name: 'x', data: Float64Array.of(1, 4, 2, 5, 3, 6), shape: [3, 2] });
      x.create_attribute('MATLAB_class', 'double', [], 'S6');
      const mask = file.create_dataset({ name: 'mask', data: Uint8Array.of(1, 0), shape: [2, 1] });
      mask.create_attribute('MATLAB_class', 'logical', [], 'S7');
      const text = file.create_dataset({ name: 'text', data: Uint16Array.of(104, 105), shape: [2, 1] });
      text.create_attribute('MATLAB_class', 'char', [], 'S4');
      file.create_group('#refs#').create_dataset({ name: 'a', data: ramp(4), shape: [2, 2] });
    });
    const header = new Uint8Array(512);
    header.set(new TextEncoder().encode('MATLAB 7.3 MAT-file'.padEnd(124)));
    const matlab = Uint8Array.of(...header, ...plain);
    await withHdf5(matlab, (file) => {
      expect(file.list().map(({ name, shape, type, numeric }) => [name, shape, type, numeric])).toEqual([
        ['mask', [1, 2], 'bool', true],
        ['text', [1, 2], 'char', false],
        ['x', [2, 3], 'float64', true],
      ]);
      expect(file.array('x')).toEqual({ shape: [2, 3], type: 'float64', data: Float64Array.of(1, 2, 3, 4, 5, 6) });
      expect(file.array('mask')).toEqual({ shape: [1, 2], type: 'bool', data: Uint8Array.of(1, 0) });
      expect(() => file.array('text')).toThrow('char');
    });
  });

  it('refuses a dataset that declares more than its file can hold, before reading it', async () => {
    const small = written((file) => {
      file
        .create_dataset({
          name: 'r',
          data: ramp(4),
          shape: [2, 2],
          maxshape: [null, null],
          chunks: [2, 2],
          compression: 1,
        })
        .resize([2 ** 20, 2 ** 20]);
    });
    await expect(withHdf5(small, (file) => file.array('r'))).rejects.toThrow(/\[1048576, 1048576\], \d+ bytes/);
  });

  it('gives the heap back after a chunk that claims to be huge, and reads on', async () => {
    // In the oldest format the index of chunks is a B-tree (TREE, type 1), whose first key is the bytes of a chunk.
    const lying = bytes.slice();
    const at = lying.findIndex((_, i) => [0x54, 0x52, 0x45, 0x45, 1].every((byte, j) => lying[i + j] === byte));
    new DataView(lying.buffer).setUint32(at + 24, 0x70000000, true);
    await expect(withHdf5(lying, (file) => file.array('z'))).rejects.toThrow(DrnnError);
    const { library } = await hdf5Instance();
    expect(library.HEAPU8.byteLength).toBeLessThan(64 * 1024 * 1024);
    expect((await withHdf5(bytes, (file) => file.array('z'))).data).toEqual(ramp(600));
  });

  it('cleans up after errors, and reads on', async () => {
    const { library } = await hdf5Instance();
    const before = library.FS.readdir('/').length;
    await expect(withHdf5(new Uint8Array(0), () => 0)).rejects.toThrow('empty file');
    await expect(withHdf5(bytes.subarray(0, 3000), (file) => file.list())).rejects.toThrow(DrnnError);
    const own = new TypeError('from the caller');
    await expect(
      withHdf5(bytes, () => {
        throw own;
      }),
    ).rejects.toBeInstanceOf(Error);
    expect(library.FS.readdir('/')).toHaveLength(before);
    expect(await withHdf5(bytes, (file) => file.array('one').data[0])).toBe(0.5);
  });
});
