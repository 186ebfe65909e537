import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backend } from '@drnn/backend-cpu';
import { type Model, numericArray, readModel, writeArrays, writeNpy } from '@drnn/recordings';
import { simulate } from '@drnn/simulator';
import { singularValues } from '@drnn/solvers';
import { matrix } from '@drnn/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fit, type FitOptions } from '../index.js';
import { penaltyOf, structureOptionIssues } from '../structure-options.js';
import { at, runCommand, runFit, temporaryFolder } from './run-command.test.process.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const units = 8;
/** Excitatory but for the last two, which are strong. */
const truth = Array.from({ length: units }, (_, p) => (p < 6 ? 1 : -1));
const W = matrix(
  units,
  units,
  Float64Array.from({ length: units * units }, (_, i) => {
    const [j, p] = [Math.floor(i / units), i % units];
    return p === j ? 0 : (truth[p]! > 0 ? 0.35 : -0.9) * (0.6 + 0.4 * Math.sin(3 * j + 7 * p));
  }),
);
const { rates } = simulate({
  W,
  alpha: 0.2,
  steps: 1200,
  initial: new Float64Array(units).fill(0.1),
  inputNoise: { kind: 'gaussian', size: 0.4 },
  seed: 2,
});

beforeAll(async () => {
  await writeArrays(join(folder, 'rec.npz'), {
    r: numericArray([rates.rows, units], rates.data),
    population: numericArray(
      [units],
      Float64Array.from(truth, (sign) => (sign > 0 ? 1 : 2)),
    ),
  });
  await writeNpy(join(folder, 'signs.npy'), numericArray([units], Float64Array.from(truth)));
});

let count = 0;
const fitted = async (...parameters: readonly string[]): Promise<{ json: unknown; model: Model }> => {
  const out = `model-${count++}.npz`;
  const all = ['rec.npz', '--key', 'r', '--alpha', '0.2', '--scale', 'none', '--holdout', '0', ...parameters];
  const run = await runFit(folder, [...all, '--out', out]);
  expect(run.code, run.stderr).toBe(0);
  return { json: run.json, model: await readModel(join(folder, out)) };
};
const hasSigns = (model: Model, signs: readonly number[]): boolean =>
  model.W.data.every((weight, i) => weight * signs[i % units]! >= 0);

