import { join } from 'node:path';
import { readModel } from '@drnn/recordings';
import { requires } from '@drnn/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poorerMachine } from './poorer-machine.test.process.js';
import { at, listing, numberAt, runFit, spawnCommand, temporaryFolder } from './run-command.test.process.js';
import { simulated, writeMatrix } from './simulated-recording.test.data.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);
beforeAll(() => writeMatrix(folder, 'rec.npy', simulated({ units: 6, steps: 400, gain: 2 }).rates), 60_000);

const common = ['rec.npy', '--alpha', '0.1', '--estimator', 'convex', '--accelerate', 'none', '--holdout', '0'];

/** A fit on a graphics processor that is taken away after so many batches of commands. */
const fitLosing = async (batches: number, ...more: readonly string[]) => {
  const environment = poorerMachine(folder, { losesDeviceAfter: batches });
  const parameters = ['fit', ...common, '--backend', 'webgpu', '--json', ...more];
  const run = await spawnCommand(folder, parameters, () => undefined, environment);
  const json: unknown = run.stdout === '' ? null : JSON.parse(run.stdout);
  return { ...run, json, batches: Number(/^batches (\d+)$/m.exec(run.stderr)?.[1]) };
};

describe.skipIf(!requires('webgpu'))('a fit on a graphics processor that is lost', () => {
  let all = 0;
  beforeAll(async () => {
    const whole = await fitLosing(-1);
    expect([whole.code, at(whole.json, 'deviceLost')]).toEqual([0, null]);
    all = whole.batches;
  }, 60_000);

  it('is told, and its last state is written; a fit from it goes on elsewhere', async () => {
    const run = await fitLosing(Math.floor(0.8 * all), '--out', 'cut.npz');
    expect([run.code, at(run.json, 'status'), at(run.json, 'backend')]).toEqual([3, 'device-lost', 'webgpu']);
    expect(at(run.json, 'deviceLost', 'wentOn')).toBeNull();
    const step = numberAt(run.json, 'deviceLost', 'step');
    expect(step).toBeGreaterThan(0);
    expect(JSON.stringify(at(run.json, 'warnings'))).toMatch(
      /webgpu \(.*adapter.*\) lost its device after step \d+ of the fit/,
    );
    const model = await readModel(join(folder, 'cut.npz'));
    expect(model.record?.status).toBe('device-lost');
    expect(at(model.record?.details, 'deviceLost', 'backend')).toBe('webgpu');
    expect(model.W.data.every(Number.isFinite)).toBe(true);
    const [rest, fresh] = [
      await runFit(folder, [...common, '--backend', 'cpu', '--from', 'cut.npz']),
      await runFit(folder, [...common, '--backend', 'cpu']),
    ];
    expect([rest.code, fresh.code]).toEqual([0, 0]);
    expect(numberAt(rest.json, 'steps')).toBeLessThan(numberAt(fresh.json, 'steps'));
  });

  it('goes on by itself with --fallback, and says so on stderr and in the JSON', async () => {
    const run = await fitLosing(Math.floor(0.8 * all), '--fallback', 'wasm', '--out', 'whole.npz');
    expect([run.code, at(run.json, 'status'), at(run.json, 'backend')]).toEqual([0, 'converged', 'wasm']);
    expect(at(run.json, 'deviceLost', 'wentOn')).toBe('wasm');
    expect(run.stderr).toMatch(
      /^The backend webgpu \(.*adapter.*\) lost its device after step \d+ of the fit: it goes on on wasm/m,
    );
    await runFit(folder, [...common, '--backend', 'cpu', '--out', 'right.npz']);
    const [seen, right] = [await readModel(join(folder, 'whole.npz')), await readModel(join(folder, 'right.npz'))];
    const apart = seen.W.data.map((w, i) => Math.abs(w - right.W.data[i]!));
    expect(Math.max(...apart)).toBeLessThan(1e-7);
  });

  it('before there is a state is an error that says what helps, and nothing is written', async () => {
    // The self-check takes fewer, the first state more.
    for (const batches of [1, Math.floor(0.25 * all)]) {
      const run = await fitLosing(batches, '--out', 'none.npz');
      if (at(run.json, 'status') === 'device-lost') continue;
      expect(run.code).toBe(1);
      expect(run.stderr).toMatch(/error: (backend-webgpu: saw a lost device|backend webgpu: saw a self-check)/);
      expect(listing(folder)).not.toContain('none.npz');
    }
  });
});
