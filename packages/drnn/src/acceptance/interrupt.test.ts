import { join } from 'node:path';
import { readModel } from '@drnn/recordings';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, listing, runCommand, type Run, spawnCommand, temporaryFolder } from './run-command.test.process.js';
import { simulated, writeMatrix } from './simulated-recording.test.data.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);

beforeAll(async () => {
  await writeMatrix(folder, 'long.npy', simulated({ units: 100, steps: 4000, gain: 3 }).rates);
  await writeMatrix(folder, 'short.npy', simulated().rates);
}, 60_000);

const long = (out: string): readonly string[] => [
  'fit',
  '--estimator',
  'convex',
  'long.npy',
  '--alpha',
  '0.1',
  '--holdout',
  '0',
  '--accelerate',
  'none',
  '--tolerance',
  '1e-14',
  '--max-steps',
  '5000',
  '--json',
  '--out',
  out,
];

/** Sends an interrupt at each of the times, in milliseconds after the fit's first line of progress. */
const interrupted = (out: string, times: readonly number[]): Promise<Run> =>
  spawnCommand(folder, long(out), (child) => {
    child.stderr?.once('data', () => {
      for (const time of times) setTimeout(() => child.kill('SIGINT'), time);
    });
  });

const expectAborted = async (run: Run, out: string): Promise<void> => {
  expect(run.code).toBe(130);
  expect(listing(folder)).toContain(out);
  expect(listing(folder).filter((name) => name.includes(`.${out}.`))).toEqual([]);
  const json: unknown = JSON.parse(run.stdout);
  expect(at(json, 'status')).toBe('aborted');
  expect(JSON.stringify(at(json, 'warnings'))).toContain('aborted');
  const model = await readModel(join(folder, out));
  expect(model.record?.status).toBe('aborted');
  // The last good state, not the start.
  expect(model.W.data.some((w) => w !== 0)).toBe(true);
  expect(model.W.data.every(Number.isFinite)).toBe(true);
};

describe('an interrupt', () => {
  it('writes the last good state, says so, and ends with 130', async () => {
    await expectAborted(await interrupted('once.npz', [0]), 'once.npz');
  });

  it('ends the calibrated estimator, too, wherever it is', async () => {
    const parameters = ['fit', 'long.npy', '--alpha', '0.1', '--json', '--out', 'rounds.npz'];
    for (const delay of [0, 400]) {
      const run = await spawnCommand(folder, [...parameters, '--force'], (child) => {
        child.stderr?.once('data', () => setTimeout(() => child.kill('SIGINT'), delay));
      });
      await expectAborted(run, 'rounds.npz');
    }
  }, 60_000);

  it('that arrives twice, as through npm, is one interrupt', async () => {
    await expectAborted(await interrupted('twice.npz', [0, 20]), 'twice.npz');
  });

  it('before the fit has begun leaves nothing half done', async () => {
    const run = await spawnCommand(folder, long('early.npz'), (child) => setTimeout(() => child.kill('SIGINT'), 150));
    expect([130, null]).toContain(run.code);
    expect(listing(folder).filter((name) => name.includes('.early.npz.'))).toEqual([]);
    if (listing(folder).includes('early.npz')) {
      expect((await readModel(join(folder, 'early.npz'))).record?.status).toBe('aborted');
    }
  });
});

describe('a fit that does not converge', () => {
  it('ends with 3, and the model, the JSON and the words say so', async () => {
    const run = await runCommand(folder, [
      'fit',
      '--estimator',
      'convex',
      'short.npy',
      '--alpha',
      '0.1',
      '--max-steps',
      '2',
      '--json',
      '--out',
      'few.npz',
    ]);
    expect(run.code).toBe(3);
    const json: unknown = JSON.parse(run.stdout);
    expect(at(json, 'status')).toBe('max-steps');
    expect(JSON.stringify(at(json, 'warnings'))).toContain('did not converge');
    expect((await readModel(join(folder, 'few.npz'))).record?.status).toBe('max-steps');
    const inspected = await runCommand(folder, ['inspect', 'few.npz']);
    expect(inspected.stdout).toContain('max-steps');
  });
});
