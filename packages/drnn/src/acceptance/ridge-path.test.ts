import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readModel } from '@drnn/recordings';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, runCommand, runFit, temporaryFolder } from './run-command.test.process.js';
import { simulated, writeMatrices } from './simulated-recording.test.data.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);
beforeAll(async () => writeMatrices(folder, 'rec.npz', { r: simulated({ units: 6, steps: 400, gain: 2.5 }).rates }));

const recording = ['rec.npz', '--key', 'r', '--alpha', '0.1', '--backend', 'cpu'];

describe('drnn fit', () => {
  it('--ridge auto prints its path, draws it, and keeps it with the model', async () => {
    const flags = ['--estimator', 'convex', '--ridge', 'auto', '--out', 'm.npz', '--report', 'r.html'];
    const { code, json, stderr } = await runFit(folder, [...recording, ...flags]);
    expect(code, stderr).toBe(0);
    const chosen = Number(at(json, 'ridgePath', 'chosen'));
    expect(chosen).toBe(at(json, 'ridgePath', 'best'));
    expect(at(json, 'ridgePath', 'rule')).toBe('auto');
    expect(at(json, 'ridgePath', 'points', 0, 'strength')).toBe(at(json, 'ridgePath', 'max'));
    expect(at(json, 'ridgePath', 'points', 20, 'scores', 4)).toBeTypeOf('number');
    const model = await readModel(join(folder, 'm.npz'));
    expect(at(model.record, 'details', 'ridgePath', 'chosen')).toBe(chosen);
    expect(at(model.record, 'options', 'ridge', 'value')).toBe('auto');
    expect(readFileSync(join(folder, 'r.html'), 'utf8')).toContain('Held-out score against the strength of the ridge');
    // The ridge found, given as a number, is the same fit.
    const again = await runFit(folder, [...recording, '--estimator', 'convex', '--ridge', `${chosen}`]);
    expect(at(again.json, 'objective')).toBe(at(json, 'objective'));
    expect(at(again.json, 'ridgePath')).toBeNull();
  });

  it('--ridge auto is refused of the calibrated estimator with a hint, another word as bad usage', async () => {
    const calibrated = await runCommand(folder, ['fit', ...recording, '--ridge', 'auto']);
    expect(calibrated.code).toBe(1);
    expect(calibrated.stderr).toMatch(/--ridge: saw auto together with the calibrated estimator[^]*--estimator convex/);
    const other = await runCommand(folder, ['fit', ...recording, '--ridge', 'best']);
    expect(other.code).toBe(2);
  });

  it('--memory recompute gives the model of --memory keep', async () => {
    const [kept, made] = await Promise.all(
      ['keep', 'recompute'].map((memory) => runFit(folder, [...recording, '--memory', memory])),
    );
    expect([kept?.code, made?.code]).toEqual([0, 0]);
    expect(Number(at(made?.json, 'objective')) / Number(at(kept?.json, 'objective'))).toBeCloseTo(1, 9);
    const convex = await runCommand(folder, ['fit', ...recording, '--estimator', 'convex', '--memory', 'keep']);
    expect([convex.code, convex.stderr]).toEqual([
      1,
      expect.stringMatching(/--memory: saw keep together with the convex/),
    ]);
  });
});
