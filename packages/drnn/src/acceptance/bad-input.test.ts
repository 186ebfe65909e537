import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { numericArray, writeModel, writeNpy } from '@drnn/recordings';
import { matrix } from '@drnn/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, listing, runCommand, runFit, spawnCommand, temporaryFolder } from './run-command.test.process.js';
import { simulated, writeMatrices, writeMatrix } from './simulated-recording.test.data.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const units = 5;
const frames = 121;

/** An npy file that claims pickled objects. */
const objects = (): Buffer => {
  const header = `{'descr': '|O', 'fortran_order': False, 'shape': (3, 2), }`.padEnd(117) + '\n';
  return Buffer.concat([
    Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]),
    Buffer.from(header, 'latin1'),
    Buffer.alloc(64),
  ]);
};

/** The start of a MATLAB v5 file: its header, and a matrix that claims more bytes than there are. */
const cutMat = (): Buffer => {
  const bytes = Buffer.alloc(200, 0);
  bytes.write('MATLAB 5.0 MAT-file, Platform: GLNXA64'.padEnd(124), 0, 'latin1');
  bytes.writeUInt16LE(0x0100, 124);
  bytes.write('IM', 126, 'latin1');
  bytes.writeUInt32LE(14, 128);
  bytes.writeUInt32LE(10_000, 132);
  return bytes;
};

beforeAll(async () => {
  const { rates, inputs } = simulated({ units, steps: frames - 1, inputs: 2 });
  const path = (name: string): string => join(folder, name);
  const write = (name: string, rows: number, columns: number, value: (row: number, column: number) => number) =>
    writeMatrix(
      folder,
      name,
      matrix(
        rows,
        columns,
        Float64Array.from({ length: rows * columns }, (_, i) => value(Math.floor(i / columns), i % columns)),
      ),
    );
  await writeMatrices(folder, 'good.npz', { r: rates });
  await writeMatrices(folder, 'driven.npz', { r: rates, u: inputs });
  await writeMatrix(folder, 'good.npy', rates);
  await writeMatrix(folder, 'u.npy', inputs);
  const rate = (t: number, j: number): number => rates.data[t * units + j]!;
  await write('short-u.npy', 50, 2, (t, k) => inputs.data[t * 2 + k]!);
  await write('nan.npy', frames, units, (t, j) => (t === 7 && j === 2 ? Number.NaN : rate(t, j)));
  await write('infinite.npy', frames, units, (t, j) => (t === 7 && j === 2 ? Infinity : rate(t, j)));
  await write('constant.npy', frames, units, (t, j) => (j === 3 ? 0.3 : rate(t, j)));
  await write('one-frame.npy', 1, units, rate);
  await write('two-frames.npy', 2, units, rate);
  await write('wrong-mask.npy', units, units + 1, () => 1);
  await write('turned-mask.npy', units + 2, units, () => 1);
  await write('half-mask.npy', units, units, () => 0.5);
  await write('all-observed.npy', frames, units, () => 1);
  await write('wrong-samples.npy', frames - 4, units, () => 1);
  await write('turned-samples.npy', units, frames, () => 1);
  await writeNpy(path('short-trials.npy'), numericArray([50], new Int32Array(50)));
  await writeNpy(path('half-trials.npy'), numericArray([frames], new Float64Array(frames).fill(0.5)));
  await writeNpy(path('cube.npy'), numericArray([3, 40, units], Float64Array.from(rates.data.slice(0, 600))));
  await writeModel(path('small-model.npz'), { W: matrix(2, 2), alpha: 0.1 });
  const whole = readFileSync(path('good.npz'));
  writeFileSync(path('cut.npz'), whole.subarray(0, whole.length >> 1));
  writeFileSync(path('cut-a-little.npz'), whole.subarray(0, whole.length - 5));
  writeFileSync(path('cut.npy'), readFileSync(path('good.npy')).subarray(0, 1000));
  writeFileSync(path('cut.mat'), cutMat());
  writeFileSync(path('objects.npy'), objects());
  writeFileSync(path('empty.npz'), '');
  writeFileSync(path('empty.csv'), '');
  writeFileSync(path('words.csv'), '0.1,0.2\n0.3,many\n0.5,0.6\n0.1,0.3\n');
  writeFileSync(path('ragged.csv'), '0.1,0.2\n0.3,0.4,0.5\n0.5,0.6\n0.1,0.3\n');
  writeFileSync(path('there.npz'), 'a file of the user');
  mkdirSync(path('folder'));
  copyFileSync(path('good.npz'), path('folder/good.npz'));
  symlinkSync(path('good.npz'), path('other-name.npz'));
}, 60_000);