describe('drnn fit', () => {
  it('--dale with given signs, and chosen ones', async () => {
    expect(hasSigns((await fitted('--penalty', 'ridge')).model, truth)).toBe(false);
    const given = await fitted('--dale', 'signs.npy');
    expect(hasSigns(given.model, truth)).toBe(true);
    expect(at(given.json, 'dale')).toBeNull();
    expect(at(given.json, 'solver')).toBe('proximal-shared-newton + anderson(5)');
    const chosen = await fitted('--dale', 'auto');
    expect(at(at(chosen.json, 'dale'), 'signs')).toEqual(truth);
    expect(Array.from(chosen.model.W.data)).toEqual(Array.from(given.model.W.data));
  });

  it('--l1, --penalty elastic-net, --groups: weights that are exactly 0', async () => {
    const zeros = async (...parameters: readonly string[]): Promise<number> =>
      (await fitted(...parameters)).model.W.data.filter((weight) => weight === 0).length;
    expect(await zeros('--penalty', 'ridge')).toBe(units);
    const weak = await zeros('--l1', '0.002');
    expect(weak).toBeGreaterThan(units);
    expect(await zeros('--l1', '0.05')).toBeGreaterThan(weak);
    expect(await zeros('--penalty', 'elastic-net', '--l1', '0.01')).toBeGreaterThan(units);
    const grouped = await fitted('--groups', 'population', '--l1', '0.02');
    for (let j = 0; j < units; j++) {
      for (const sign of [1, -1]) {
        const block = truth.flatMap((s, p) =>
          s === sign && p !== j ? [grouped.model.W.data[j * units + p] === 0] : [],
        );
        expect(new Set(block).size).toBe(1);
      }
    }
    expect(grouped.model.W.data.filter((weight) => weight === 0).length).toBeGreaterThan(units);
  });

  it('--box and --nuclear', async () => {
    const boxed = await fitted('--box', '-0.1,0.2', '--solver', 'newton');
    expect(at(boxed.json, 'solver')).toBe('proximal-newton');
    expect(Math.min(...boxed.model.W.data)).toBe(-0.1);
    expect(Math.max(...boxed.model.W.data)).toBe(0.2);
    const low = await fitted('--nuclear', '0.01', '--free-diagonal', '--report', 'low.html');
    const on = await backend();
    const { values } = singularValues(on.host, low.model.W);
    await on.close();
    const rank = values.filter((value) => value > 1e-6 * Math.max(...values)).length;
    expect(rank).toBeGreaterThan(0);
    expect(rank).toBeLessThan(units);
    const report = readFileSync(join(folder, 'low.html'), 'utf8');
    expect(report).toContain('the nuclear norm of W was penalised with 0.01 per transition');
  });

  it('refuses what does not fit together, and names it as it was typed', async () => {
    const refused = async (...parameters: readonly string[]): Promise<string> => {
      const { code, stderr } = await runCommand(folder, [
        'fit',
        'rec.npz',
        '--key',
        'r',
        '--alpha',
        '0.2',
        ...parameters,
      ]);
      expect(code).not.toBe(0);
      return stderr;
    };
    expect(await refused('--penalty', 'groups')).toMatch(/--groups: saw no labels/);
    expect(await refused('--penalty', 'ridge', '--l1', '1', '--nuclear', '1')).toMatch(/--l1: .*\n.*--nuclear: /);
    expect(await refused('--l1', '1', '--estimator', 'calibrated')).toMatch(/--l1: .*expected the estimator convex/);
    expect(await refused('--box', '1')).toMatch(/not two numbers/);
    expect(await refused('--box', '1,-1')).toMatch(/--box: saw \[1, -1\]/);
    expect(await refused('--dale', 'r')).toMatch(/r: saw an array \[1201, 8\], expected a number, or \[unit\]/);
  });
});

describe('the library', () => {
  it('takes the same options', async () => {
    const options: FitOptions = { alpha: 0.2, scale: 'none', holdout: 0, backend: 'cpu', dale: 'auto', l1: 0.002 };
    const result = await fit({ rates }, options);
    expect(result.solution.status).toBe('converged');
    expect(Array.from(result.dale?.signs ?? [])).toEqual(truth);
    expect(result.certificate.verdict).toBe('convex');
  });

  it('infers the penalty from what is given', () => {
    const labels = [1, 2];
    expect(penaltyOf({})).toBeUndefined();
    expect(penaltyOf({ l1: 2 })).toMatchObject({ parts: [{ kind: 'l1', strength: 2 }] });
    expect(penaltyOf({ l1Ratio: 0.2 })).toMatchObject({ parts: [{ kind: 'elastic-net', strength: 1e-3, ratio: 0.2 }] });
    expect(penaltyOf({ penalty: 'groups', groups: labels, l1: 3 })).toMatchObject({
      parts: [{ kind: 'groups', labels, strength: 3 }],
    });
    expect(penaltyOf({ nuclear: 4 })).toMatchObject({ kind: 'nuclear', strength: 4 });
    expect(penaltyOf({ penalty: 'nuclear' })).toMatchObject({ kind: 'nuclear', strength: 1e-3 });
    expect(penaltyOf({ l1: 1, nuclear: 4 })).toMatchObject({
      parts: [{ kind: 'l1' }, { kind: 'nuclear', strength: 4 }],
    });
    expect(structureOptionIssues({ l1: -1, nuclear: Number.NaN, dale: [3] }).map(({ path }) => path)).toEqual([
      'l1',
      'nuclear',
      'dale',
    ]);
  });
});
