import { join } from 'node:path';
import { numericArray, writeArrays } from '@drnn/recordings';
import { afterAll, describe, expect, it } from 'vitest';
import { at, runCommand, temporaryFolder } from './run-command.test.process.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const write = async (name: string, units: number, W: readonly number[]): Promise<void> => {
  await writeArrays(join(folder, name), {
    W: numericArray([units, units], Float64Array.from(W)),
    alpha: numericArray([], Float64Array.of(0.1)),
  });
};

const json = async (...parameters: readonly string[]): Promise<unknown> => {
  const run = await runCommand(folder, ['attractors', ...parameters, '--json']);
  expect(run.code).toBe(0);
  expect(run.stdout).not.toMatch(/NaN|Infinity/);
  return JSON.parse(run.stdout);
};

describe('drnn attractors', () => {
  it('prints the points of a file with W and alpha, the same each time', async () => {
    await write('flip.npz', 2, [2, 0, 0, 2]);
    const found = await json('flip.npz', '--seeds', '300', '--seed', '2');
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8].map((k) => at(found, 'points', k, 'class'))).toEqual(Array(9).fill('fixed'));
    expect(at(found, 'points', 9)).toBeUndefined();
    expect([at(found, 'indexSum'), at(found, 'stoppedBecause')]).toEqual([1, 'complete']);
    const stable = [0, 1, 2, 3, 4, 5, 6, 7, 8].filter((k) => at(found, 'points', k, 'stable') === true);
    expect(stable.length).toBe(4);
    expect(at(found, 'points', 0, 'eigenvalues')).toEqual([
      [2, 0],
      [2, 0],
    ]);
    const again = await json('flip.npz', '--seeds', '300', '--seed', '2');
    expect(at(again, 'points')).toEqual(at(found, 'points'));
  });

  it('has null where nothing is proven', async () => {
    await write('critical.npz', 1, [1]);
    const found = await json('critical.npz', '--seeds', '40');
    expect(at(found, 'points', 0)).toMatchObject({ class: 'degenerate', certificateRadius: null, marginal: true });
    expect(at(found, 'indexSum')).toBeNull();
  });

  it('says in words what the set is worth', async () => {
    await write('none.npz', 3, Array(9).fill(0));
    const one = await runCommand(folder, ['attractors', 'none.npz']);
    expect(one.stdout).toMatch(/Exactly one fixed point/);
    const flip = await runCommand(folder, ['attractors', 'flip.npz']);
    expect(flip.stdout).toMatch(/Looks complete/);
    expect(flip.stdout.match(/stable node/g)?.length).toBe(4);
  });

  it('names the parts that the time limit ended', async () => {
    const whole = await json('flip.npz', '--time-limit', '1000', '--lyapunov');
    expect([at(whole, 'cut'), at(whole, 'unexamined'), at(whole, 'lyapunov', 'cut')]).toEqual([[], [], false]);
    const none = await json('flip.npz', '--time-limit', '1e-9');
    expect(at(none, 'cut')).toEqual(['points', 'linearisation', 'cycles']);
    expect(at(none, 'cycleSearch')).toMatchObject({ starts: 0, stoppedBecause: 'time' });
    expect(at(none, 'unexamined', 0)).toMatchObject({ class: 'fixed', state: [0, 0] });
    const words = await runCommand(folder, ['attractors', 'flip.npz', '--time-limit', '1e-9']);
    expect(words.stdout).toMatch(/The time limit cut short: the search for points,/);
    const drawn = await runCommand(folder, ['attractors', 'flip.npz', '--time-limit', '1e-9', '--report', 'cut.html']);
    expect([drawn.code, /cut short/.test(drawn.stdout)]).toEqual([0, true]);
  });

  it('gives the shares of basins where they are asked for, and the course of the search always', async () => {
    const found = await json('flip.npz', '--basins', '400', '--cycles', '0');
    expect(at(found, 'trace', 0)).toMatchObject({ starts: 1, points: 1 });
    const shares = [0, 1, 2, 3].map((k) => at(found, 'basins', k));
    expect(at(found, 'basins', 4)).toBeUndefined();
    for (const share of shares) {
      expect(at(found, 'points', Number(at(share, 'point')), 'stable')).toBe(true);
      // A quarter each, to five standard deviations.
      expect(Math.abs(Number(at(share, 'fraction')) - 0.25)).toBeLessThan(0.11);
    }
    expect(shares.reduce<number>((sum, share) => sum + Number(at(share, 'starts')), 0)).toBe(400);
    expect(at(await json('flip.npz'), 'basins')).toBeNull();
    const words = await runCommand(folder, ['attractors', 'flip.npz', '--basins', '40']);
    expect(words.stdout).toMatch(/Of 40 random states end, with 95% intervals: at point \d/);
  });

  it('says of a cycle that it is its own image', async () => {
    await write('turn.npz', 2, [1.3, -0.75, 0.75, 1.3]);
    const turned = await runCommand(folder, ['attractors', 'turn.npz', '--seeds', '50']);
    expect(turned.stdout).toMatch(/Cycle 0: .*It is its own mirror image/);
  });

  it('refuses options that say nothing, before any search', async () => {
    for (const parameters of [
      ['attractors', 'flip.npz', '--key', 'r'],
      ['attractors', 'flip.npz', '--time-limit', '0'],
      ['attractors', 'flip.npz', '--trial', '0'],
      ['compare', 'flip.npz', 'flip.npz', '--gate', '0'],
      ['compare', 'flip.npz', 'flip.npz', '--inputs', 'u'],
      ['compare', 'flip.npz', 'flip.npz', '--key', 'r'],
    ]) {
      const run = await runCommand(folder, parameters);
      expect([parameters.at(-2), run.code, run.stdout]).toEqual([parameters.at(-2), 1, '']);
      expect(run.stderr).toContain(`error: ${parameters.at(-2)}`);
    }
  });

  it('refuses weights that are not finite, and inputs that the model has not', async () => {
    await write('bad.npz', 1, [Number.NaN]);
    const bad = await runCommand(folder, ['attractors', 'bad.npz', '--json']);
    expect([bad.code, at(JSON.parse(bad.stdout), 'error', 'issues', 0, 'path')]).toEqual([1, 'bad.npz: W']);
    const input = await runCommand(folder, ['attractors', 'flip.npz', '--input', '1']);
    expect([input.code, /--input: saw 1 numbers/.test(input.stderr)]).toEqual([1, true]);
    expect((await runCommand(folder, ['attractors', 'flip.npz', '--input', 'x'])).code).toBe(2);
  });
});