type Case = {
  readonly name: string;
  readonly parameters: readonly string[];
  /** What the issues must name: what was seen, and what was expected. */
  readonly says: readonly RegExp[];
  readonly code?: 1 | 2;
};

const alpha = ['--alpha', '0.1'];
const out = ['--out', 'out.npz', '--report', 'out.html'];
const plain = (file: string): readonly string[] => [file, ...alpha, ...out];
const good = (...more: readonly string[]): readonly string[] => [...plain('good.npz'), ...more];

const files: readonly Case[] = [
  { name: 'a missing file', parameters: plain('no-such.npz'), says: [/no-such\.npz/, /no such file/] },
  { name: 'a folder', parameters: plain('folder'), says: [/a folder/, /a file/] },
  { name: 'an empty npz', parameters: plain('empty.npz'), says: [/empty file/, /npz/] },
  { name: 'an empty csv', parameters: plain('empty.csv'), says: [/empty file/] },
  { name: 'a truncated npz', parameters: plain('cut.npz'), says: [/cut\.npz/, /zip|npz/] },
  {
    name: 'an npz without its last bytes',
    parameters: plain('cut-a-little.npz'),
    says: [/cut-a-little\.npz/, /zip|npz/],
  },
  { name: 'a truncated npy', parameters: plain('cut.npy'), says: [/cut\.npy/, /bytes|numbers/] },
  { name: 'a truncated mat', parameters: plain('cut.mat'), says: [/cut\.mat/, /bytes/] },
  { name: 'objects', parameters: plain('objects.npy'), says: [/objects\.npy/, /object|\|O/] },
  { name: 'a wrong key', parameters: [...good('--key', 'x')], says: [/x/, /\br\b/] },
  { name: 'a key of a file without keys', parameters: [...plain('good.npy'), '--key', 'r'], says: [/key/] },
  {
    name: 'two candidates and no key',
    parameters: plain('driven.npz'),
    says: [/r float64 \[121, 5\]/, /u float64 \[120, 2\]/],
  },
  { name: 'a cell that is no number', parameters: plain('words.csv'), says: [/many/, /number/, /2/] },
  { name: 'rows of different lengths', parameters: plain('ragged.csv'), says: [/3/, /2/] },
  { name: 'three axes without the layout', parameters: plain('cube.npy'), says: [/3, 40, 5/, /trial-time-unit/] },
  {
    name: 'two axes with the layout of three',
    parameters: good('--layout', 'trial-time-unit', '--key', 'r'),
    says: [/121, 5/, /trial, time, unit/],
  },
  { name: 'a model that is none', parameters: good('--from', 'driven.npz'), says: [/W/, /alpha/] },
  { name: 'a model of another size', parameters: good('--from', 'small-model.npz'), says: [/2/, /5/] },
];

const data: readonly Case[] = [
  { name: 'NaN', parameters: plain('nan.npy'), says: [/NaN/, /frame 7/, /unit 2/, /samples/] },
  {
    name: 'NaN that the samples do not cover',
    parameters: [...plain('nan.npy'), '--samples', 'all-observed.npy'],
    says: [/NaN/, /frame 7/, /unit 2/],
  },
  { name: 'infinity', parameters: plain('infinite.npy'), says: [/nfinit/, /finite/] },
  { name: 'a constant unit', parameters: plain('constant.npy'), says: [/unit 3/, /constant 0\.3/] },
  { name: 'one frame', parameters: plain('one-frame.npy'), says: [/time=1/, /2 frames/] },
  { name: 'one transition, of which a part is held out', parameters: plain('two-frames.npy'), says: [/1 transition/] },
  { name: 'a mask of the wrong shape', parameters: good('--connections', 'wrong-mask.npy'), says: [/5, 6/, /unit=5/] },
  {
    name: 'a transposed mask',
    parameters: [...plain('driven.npz'), '--key', 'r', '--inputs', 'u', '--connections', 'turned-mask.npy'],
    says: [/7, 5/, /unit=5/, /transpose/],
  },
  { name: 'a mask of halves', parameters: good('--connections', 'half-mask.npy'), says: [/0\.5/, /1|0/] },
  {
    name: 'samples of the wrong shape',
    parameters: good('--samples', 'wrong-samples.npy'),
    says: [/time=117/, /time=121/],
  },
  { name: 'transposed samples', parameters: good('--samples', 'turned-samples.npy'), says: [/time=5/, /transpose/] },
  { name: 'trials of the wrong length', parameters: good('--trials', 'short-trials.npy'), says: [/50/, /121/] },
  {
    name: 'trials that are no whole numbers',
    parameters: good('--trials', 'half-trials.npy'),
    says: [/0\.5/, /integer|whole/],
  },
  { name: 'inputs with wrong rows', parameters: good('--inputs', 'short-u.npy'), says: [/time=50/, /121/, /120/] },
  { name: 'inputs that are nowhere', parameters: good('--inputs', 'v'), says: [/\bv\b/, /no such file/] },
];

