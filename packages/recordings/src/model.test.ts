import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DrnnError, matrix, matrixOf } from '@drnn/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseJson } from './json.js';
import { decodeModel, encodeModel, encodeModelRecord, decodeModelRecord, type ModelRecord } from './model.js';
import { readModel, writeArrays, writeModel } from './model-file.js';
import { decodeNpz, encodeNpz } from './npz.js';
import { numericArray } from './numeric-array.js';
import { inspect } from './read-file.js';
import { checkWritable, writeFileBeside } from './write-beside.js';

const record: ModelRecord = {
  schema: 1,
  status: 'converged',
  options: {
    alpha: { value: 0.1, given: true },
    inputs: { value: '/data/secret/u.npy', given: true },
    clip: { value: null, given: false },
  },
  sources: [{ fileName: '/data/secret/r.npz', sha256: '0f'.repeat(32), key: 'r' }],
  versions: { drnn: '0.1.0', node: '20.19.0' },
  scores: { oneStepR2: { pooled: 0.5, median: 0.4 }, closedLoopR2: [] },
  details: { residual: 1e-9, trials: ['C:\\data\\secret\\t.npy'] },
};
const model = {
  W: matrixOf([
    [0, 0.1 + 0.2],
    [-1e-300, 0],
  ]),
  Win: matrixOf([[1], [2]]),
  b: Float64Array.of(0.5, -0),
  alpha: Float64Array.of(0.1, 0.2),
  scale: Float64Array.of(2, 3),
  offset: Float64Array.of(-1, 1),
  record,
};

