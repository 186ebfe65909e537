import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { numericArray, readArray, readModel, toFloat64, writeNpy } from '@drnn/recordings';
import { requires, sharedPath } from '@drnn/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { at, numberAt, runFit, temporaryFolder } from './run-command.test.process.js';

const cases = [
  { name: 'B2_wce_diag0', parameters: ['--weights', 'variance', '--clip', 'none'] },
  { name: 'B3_clip0.2_diag0', parameters: ['--weights', 'variance', '--clip', '0.2'] },
  { name: 'B4_cap10_diag0', parameters: ['--weights', 'capped', '--weight-cap', '10', '--clip', 'none'] },
  {
    name: 'B6_cap10_mask',
    parameters: ['--weights', 'capped', '--weight-cap', '10', '--clip', 'none', '--connections', 'free.npy'],
  },
] as const;

const present = requires('shared');

describe.skipIf(!present)('the independent optima of the fixtures, through the command line', () => {
  const { folder, remove } = temporaryFolder();
  afterAll(remove);

  it.each(cases)('$name: theta to 1e-8, objective to 1e-10 relative', async ({ name, parameters }) => {
    const fixture = (file: string): string => sharedPath('fixtures', file);
    const manifest: unknown = JSON.parse(readFileSync(fixture('manifest.json'), 'utf8'));
    const mask = (await readArray(fixture('B_mask_free.npy'))).array;
    const [predictors = 0, units = 0] = mask.shape;
    const free = new Uint8Array(mask.data.length);
    for (let p = 0; p < predictors; p++)
      for (let j = 0; j < units; j++) free[j * predictors + p] = mask.data[p * units + j]!;
    await writeNpy(join(folder, 'free.npy'), numericArray([units, predictors], free), { force: true });
    const run = await runFit(folder, [
      fixture('B_r.npy'),
      '--inputs',
      fixture('B_u.npy'),
      '--alpha',
      String(numberAt(manifest, 'data_B', 'alpha')),
      '--ridge',
      String(numberAt(manifest, 'data_B', 'l2')),
      '--no-bias',
      '--scale',
      'none',
      '--holdout',
      '0',
      '--solver',
      'newton',
      '--tolerance',
      '1e-10',
      '--out',
      `${name}.npz`,
      ...parameters,
    ]);
    expect(run.stderr).not.toContain('error');
    expect([run.code, at(run.json, 'status')]).toEqual([0, 'converged']);
    const { W, Win, b } = await readModel(join(folder, `${name}.npz`));
    const expected = toFloat64((await readArray(fixture(`${name}_theta.npy`))).array);
    let worst = 0;
    for (let p = 0; p < predictors; p++) {
      for (let j = 0; j < units; j++) {
        const ours = p < units ? W.data[j * units + p]! : Win.data[j * (predictors - units) + p - units]!;
        worst = Math.max(worst, Math.abs(ours - expected[p * units + j]!));
      }
    }
    expect(worst).toBeLessThanOrEqual(1e-8);
    expect(b.every((value) => value === 0)).toBe(true);
    const objective = numberAt(manifest, name, 'F_total');
    expect(Math.abs(numberAt(run.json, 'objective') / objective - 1)).toBeLessThanOrEqual(1e-10);
  });
});