const options: readonly Case[] = [
  { name: 'alpha 0', parameters: ['good.npz', '--alpha', '0', ...out], says: [/alpha/, /\b0\b/, /at most 1/] },
  { name: 'alpha 2', parameters: ['good.npz', '--alpha', '2', ...out], says: [/alpha/, /\b2\b/, /at most 1/] },
  { name: 'neither alpha nor dt and tau', parameters: ['good.npz', ...out], says: [/alpha/, /tau/] },
  { name: 'dt without tau', parameters: ['good.npz', '--dt', '0.02', ...out], says: [/dt without tau/, /tau/] },
  { name: 'tau without dt', parameters: ['good.npz', '--tau', '0.2', ...out], says: [/tau without dt/] },
  {
    name: 'dt above tau',
    parameters: ['good.npz', '--dt', '0.3', '--tau', '0.2', ...out],
    says: [/0\.3/, /0\.2/, /at most 1/],
  },
  { name: 'alpha and tau', parameters: good('--tau', '0.2'), says: [/alpha together/, /either/] },
  { name: 'everything held out', parameters: good('--holdout', '1'), says: [/holdout/, /\b1\b/, /below 1/] },
  { name: 'a negative holdout', parameters: good('--holdout', '-0.1'), says: [/holdout/, /-0\.1/] },
  { name: 'a negative clip', parameters: good('--clip', '-1'), says: [/clip/, /-1/, /above 0/] },
  { name: 'a negative ridge', parameters: good('--ridge', '-1'), says: [/ridge/, /-1/, /at least 0/] },
  { name: 'no steps', parameters: good('--max-steps', '0'), says: [/0/, /at least 1/] },
  { name: 'tolerance 0', parameters: good('--tolerance', '0'), says: [/tolerance/, /above 0/] },
  {
    name: 'all that is wrong with the options at once',
    parameters: ['good.npz', '--alpha', '2', '--clip', '-1', '--holdout', '1', ...out],
    says: [/alpha/, /clip/, /holdout/],
  },
  {
    name: 'the shared metric without a bound on the curvature',
    parameters: good('--solver', 'shared-newton', '--weights', 'variance', '--clip', '1e9'),
    says: [/curvature|bound|metric/],
  },
];

const usage: readonly Case[] = [
  { name: 'an unknown option', parameters: good('--colour'), says: [/--colour/], code: 2 },
  { name: 'no file', parameters: ['--alpha', '0.1', ...out], says: [/file/], code: 2 },
  { name: 'dt in letters', parameters: ['good.npz', '--dt', 'small', ...out], says: [/dt/, /small/], code: 2 },
  { name: 'an unknown layout', parameters: good('--layout', 'diagonal'), says: [/diagonal/, /time-unit/], code: 2 },
  { name: 'an unknown loss', parameters: good('--loss', 'hinge'), says: [/hinge/, /cross-entropy/], code: 2 },
  { name: 'an unknown solver', parameters: good('--solver', 'adam'), says: [/adam/, /shared-newton/], code: 2 },
  { name: 'half a step', parameters: good('--max-steps', '1.5'), says: [/1\.5/, /whole/], code: 2 },
];

