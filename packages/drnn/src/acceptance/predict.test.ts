import { join } from 'node:path';
import { readArray, readModel, toFloat64 } from '@drnn/recordings';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand, runFit, temporaryFolder } from './run-command.test.process.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const array = async (file: string, key: string) => (await readArray(join(folder, file), { key })).array;
const simulation = ['simulate', '--units', '7', '--steps', '300', '--inputs', '2', '--gain', '1.5'];

beforeAll(async () => {
  const made = await runCommand(folder, [...simulation, '--seed', '3', '--out', 'sim.npz']);
  expect([made.code, made.stdout]).toEqual([0, '']);
  const run = await runFit(folder, [
    'sim.npz',
    '--key',
    'r',
    '--inputs',
    'u',
    '--alpha',
    '0.1',
    '--scale',
    'quantile',
    '--center',
    '--out',
    'model.npz',
  ]);
  expect(run.code).toBe(0);
}, 60_000);

describe('drnn simulate', () => {
  it('writes r, W, alpha, u and Win of the shapes it says', async () => {
    const shapes = Object.fromEntries(
      await Promise.all(['r', 'W', 'alpha', 'u', 'Win'].map(async (key) => [key, (await array('sim.npz', key)).shape])),
    );
    expect(shapes).toEqual({ r: [301, 7], W: [7, 7], alpha: [], u: [300, 2], Win: [7, 2] });
    const W = toFloat64(await array('sim.npz', 'W'));
    for (let j = 0; j < 7; j++) expect(W[j * 8]).toBe(0);
  });

  it('repeats itself with a seed and differs with another', async () => {
    await runCommand(folder, [...simulation, '--seed', '3', '--out', 'same.npz']);
    await runCommand(folder, [...simulation, '--seed', '4', '--out', 'other.npz']);
    const [r, same, other] = await Promise.all(['sim.npz', 'same.npz', 'other.npz'].map((file) => array(file, 'r')));
    expect(same?.data).toEqual(r?.data);
    expect(other?.data).not.toEqual(r?.data);
  });

  it('follows its own equation where there is no noise', async () => {
    const quiet = ['--input-noise', '0', '--output-noise', '0', '--observation-noise', '0'];
    await runCommand(folder, [...simulation, ...quiet, '--alpha', '0.3', '--out', 'quiet.npz']);
    const [r, W, u, Win] = await Promise.all(
      ['r', 'W', 'u', 'Win'].map(async (key) => toFloat64(await array('quiet.npz', key))),
    );
    let worst = 0;
    for (let t = 0; t < 300; t++) {
      for (let j = 0; j < 7; j++) {
        let z = 0;
        for (let k = 0; k < 7; k++) z += W![j * 7 + k]! * r![t * 7 + k]!;
        for (let k = 0; k < 2; k++) z += Win![j * 2 + k]! * u![t * 2 + k]!;
        const next = 0.7 * r![t * 7 + j]! + 0.3 * Math.tanh(z);
        worst = Math.max(worst, Math.abs(next - r![(t + 1) * 7 + j]!));
      }
    }
    expect(worst).toBeLessThanOrEqual(1e-14);
  });

  it('refuses what it cannot simulate, and leaves nothing', async () => {
    for (const wrong of [
      ['--alpha', '0'],
      ['--alpha', '2'],
      ['--units', '0'],
      ['--gain', '-1'],
      ['--input-noise', '-1'],
    ]) {
      const run = await runCommand(folder, [...simulation, ...wrong, '--out', 'wrong.npz']);
      expect([run.code, run.stdout], wrong.join(' ')).toEqual([1, '']);
      expect(run.stderr).toMatch(/expected/);
      await expect(readArray(join(folder, 'wrong.npz'))).rejects.toThrow('no such file');
    }
  });
});

describe('drnn predict', () => {
  it('starts from the recorded state and then runs on its own', async () => {
    const [start, steps] = [40, 60];
    const run = await runCommand(folder, [
      'predict',
      'model.npz',
      '--from',
      'sim.npz',
      '--start',
      String(start),
      '--steps',
      String(steps),
      '--out',
      'run.npz',
    ]);
    expect([run.code, run.stdout]).toEqual([0, '']);
    const predicted = await array('run.npz', 'r');
    expect(predicted.shape).toEqual([steps + 1, 7]);
    const [r, u] = [toFloat64(await array('sim.npz', 'r')), toFloat64(await array('sim.npz', 'u'))];
    const { W, Win, b, alpha, scale, offset } = await readModel(join(folder, 'model.npz'));
    expect(scale.some((value) => value !== 1) && offset.some((value) => value !== 0)).toBe(true);
    let state = Array.from({ length: 7 }, (_, j) => (r[start * 7 + j]! - offset[j]!) / scale[j]!);
    let worst = 0;
    for (let t = 0; t <= steps; t++) {
      state.forEach((s, j) => {
        const seen = predicted.data[t * 7 + j]!;
        worst = Math.max(worst, Math.abs(seen - (s * scale[j]! + offset[j]!)));
        if (t === 0) expect(Math.abs(seen - r[start * 7 + j]!)).toBeLessThanOrEqual(1e-15);
      });
      const now = state;
      state = now.map((s, j) => {
        let z = b[j]!;
        for (let k = 0; k < 7; k++) z += W.data[j * 7 + k]! * now[k]!;
        for (let k = 0; k < 2; k++) z += Win.data[j * 2 + k]! * u[(start + t) * 2 + k]!;
        return (1 - alpha[j]!) * s + alpha[j]! * Math.tanh(z);
      });
    }
    expect(worst).toBeLessThanOrEqual(1e-10);
  });

  it('refuses a start, an end or a recording that does not fit, and leaves nothing', async () => {
    await runCommand(folder, ['simulate', '--units', '3', '--steps', '50', '--out', 'three.npz']);
    const cases = [
      { parameters: ['sim.npz', '--start', '301'], says: /start.*300/ },
      { parameters: ['sim.npz', '--start', '0', '--steps', '0'], says: /steps/ },
      { parameters: ['sim.npz', '--start', '290', '--steps', '60'], says: /inputs.*350/ },
      { parameters: ['three.npz', '--steps', '10', '--inputs', 'r'], says: /unit=3.*unit=7/ },
      { parameters: ['three.npz', '--steps', '10'], says: /\bu\b/ },
    ] as const;
    for (const { parameters, says } of cases) {
      const run = await runCommand(folder, ['predict', 'model.npz', '--from', ...parameters, '--out', 'wrong.npz']);
      expect([run.code, run.stdout], parameters.join(' ')).toEqual([1, '']);
      expect(run.stderr).toMatch(says);
      expect(run.stderr).not.toMatch(/fault of drnn/);
      await expect(readArray(join(folder, 'wrong.npz'))).rejects.toThrow('no such file');
    }
  });

  it('does not overwrite without force', async () => {
    const again = ['predict', 'model.npz', '--from', 'sim.npz', '--steps', '5', '--out', 'again.npz'];
    expect((await runCommand(folder, again)).code).toBe(0);
    const run = await runCommand(folder, again);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('force');
    expect((await runCommand(folder, [...again, '--force'])).code).toBe(0);
  });
});