describe('models', () => {
  let folder = '';
  const path = (name: string): string => join(folder, name);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'drnn-model-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('keep standard errors, infinite ones too, and refuse those of another shape', () => {
    const standardErrors = {
      W: matrixOf([
        [0, Infinity],
        [0.25, 0],
      ]),
      Win: matrixOf([[0.5], [1e-9]]),
    };
    expect(decodeModel(encodeModel({ ...model, standardErrors })).standardErrors).toEqual(standardErrors);
    expect('standardErrors' in decodeModel(encodeModel(model))).toBe(false);
    expect(() => encodeModel({ ...model, standardErrors: { ...standardErrors, Win: matrix(2, 2) } })).toThrow(/Win_se/);
    const negative = matrixOf([
      [0, -1],
      [0, 0],
    ]);
    expect(() => encodeModel({ ...model, standardErrors: { ...standardErrors, W: negative } })).toThrow(/W_se.*-1/s);
  });

  it('come back bit for bit, with their record but without folders', async () => {
    await writeModel(path('model.npz'), model);
    const back = await readModel(path('model.npz'));
    for (const name of ['b', 'alpha', 'scale', 'offset'] as const) expect(back[name]).toEqual(model[name]);
    expect(back.W).toEqual(model.W);
    expect(back.Win).toEqual(model.Win);
    expect(back.record?.options['inputs']).toEqual({ value: 'u.npy', given: true });
    expect(back.record?.sources).toEqual([{ fileName: 'r.npz', sha256: '0f'.repeat(32), key: 'r' }]);
    expect(back.record?.details).toEqual({ residual: 1e-9, trials: ['t.npy'] });
    expect(readFileSync(path('model.npz')).includes('secret')).toBe(false);
    expect((await inspect(path('model.npz'))).model?.status).toBe('converged');
    expect(encodeModel(model)).toEqual(encodeModel(model));
  });

  it('need no more than W and alpha', () => {
    const W = numericArray([2, 2], Float64Array.of(0, 1, 2, 0));
    const back = decodeModel(
      encodeNpz({ W, alpha: numericArray([], Float64Array.of(0.25)), r: numericArray([3, 2], new Float64Array(6)) }),
    );
    expect(back.Win).toEqual(matrix(2, 0));
    expect([...back.alpha, ...back.b, ...back.scale, ...back.offset]).toEqual([0.25, 0.25, 0, 0, 1, 1, 0, 0]);
    expect(back.record).toBeNull();
    expect(() => decodeModel(encodeNpz({ W }))).toThrow('no alpha');
  });

  it('are refused with every issue', () => {
    const bad = encodeNpz({
      W: numericArray([2, 2], Float64Array.of(0, Number.NaN, 2, 0)),
      Win: numericArray([3, 1], new Float64Array(3)),
      alpha: numericArray([], Float64Array.of(2)),
      b: numericArray([3], new Float64Array(3)),
      scale: numericArray([2], Float64Array.of(1, 0)),
    });
    try {
      decodeModel(bad, 'm.npz');
      throw new Error('nothing was refused');
    } catch (error) {
      const issues = error instanceof DrnnError ? error.issues : [];
      expect(issues.map((issue) => issue.path)).toEqual([
        'm.npz: Win',
        'm.npz: W',
        'm.npz: b',
        'm.npz: alpha',
        'm.npz: scale',
      ]);
    }
    const long = encodeNpz({
      W: numericArray([2 ** 40, 0], new Float64Array(0)),
      alpha: numericArray([], Float64Array.of(0.1)),
    });
    expect(() => decodeModel(long)).toThrow('square');
  });

  it('keep NaN out of their record', () => {
    expect(() => encodeModelRecord({ ...record, scores: { r2: Number.NaN } })).toThrow('finite number or null');
  });

  it('take no record that is not as described', () => {
    const edited = (from: string, to: string): Uint8Array =>
      new TextEncoder().encode(new TextDecoder().decode(encodeModelRecord(record)).replace(from, to));
    expect(() => decodeModelRecord(edited('"schema": 1', '"schema": 2'))).toThrow('another version');
    expect(() => decodeModelRecord(edited('"given": true', '"given": 1'))).toThrow('options.alpha');
    expect(() => decodeModelRecord(edited('"r.npz"', '"../r.npz"'))).toThrow('without a folder');
    expect(() => decodeModelRecord(edited('"status": "converged"', '"status": 3'))).toThrow('status');
  });

  it('parse JSON without prototypes', () => {
    const parse = (text: string): unknown => parseJson(new TextEncoder().encode(text));
    const value = parse('{"a": {"toString": 1}}');
    expect(Object.getPrototypeOf(value)).toBeNull();
    for (const key of ['__proto__', 'constructor', 'prototype'])
      expect(() => parse(`{"a": [{"${key}": {"x": 1}}]}`)).toThrow(key);
    expect(() => parse('['.repeat(1e6))).toThrow(DrnnError);
    expect(() => parse('{"a": 1e999}')).toThrow('finite');
    expect(() => parse('{"a": NaN}')).toThrow('no JSON');
    expect('x' in {}).toBe(false);
  });

  it('are written whole or not at all', async () => {
    const inside = path('out');
    mkdirSync(inside);
    const out = join(inside, 'a.npz');
    await writeArrays(out, { r: numericArray([2], Float64Array.of(1, 2)) });
    const first = readFileSync(out);
    await expect(writeModel(out, model)).rejects.toThrow('already there');
    await expect(checkWritable(out)).rejects.toThrow('already there');
    expect(readFileSync(out)).toEqual(first);
    await writeModel(out, model, { force: true });
    expect(decodeNpz(readFileSync(out)).has('W')).toBe(true);
    await expect(
      writeModel(out, { ...model, W: matrix(2, 2, Float64Array.of(0, Number.NaN, 0, 0)) }, { force: true }),
    ).rejects.toThrow(DrnnError);
    await expect(writeFileBeside(join(inside, 'none', 'x.html'), 'x')).rejects.toThrow('does not exist');
    mkdirSync(join(inside, 'folder.html'));
    await expect(writeFileBeside(join(inside, 'folder.html'), 'x', { force: true })).rejects.toThrow(DrnnError);
    writeFileSync(join(inside, 'file'), 'x');
    await expect(writeFileBeside(join(inside, 'file', 'x.html'), 'x')).rejects.toThrow(DrnnError);
    const racing = await Promise.allSettled([1, 2, 3, 4].map((i) => writeFileBeside(join(inside, 'race'), `${i}`)));
    expect(racing.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await checkWritable(join(inside, 'new.npz'));
    expect(readdirSync(inside).toSorted()).toEqual(['a.npz', 'file', 'folder.html', 'race']);
  });
});
