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

/** The backends that must find the optima: one more is one more line. Those that are slow to start find one of them. */
const hardware = [
  { backend: 'cpu', here: true, precisions: ['float64', 'mixed'], fixtures: cases },
  { backend: 'wasm', here: true, precisions: ['float64', 'mixed'], fixtures: cases },
  { backend: 'blas', here: requires('blas'), precisions: ['float64', 'mixed'], fixtures: cases },
  { backend: 'tfjs-wasm', here: true, precisions: ['mixed'], fixtures: cases.slice(1, 2) },
  { backend: 'webgpu', here: requires('webgpu'), precisions: ['mixed'], fixtures: cases.slice(1, 2) },
] as const;
const runs = hardware.flatMap(({ precisions, ...rest }) =>
  precisions.map((precision) => ({
    ...rest,
    precision,
    flags: ['--backend', rest.backend, '--precision', precision],
  })),
);

describe.skipIf(!present)('the independent optima of the fixtures, through the command line', () => {
  const { folder, remove } = temporaryFolder();
  afterAll(remove);

  const fitted = async (
    { name, parameters }: (typeof cases)[number],
    tolerance: string,
    flags: readonly string[],
  ): Promise<{ readonly run: Awaited<ReturnType<typeof runFit>>; readonly worst: number; readonly off: number }> => {
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
      tolerance,
      '--force',
      '--out',
      `${name}.npz`,
      ...parameters,
      ...flags,
    ]);
    expect(run.stderr).not.toContain('error');
    const { W, Win, b } = await readModel(join(folder, `${name}.npz`));
    const expected = toFloat64((await readArray(fixture(`${name}_theta.npy`))).array);
    let worst = 0;
    for (let p = 0; p < predictors; p++) {
      for (let j = 0; j < units; j++) {
        const ours = p < units ? W.data[j * units + p]! : Win.data[j * (predictors - units) + p - units]!;
        worst = Math.max(worst, Math.abs(ours - expected[p * units + j]!));
      }
    }
    expect(b.every((value) => value === 0)).toBe(true);
    const objective = numberAt(manifest, name, 'F_total');
    return { run, worst, off: Math.abs(numberAt(run.json, 'objective') / objective - 1) };
  };

  describe.each(runs)('$backend $precision', ({ backend, precision, here, flags, fixtures }) => {
    it.skipIf(!here).each(fixtures)('$name: theta to 1e-8, objective to 1e-10 relative', async (given) => {
      const { run, worst, off } = await fitted(given, '1e-10', flags);
      expect([run.code, at(run.json, 'status')]).toEqual([0, 'converged']);
      expect([at(run.json, 'backend'), at(run.json, 'precision')]).toEqual([backend, precision]);
      expect(at(run.json, 'polished')).toBe(precision === 'mixed');
      expect(worst).toBeLessThanOrEqual(1e-8);
      expect(off).toBeLessThanOrEqual(1e-10);
    });

    it.skipIf(!here).each(precision === 'mixed' ? fixtures : [])(
      '$name: theta to 1e-4 without polish',
      async (given) => {
        const { run, worst } = await fitted(given, '1e-8', [...flags, '--no-polish']);
        expect([run.code, at(run.json, 'status'), at(run.json, 'polished')]).toEqual([3, 'precision-floor', false]);
        expect(worst).toBeLessThanOrEqual(1e-4);
      },
    );
  });
});
