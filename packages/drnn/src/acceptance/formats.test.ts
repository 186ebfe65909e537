import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeCsv, readArray, readModel, readRecording } from '@drnn/recordings';
import { capability, requires, sharedPath } from '@drnn/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, listing, numberAt, runFit, temporaryFolder } from './run-command.test.process.js';
import { arrayOf, simulated, writeMatrices, writeMatrix } from './simulated-recording.test.data.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const recordings = fileURLToPath(new URL('../../../recordings/', import.meta.url));
const { rates } = simulated({ units: 5, steps: 200 });
const path = (name: string): string => join(folder, name);

/** Runs a program and throws unless it succeeds. */
const succeed = (command: string, parameters: readonly string[], where: string): void => {
  const run = spawnSync(command, parameters, { cwd: where, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`${command}: ${run.stderr}`);
};

/** From the folder of the package that has the library, since this one has not. */
const writeHdf5 = (name: string): void => {
  writeFileSync(path('numbers.json'), JSON.stringify(Array.from(rates.data)));
  const program = `
    import h5wasm from 'h5wasm';
    import { readFileSync, writeFileSync } from 'node:fs';
    const { FS } = await h5wasm.ready;
    const file = new h5wasm.File('/a.h5', 'w');
    const data = Float64Array.from(JSON.parse(readFileSync(process.argv[1], 'utf8')));
    file.create_group('data').create_dataset({ name: 'r', data, shape: [${rates.rows}, ${rates.columns}] });
    file.close();
    writeFileSync(process.argv[2], FS.readFile('/a.h5'));`;
  succeed(process.execPath, ['--input-type=module', '--eval', program, path('numbers.json'), path(name)], recordings);
};

/** The six arrays of the model fitted to a file, bit for bit. */
const fittedTo = async (file: string, ...more: readonly string[]): Promise<readonly string[]> => {
  const run = await runFit(folder, [file, '--alpha', '0.1', ...more, '--out', `${file}.model.npz`]);
  expect({ code: run.code, error: at(run.json, 'error') }).toEqual({ code: 0, error: undefined });
  const model = await readModel(path(`${file}.model.npz`));
  return [model.W.data, model.Win.data, model.b, model.alpha, model.scale, model.offset].map((values) =>
    Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex'),
  );
};

describe('the same numbers', () => {
  let expected: readonly string[] = [];
  beforeAll(async () => {
    await writeMatrix(folder, 'rec.npy', rates);
    await writeMatrices(folder, 'rec.npz', { r: rates });
    writeFileSync(path('rec.csv'), encodeCsv(arrayOf(rates)));
    const digits = Array.from({ length: rates.rows }, (_, t) =>
      Array.from(rates.data.subarray(t * 5, t * 5 + 5), (value) => value.toPrecision(17)).join('\t'),
    );
    writeFileSync(path('digits.tsv'), `${digits.join('\n')}\n`);
    expected = await fittedTo('rec.npy');
  }, 60_000);

  it.each([
    ['npz', 'rec.npz'],
    ['csv', 'rec.csv'],
    ['tsv of 17 digits', 'digits.tsv'],
  ])('as %s give the same model, bit for bit', async (_format, file) => {
    expect(await fittedTo(file)).toEqual(expected);
  });

  it('as HDF5 give the same model, bit for bit', async () => {
    writeHdf5('rec.h5');
    expect(await fittedTo('rec.h5')).toEqual(expected);
    const { key } = (await readModel(path('rec.h5.model.npz'))).record?.sources[0] ?? {};
    expect(await fittedTo('rec.h5', '--key', String(key), '--force')).toEqual(expected);
    // The key of a dataset is no folder of the machine: a fit cannot be repeated without it.
    await fittedTo('rec.h5', '--key', '/data/r', '--force');
    const record = (await readModel(path('rec.h5.model.npz'))).record;
    expect(at(record?.options, 'key', 'value')).toBe('/data/r');
  });

  describe.skipIf(!requires('scipy'))('written by SciPy and NumPy', () => {
    it.each([
      ['mat', 'rec.mat', 'scipy.io.savemat("rec.mat", {"r": r, "note": "words"})'],
      ['compressed mat', 'small.mat', 'scipy.io.savemat("small.mat", {"r": r, "a": 0.1}, do_compression=True)'],
      ['Fortran npy', 'turned.npy', 'numpy.save("turned.npy", numpy.asfortranarray(r))'],
      ['big-endian npy', 'big.npy', 'numpy.save("big.npy", r.astype(">f8"))'],
      ['compressed npz', 'small.npz', 'numpy.savez_compressed("small.npz", r=r)'],
    ])('as %s give the same model, bit for bit', async (_format, file, statement) => {
      const program = `import numpy, scipy.io\nr = numpy.load("rec.npy")\n${statement}`;
      succeed(capability('scipy').command ?? '', ['-c', program], folder);
      expect(await fittedTo(file)).toEqual(expected);
    });

    it('as a mat cut anywhere are refused, and nothing is left behind', async () => {
      const program = 'import numpy, scipy.io\nscipy.io.savemat("whole.mat", {"r": numpy.load("rec.npy")})';
      succeed(capability('scipy').command ?? '', ['-c', program], folder);
      const whole = readFileSync(path('whole.mat'));
      for (const kept of [1, 127, 128, 130, 140, 180, whole.length >> 1, whole.length - 1]) {
        writeFileSync(path('cut.mat'), whole.subarray(0, kept));
        const before = listing(folder);
        const run = await runFit(folder, ['cut.mat', '--alpha', '0.1', '--out', 'cut.npz']);
        expect(run.code, `${kept} bytes`).toBe(1);
        expect(JSON.stringify(at(run.json, 'error', 'issues'))).toMatch(/cut\.mat/);
        expect(run.stderr).not.toMatch(/fault of drnn/);
        expect(listing(folder)).toEqual(before);
      }
    });
  });
});

describe.skipIf(!requires('shared'))('the zebrafish recording (the slowest test of this folder)', () => {
  it('gives the same weights from MATLAB and from five digits of csv, to 1e-3 of the largest', async () => {
    const models = [];
    for (const [format, key] of [
      ['mat', ['--key', 'activity_matrix']],
      ['csv', []],
    ] as const) {
      const file = sharedPath('recordings', `zebrafish-tectum-20151104-f1.${format}`);
      const run = await runFit(folder, [
        file,
        ...key,
        '--layout',
        'unit-time',
        '--estimator',
        'convex',
        '--alpha',
        '0.5',
        '--holdout',
        '0',
        '--out',
        `fish-${format}.npz`,
      ]);
      expect({ code: run.code, error: at(run.json, 'error') }).toEqual({ code: 0, error: undefined });
      expect([at(run.json, 'units'), at(run.json, 'samples'), at(run.json, 'status')]).toEqual([
        114,
        4244,
        'converged',
      ]);
      expect(numberAt(run.json, 'residual')).toBeLessThanOrEqual(1e-8);
      models.push(await readModel(path(`fish-${format}.npz`)));
    }
    const [a, b] = models;
    if (a === undefined || b === undefined) throw new Error('two models');
    const largest = a.W.data.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
    const worst = a.W.data.reduce((most, w, i) => Math.max(most, Math.abs(w - b.W.data[i]!)), 0);
    expect(worst / largest).toBeLessThanOrEqual(1e-3);
  }, 180_000);

  it('is the same numbers in both files, to five digits', async () => {
    const file = (format: string): string => sharedPath('recordings', `zebrafish-tectum-20151104-f1.${format}`);
    const mat = await readRecording(file('mat'), { key: 'activity_matrix', layout: 'unit-time' });
    const { array } = await readArray(file('csv'));
    expect(array.shape).toEqual([114, 4245]);
    const worst = mat.rates.data.reduce((most, value, i) => {
      const other = array.data[(i % 114) * 4245 + Math.floor(i / 114)]!;
      return Math.max(most, Math.abs(value - other) / Math.max(1e-3, Math.abs(value)));
    }, 0);
    expect(worst).toBeLessThanOrEqual(1e-4);
  });
});