const refused: readonly Case[] = [
  {
    name: 'a folder that is missing',
    parameters: ['good.npz', ...alpha, '--out', 'nowhere/out.npz'],
    says: [/nowhere/, /folder/],
  },
  {
    name: 'a folder that is a file',
    parameters: ['good.npz', ...alpha, '--out', 'good.npy/out.npz'],
    says: [/good\.npy/, /folder/],
  },
  { name: 'a folder of the system', parameters: ['good.npz', ...alpha, '--out', '/proc/out.npz'], says: [/proc/] },
  {
    name: 'a report in a folder that is missing',
    parameters: ['good.npz', ...alpha, '--out', 'out.npz', '--report', 'nowhere/out.html'],
    says: [/nowhere/, /folder/],
  },
  {
    name: 'a file that is there',
    parameters: ['good.npz', ...alpha, '--out', 'there.npz'],
    says: [/there\.npz/, /already/, /force/],
  },
  {
    name: 'a report that is there',
    parameters: ['good.npz', ...alpha, '--report', 'there.npz'],
    says: [/there\.npz/, /force/],
  },
  {
    name: 'the recording itself',
    parameters: ['good.npz', ...alpha, '--out', './good.npz'],
    says: [/input|already/, /force/],
  },
  {
    name: 'the recording under another name',
    parameters: ['good.npz', ...alpha, '--out', 'other-name.npz'],
    says: [/force/],
  },
  {
    name: 'the inputs',
    parameters: ['driven.npz', '--key', 'r', '--inputs', 'u.npy', ...alpha, '--out', 'u.npy'],
    says: [/u\.npy/, /force/],
  },
  { name: 'a folder in its place', parameters: ['good.npz', ...alpha, '--force', '--out', 'folder'], says: [/folder/] },
  {
    name: 'one file for model and report',
    parameters: ['good.npz', ...alpha, '--out', 'same', '--report', './same'],
    says: [/same/],
  },
  {
    name: 'one file for model and report, with force',
    parameters: ['good.npz', ...alpha, '--out', 'same', '--report', 'same', '--force'],
    says: [/same/],
  },
];

describe.each([
  ['files', files],
  ['data', data],
  ['options', options],
  ['usage', usage],
  ['outputs', refused],
] as const)('bad %s', (_kind, cases) => {
  it.each(cases)('$name', async ({ parameters, says, code = 1 }) => {
    const before = listing(folder);
    const run = await runFit(folder, parameters);
    expect(listing(folder)).toEqual(before);
    expect(run.code).toBe(code);
    expect(Object.keys(Object(run.json))).toEqual(['error']);
    const issues = at(run.json, 'error', 'issues');
    if (!Array.isArray(issues)) throw new Error('no list of issues');
    expect(issues.length).toBeGreaterThan(0);
    const words = JSON.stringify(issues);
    for (const pattern of says) expect(words).toMatch(pattern);
    expect(words).not.toMatch(/fault of drnn|undefined|\[object|TypeError/);
    for (const issue of issues) {
      for (const field of ['path', 'seen', 'expected']) expect(at(issue, field)).toMatch(/\S/);
      expect(run.stderr).toContain(at(issue, 'seen'));
    }
    expect(run.stderr).not.toMatch(/\n\s+at /);
  });
});

describe('what an error leaves alone', () => {
  it('the bytes of the inputs and of the files that were there', () => {
    expect(readFileSync(join(folder, 'there.npz'), 'utf8')).toBe('a file of the user');
    expect(readFileSync(join(folder, 'good.npz')).equals(readFileSync(join(folder, 'folder/good.npz')))).toBe(true);
  });

  it('stdout, without --json', async () => {
    const run = await spawnCommand(folder, ['fit', 'no-such.npz', '--alpha', '0.1']);
    expect([run.code, run.stdout]).toEqual([1, '']);
    expect(run.stderr).toMatch(/no-such\.npz.*no such file/);
  });

  it('an unknown command is bad usage', async () => {
    expect((await runCommand(folder, ['fitt'])).code).toBe(2);
    expect((await runCommand(folder, ['predict', 'good.npz'])).code).toBe(2);
    expect((await runCommand(folder, ['--version'])).code).toBe(0);
  });
});

describe('fewer transitions than units', () => {
  it('fits, with a warning', async () => {
    const { rates } = simulated({ units: 20, steps: 12 });
    await writeMatrix(folder, 'wide.npy', rates);
    const run = await runFit(folder, ['wide.npy', ...alpha, '--out', 'wide.npz']);
    expect([run.code, at(run.json, 'samples')]).toEqual([0, 12]);
    expect(JSON.stringify(at(run.json, 'warnings'))).toMatch(/fewer transitions \(12\) than predictors \(20\)/);
    expect(listing(folder)).toContain('wide.npz');
  });
});
