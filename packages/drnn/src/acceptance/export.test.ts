import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeMat5, openNpz, readModel } from '@drnn/recordings';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand, runFit, temporaryFolder } from './run-command.test.process.js';
import { simulated, writeMatrix } from './simulated-recording.test.data.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);

beforeAll(async () => {
  const { rates, inputs } = simulated({ units: 4, steps: 200, inputs: 1 });
  await writeMatrix(folder, 'rec.npy', rates);
  await writeMatrix(folder, 'u.npy', inputs);
  const fit = ['rec.npy', '--inputs', 'u.npy', '--alpha', '0.1', '--bias'];
  expect((await runFit(folder, [...fit, '--out', 'model.npz'])).code).toBe(0);
  expect((await runFit(folder, [...fit, '--loss', 'softplus', '--scale', 'none', '--out', 'soft.npz'])).code).toBe(0);
}, 60_000);

it('drnn export writes the numbers of the model for MATLAB and for PyTorch', async () => {
  expect((await runCommand(folder, ['export', 'model.npz', '--to', 'mat', '-o', 'model.mat'])).code).toBe(0);
  expect((await runCommand(folder, ['export', 'model.npz', '--to', 'pytorch-npz', '-o', 'torch.npz'])).code).toBe(0);
  const model = await readModel(join(folder, 'model.npz'));
  const mat = decodeMat5(readFileSync(join(folder, 'model.mat')));
  const torch = openNpz(readFileSync(join(folder, 'torch.npz')));
  for (const [name, ours] of [
    ['weight_hh_l0', 'W'],
    ['weight_ih_l0', 'Win'],
  ] as const) {
    expect(mat.get(ours)?.data).toEqual(model[ours].data);
    expect(torch.array(name).data).toEqual(Float32Array.from(model[ours].data));
  }
  expect(mat.get('b')).toMatchObject({ shape: [4, 1], data: model.b });
  expect(torch.array('bias_ih_l0').data).toEqual(Float32Array.from(model.b));
});

it('drnn export carries the standard errors of the weights, and writes none where there are none', async () => {
  const flags = ['--inputs', 'u.npy', '--alpha', '0.1', '--choosing', 'none', '--intervals', 'exact'];
  expect([0, 3]).toContain((await runFit(folder, ['rec.npy', ...flags, '--out', 'errors.npz'])).code);
  expect((await runCommand(folder, ['export', 'errors.npz', '--to', 'mat', '-o', 'errors.mat'])).code).toBe(0);
  const torchFile = ['export', 'errors.npz', '--to', 'pytorch-npz', '-o', 'errors-torch.npz'];
  expect((await runCommand(folder, torchFile)).code).toBe(0);
  const { standardErrors, W } = await readModel(join(folder, 'errors.npz'));
  const mat = decodeMat5(readFileSync(join(folder, 'errors.mat')));
  const torch = openNpz(readFileSync(join(folder, 'errors-torch.npz')));
  expect(standardErrors?.W.data.filter((error) => error > 0)).toHaveLength(W.rows * (W.rows - 1));
  for (const [name, ours] of [
    ['weight_hh_l0_se', 'W'],
    ['weight_ih_l0_se', 'Win'],
  ] as const) {
    const errors = standardErrors?.[ours] ?? expect.unreachable();
    expect(mat.get(`${ours}_se`)).toMatchObject({ shape: [errors.rows, errors.columns], data: errors.data });
    expect(torch.array(name)).toMatchObject({ shape: [errors.rows, errors.columns] });
    expect(torch.array(name).data).toEqual(Float32Array.from(errors.data));
  }
  const without = openNpz(readFileSync(join(folder, 'torch.npz')));
  expect(without.names.filter((name) => name.endsWith('_se'))).toEqual([]);
  expect([...decodeMat5(readFileSync(join(folder, 'model.mat'))).keys()]).not.toContain('W_se');
});

it('drnn export refuses a network that torch.nn.RNN does not have, a file that is there, and bad usage', async () => {
  const soft = await runCommand(folder, ['export', 'soft.npz', '--to', 'pytorch-npz', '-o', 'soft-torch.npz']);
  expect([soft.code, soft.stderr]).toEqual([1, expect.stringContaining('softplus')]);
  expect((await runCommand(folder, ['export', 'soft.npz', '--to', 'mat', '-o', 'soft.mat'])).code).toBe(0);
  const again = await runCommand(folder, ['export', 'soft.npz', '--to', 'mat', '-o', 'soft.mat']);
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('already there')]);
  expect((await runCommand(folder, ['export', 'soft.npz', '-o', 'other.mat'])).code).toBe(2);
});
