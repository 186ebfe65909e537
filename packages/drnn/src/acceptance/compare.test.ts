import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { numericArray, writeArrays, writeNpy } from '@drnn/recordings';
import { afterAll, describe, expect, it } from 'vitest';
import { writeFlipFlop } from './flip-flop.test.data.js';
import { at, runCommand, temporaryFolder } from './run-command.test.process.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const write = async (name: string, units: number, W: readonly number[]): Promise<void> => {
  await writeArrays(join(folder, name), {
    W: numericArray([units, units], Float64Array.from(W)),
    alpha: numericArray([], Float64Array.of(0.1)),
  });
};

const listOf = (value: unknown, ...path: readonly (string | number)[]): readonly unknown[] => {
  const found = at(value, ...path);
  if (!Array.isArray(found)) throw new Error(`${path.join('.')} is no list`);
  return found;
};

const json = async (...parameters: readonly string[]): Promise<unknown> => {
  const run = await runCommand(folder, [...parameters, '--json']);
  expect(run.code, run.stderr).toBe(0);
  expect(run.stdout).not.toMatch(/NaN|Infinity/);
  return JSON.parse(run.stdout);
};

describe('drnn compare', () => {
  it('follows a flip-flop from the recording to a proof for every fixed point', async () => {
    const rates = await writeFlipFlop(folder, 'generator.npz');
    // All eight corners are in the recording, or a fit could not know of them.
    const corners = new Set<string>();
    for (let t = 0; t < rates.rows; t++) {
      corners.add([0, 8, 16].map((unit) => ((rates.data[t * 24 + unit] ?? 0) > 0 ? '+' : '-')).join(''));
    }
    expect(corners.size).toBe(8);

    const recording = ['--key', 'r', '--inputs', 'u', '--alpha', '0.1', '--free-diagonal'];
    const fit = await runCommand(folder, ['fit', 'generator.npz', ...recording, '--out', 'fit.npz']);
    expect(fit.code, fit.stderr).toBe(0);

    for (const model of ['generator.npz', 'fit.npz']) {
      const found = await json('attractors', model);
      expect(listOf(found, 'points').length).toBe(27);
      expect(at(found, 'indexSum')).toBe(1);
    }

    const compared = await json('compare', 'generator.npz', 'fit.npz', '--recording', 'generator.npz', '--key', 'r');
    expect(listOf(compared, 'pairs').length).toBe(27);
    expect(listOf(compared, 'pairs').every((pair) => at(pair, 'sameKind') === true)).toBe(true);
    expect([at(compared, 'unmatchedReference'), at(compared, 'unmatchedFit')]).toEqual([[], []]);
    expect(at(compared, 'proven')).toBe(27);
    const proofs = listOf(compared, 'persistence');
    expect(proofs.every((proof) => at(proof, 'proven') === true && Number(at(proof, 'h')) <= 0.5)).toBe(true);
    // The proof and the search name the same point.
    const partner = new Map(listOf(compared, 'pairs').map((pair) => [at(pair, 'reference'), at(pair, 'fit')]));
    for (const proof of proofs) expect(at(proof, 'fit')).toBe(partner.get(at(proof, 'reference')));
    expect(Number(at(compared, 'displacement', 'largestRelative'))).toBeLessThan(0.02);
    for (const name of ['fixedPointF1', 'displacement', 'eigenvalueError', 'graphF1', 'basinAgreement']) {
      expect([name, at(compared, 'verdict', name, 'isPassed')]).toEqual([name, true]);
    }
    expect(Number(at(compared, 'verdict', 'fixedPointF1', 'floor'))).toBeLessThan(0.5);
    expect(at(compared, 'activity')).toBeNull();
  }, 60_000);

  it('runs both beside the recording, and draws a report that holds no number which is none', async () => {
    await writeFlipFlop(folder, 'small.npz', { bits: 2, size: 5, steps: 2500 });
    const recording = ['--key', 'r', '--inputs', 'u'];
    const options = ['--alpha', '0.1', '--free-diagonal', '--out', 'small-fit.npz'];
    const fit = await runCommand(folder, ['fit', 'small.npz', ...recording, ...options]);
    expect(fit.code, fit.stderr).toBe(0);
    const both = ['small.npz', 'small-fit.npz', '--recording', 'small.npz', ...recording];
    const compared = await json('compare', ...both, '--report', 'compare.html');
    for (const name of ['stateSpaceDivergence', 'powerSpectrumError', 'predictionHorizon', 'dynamicalSimilarity']) {
      const measure = at(compared, 'verdict', name);
      // Far nearer to what the generator itself reaches than to chance.
      expect([name, Number(at(measure, 'score')) > 0.8]).toEqual([name, true]);
    }
    expect(Number(at(compared, 'weights', 'inSupport', 'pearson'))).toBeGreaterThan(0.95);
    const portrait = await runCommand(folder, ['attractors', 'small.npz', '--report', 'attractors.html']);
    expect(portrait.code, portrait.stderr).toBe(0);
    // Two of the portrait, multipliers, graph; basins from random and recorded states, or three of the search.
    const drawings = [
      ['compare.html', 6],
      ['attractors.html', 7],
    ] as const;
    for (const [name, count] of drawings) {
      const page = readFileSync(join(folder, name), 'utf8');
      expect(page).not.toMatch(/NaN|undefined|<script/);
      expect([name, page.match(/<svg/g)?.length]).toEqual([name, count]);
    }
    const again = await runCommand(folder, ['attractors', 'small.npz', '--report', 'attractors.html']);
    expect([again.code, /--force/.test(again.stderr)]).toEqual([1, true]);
  }, 60_000);

  it('is exact for a model and itself, in words too', async () => {
    await write('two.npz', 2, [2, 0, 0, 2]);
    const same = await json('compare', 'two.npz', 'two.npz', '--seeds', '300');
    expect(at(same, 'typed')).toEqual({ precision: 1, recall: 1, f1: 1 });
    expect([at(same, 'displacement', 'largest'), at(same, 'graph', 'editDistance')]).toEqual([0, 0]);
    expect([at(same, 'verdict', 'eigenvalueError', 'value'), at(same, 'basins', 'agreement')]).toEqual([0, 1]);
    const basins = at(same, 'basins', 'reference');
    expect(basins).toEqual(at(same, 'basins', 'fit'));
    for (const k of [0, 1, 2, 3]) expect(Math.abs(Number(at(basins, k, 'fraction')) - 0.25)).toBeLessThan(0.07);
    const words = await runCommand(folder, ['compare', 'two.npz', 'two.npz', '--quick']);
    expect(words.stdout).toMatch(/9 of 9 are proven/);
    expect(words.stdout).not.toMatch(/chance:/);
  });

  it('sees what a fit has lost', async () => {
    await write('two.npz', 2, [2, 0, 0, 2]).catch(() => undefined);
    await write('one.npz', 2, [2, 0, 0, 0.5]);
    const lost = await json('compare', 'two.npz', 'one.npz', '--quick');
    expect([listOf(lost, 'pairs').length, listOf(lost, 'unmatchedReference').length]).toEqual([3, 6]);
    expect(at(lost, 'typed', 'precision')).not.toBe(1);
    expect(at(lost, 'verdict', 'fixedPointF1', 'isPassed')).toBe(false);
  });

  it('compares a fit of some units, which --observed names', async () => {
    await write('two.npz', 2, [2, 0, 0, 2]).catch(() => undefined);
    await write('follower.npz', 3, [2, 0, 0, 0, 2, 0, 0.5, 0.5, 0]);
    const some = await json('compare', 'follower.npz', 'two.npz', '--observed', '0,1', '--quick');
    expect([at(some, 'typed', 'f1'), at(some, 'observed'), at(some, 'persistence')]).toEqual([1, [0, 1], []]);
    const drawn = ['compare', 'follower.npz', 'two.npz', '--observed', '0,1', '--report', 'some.html'];
    const refused = await runCommand(folder, drawn);
    expect([refused.code, /--observed/.test(refused.stderr)]).toEqual([1, true]);
  });

  it('says in one line each that files are no models, or of other units', async () => {
    await writeNpy(join(folder, 'array.npy'), numericArray([2, 2], new Float64Array(4)));
    await write('three.npz', 3, Array(9).fill(0));
    const both = await runCommand(folder, ['compare', 'array.npy', 'absent.npz']);
    expect(both.code).toBe(1);
    expect(both.stderr.trim().split('\n').length).toBe(2);
    expect(both.stderr).toMatch(/array\.npy: saw an npy file.*npz/);
    expect(both.stderr).toMatch(/absent\.npz: saw no such file/);
    const alone = await runCommand(folder, ['attractors', 'array.npy']);
    expect([alone.code, /npz file/.test(alone.stderr), /damaged/.test(alone.stderr)]).toEqual([1, true, false]);
    const units = await runCommand(folder, ['compare', 'one.npz', 'three.npz', '--json']);
    expect([units.code, at(JSON.parse(units.stdout), 'error', 'issues', 0, 'path')]).toEqual([1, 'fit']);
  });
});
