import { createHash } from 'node:crypto';
import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect, readArray, readModel } from '@drnn/recordings';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { choices, defaults } from '../index.js';
import { at, listing, numberAt, runCommand, runFit, temporaryFolder } from './run-command.test.process.js';
import { simulated, writeMatrices } from './simulated-recording.test.data.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const path = (name: string): string => join(folder, name);
const { rates, inputs } = simulated({ units: 4, steps: 150, inputs: 1 });

beforeAll(async () => {
  await writeMatrices(folder, 'rec.npz', { r: rates, u: inputs });
  const run = await runFit(folder, [
    path('rec.npz'),
    '--key',
    'r',
    '--inputs',
    'u',
    '--alpha',
    '0.1',
    '--no-refit',
    '--weights',
    'capped',
    '--out',
    path('model.npz'),
    '--report',
    path('report.html'),
  ]);
  expect(run.code).toBe(0);
}, 60_000);

describe('the model file', () => {
  it('holds W, Win, b, alpha, scale, offset and drnn.json', async () => {
    const { arrays, model } = await inspect(path('model.npz'));
    const shapes = Object.fromEntries(
      arrays.filter(({ shape }) => shape !== null).map(({ name, shape }) => [name, shape]),
    );
    expect(shapes).toEqual({ W: [4, 4], Win: [4, 1], b: [4], alpha: [4], scale: [4], offset: [4] });
    expect(model).not.toBeNull();
    for (const key of ['W', 'Win', 'b', 'alpha', 'scale', 'offset']) {
      expect((await readArray(path('model.npz'), { key })).array.type).toBe('float64');
    }
  });

  it('names for a calibrated fit what its pilot used, and not what it never reads', async () => {
    const run = await runFit(folder, [
      'rec.npz',
      '--key',
      'r',
      '--alpha',
      '0.1',
      '--effort',
      'quick',
      '--out',
      'c.npz',
    ]);
    expect([0, 3]).toContain(run.code);
    const options = (await readModel(path('c.npz'))).record?.options;
    expect(at(options, 'tolerance')).toEqual({ value: 1e-4, given: false });
    expect(at(options, 'maxSteps')).toEqual({ value: 1, given: false });
    expect(at(options, 'choosing')).toEqual({ value: 'split', given: false });
    expect(Object.keys(Object(options))).not.toContain('weights');
  });

  it('names every option with its value, and whether it was given', async () => {
    const record = (await readModel(path('model.npz'))).record;
    const given = ['key', 'inputs', 'alpha', 'refit', 'weights', 'out', 'report', 'json'];
    for (const [name, option] of Object.entries(Object(record?.options))) {
      expect(at(option, 'given'), name).toBe(given.includes(name));
      expect(Object.hasOwn(Object(option), 'value'), name).toBe(true);
    }
    expect(at(record?.options, 'weights', 'value')).toBe('capped');
    expect(at(record?.options, 'refit', 'value')).toBe(false);
    expect(at(record?.options, 'alpha', 'value')).toBe(0.1);
    for (const [name, value] of Object.entries(defaults)) {
      // The last is of the other estimator.
      if (given.includes(name) || name === 'backend' || name === 'effort') continue;
      expect(at(record?.options, name), name).toEqual({ value, given: false });
    }
  });

  it('names the hardware that ran in place of auto and of defaults that depend on the machine', async () => {
    const record = (await readModel(path('model.npz'))).record;
    for (const name of ['backend', 'precision', 'threads']) {
      expect(at(record?.options, name), name).toEqual({ value: at(record?.details, name), given: false });
    }
    expect(choices.backend.filter((name) => name !== 'auto')).toContain(at(record?.options, 'backend', 'value'));
    expect(numberAt(record?.options, 'threads', 'value')).toBeGreaterThanOrEqual(1);
  });

  it('records as zero-diagonal what was fitted', async () => {
    await runFit(folder, ['rec.npz', '--key', 'r', '--alpha', '0.1', '--free-diagonal', '--out', 'free.npz']);
    const options = (await readModel(path('free.npz'))).record?.options;
    expect(at(options, 'zeroDiagonal', 'value')).toBe(false);
  });

  it('names the recording by its name and the sha256 of its bytes', async () => {
    const sha256 = createHash('sha256')
      .update(readFileSync(path('rec.npz')))
      .digest('hex');
    expect((await readModel(path('model.npz'))).record?.sources).toEqual([{ fileName: 'rec.npz', sha256, key: 'r' }]);
  });

  it('says schema, status, versions and scores', async () => {
    const record = (await readModel(path('model.npz'))).record;
    expect([record?.schema, record?.status]).toEqual([1, 'converged']);
    expect(Object.keys(Object(record?.versions))).toEqual(expect.arrayContaining(['drnn', 'node']));
    expect(at(record?.scores, 'oneStepR2', 'pooled')).toBeTypeOf('number');
  });

  it('tells no folder, also where every path was absolute', () => {
    expect(readFileSync(path('model.npz')).includes(folder)).toBe(false);
    expect(readFileSync(path('model.npz')).includes('drnn-acceptance-')).toBe(false);
  });

  it('tells no folder in the report either', () => {
    expect(readFileSync(path('report.html'), 'utf8').includes('drnn-acceptance-')).toBe(false);
  });

  it('is the same bytes for the same fit', async () => {
    const again = ['rec.npz', '--key', 'r', '--alpha', '0.1', '--out', 'again.npz', '--force'];
    await runFit(folder, again);
    const first = readFileSync(path('again.npz'));
    await runFit(folder, again);
    expect(readFileSync(path('again.npz')).equals(first)).toBe(true);
  });

  it('replaces a file whole, and never through a link', async () => {
    writeFileSync(path('target.txt'), 'the target of a link');
    symlinkSync(path('target.txt'), path('link.npz'));
    const parameters = ['rec.npz', '--key', 'r', '--alpha', '0.1', '--out', 'link.npz'];
    expect((await runFit(folder, parameters)).code).toBe(1);
    const run = await runFit(folder, [...parameters, '--force']);
    expect(run.code).toBe(0);
    expect(readFileSync(path('target.txt'), 'utf8')).toBe('the target of a link');
    await readModel(path('link.npz'));
    const before = statSync(path('again.npz')).ino;
    await runFit(folder, ['rec.npz', '--key', 'r', '--alpha', '0.1', '--out', 'again.npz', '--force']);
    // A new file under the old name: whoever has the old one open reads on in it.
    expect(statSync(path('again.npz')).ino).not.toBe(before);
    expect(listing(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('is read by inspect, as is the recording', async () => {
    const model = await runCommand(folder, ['inspect', 'model.npz']);
    for (const words of ['W ', '[4, 4]', 'converged', 'rec.npz', 'capped']) expect(model.stdout).toContain(words);
    const recording = await runCommand(folder, ['inspect', 'rec.npz', '--json']);
    const json: unknown = JSON.parse(recording.stdout);
    expect(at(json, 'arrays')).toEqual([
      expect.objectContaining({ name: 'r', shape: [151, 4] }),
      expect.objectContaining({ name: 'u', shape: [150, 1] }),
    ]);
    expect((await runCommand(folder, ['inspect', 'no-such.npz'])).code).toBe(1);
  });
});
