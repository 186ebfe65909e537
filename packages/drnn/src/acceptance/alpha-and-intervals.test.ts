import { join } from 'node:path';
import { readModel } from '@drnn/recordings';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, runCommand, runFit, temporaryFolder } from './run-command.test.process.js';
import { simulated, writeMatrices } from './simulated-recording.test.data.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const units = 12;
beforeAll(async () => {
  const { rates, inputs } = simulated({ units, steps: 1200, inputs: 2, gain: 2.5, seed: 3 });
  await writeMatrices(folder, 'rec.npz', { r: rates, u: inputs });
});
const recording = ['rec.npz', '--key', 'r', '--inputs', 'u', '--backend', 'cpu', '--effort', 'quick'];

describe('drnn fit', () => {
  it('--alpha auto finds alpha, prints its path and keeps it with the model', async () => {
    const { code, json, stderr } = await runFit(folder, [...recording, '--alpha', 'auto', '--out', 'auto.npz']);
    expect(code, stderr).toBe(0);
    expect(at(json, 'alpha', 'mode')).toBe('auto');
    const value = Number(at(json, 'alpha', 'values'));
    expect(Math.abs(value / 0.1 - 1)).toBeLessThan(0.15);
    expect(Number(at(json, 'alpha', 'path', 0, 'alpha'))).toBeCloseTo(0.02, 6);
    expect(Number(at(json, 'alpha', 'path', 9, 'score'))).toBeGreaterThan(0);
    const model = await readModel(join(folder, 'auto.npz'));
    expect(model.alpha).toEqual(new Float64Array(units).fill(value));
    expect(at(model.record, 'details', 'alpha', 'mode')).toBe('auto');
  });

  it('--alpha auto-unit finds one for each unit', async () => {
    const { code, json, stderr } = await runFit(folder, [...recording, '--alpha', 'auto-unit']);
    expect(code, stderr).toBe(0);
    expect(at(json, 'alpha', 'mode')).toBe('auto-unit');
    expect(Number(at(json, 'alpha', 'values', units - 1))).toBeGreaterThan(0);
    expect(at(json, 'alpha', 'values', units)).toBeUndefined();
  });

  it('--intervals writes standard errors, and says whether to trust them', async () => {
    const flags = ['--alpha', '0.1', '--choosing', 'none', '--intervals', 'shared', '--out', 'errors.npz'];
    const { code, json, stderr } = await runFit(folder, [...recording, ...flags]);
    expect(code, stderr).toBe(0);
    expect(at(json, 'alpha', 'mode')).toBe('given');
    expect(at(json, 'intervals', 'method')).toBe('shared');
    expect(Number(at(json, 'intervals', 'medianStandardError'))).toBeGreaterThan(0);
    expect(at(json, 'intervals', 'check', 'units', units - 1)).toBe(units - 1);
    expect(typeof at(json, 'intervals', 'calibration', 'trustworthy')).toBe('boolean');
    expect(Array.isArray(at(json, 'intervals', 'calibration', 'reasons'))).toBe(true);
    const { W, Win, standardErrors } = await readModel(join(folder, 'errors.npz'));
    expect(standardErrors?.W.data.length).toBe(W.data.length);
    expect(standardErrors?.Win.data.length).toBe(Win.data.length);
    expect(standardErrors?.Win.data.every((error) => error > 0)).toBe(true);
    // The model still predicts.
    const parameters = ['predict', 'errors.npz', '--from', 'rec.npz', '--steps', '20', '--out', 'ahead.npy'];
    const predicted = await runCommand(folder, parameters);
    expect(predicted.code, predicted.stderr).toBe(0);
  });

  it('--intervals is refused of a convex fit, and under another name', async () => {
    const convex = await runCommand(folder, [
      'fit',
      ...recording.slice(0, 5),
      '--alpha',
      '0.1',
      '--loss',
      'cross-entropy',
      '--intervals',
      'exact',
    ]);
    expect(convex.code).toBe(1);
    expect(convex.stderr).toContain('--estimator calibrated');
    const wrong = await runCommand(folder, ['fit', ...recording, '--alpha', '0.1', '--intervals', 'bootstrap']);
    expect(wrong.code).toBe(2);
  });
});
