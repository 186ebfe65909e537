import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { physicalCores } from '@drnn/backend-wasm';
import { readModel } from '@drnn/recordings';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, numberAt, runCommand, runFit, spawnCommand, temporaryFolder } from './run-command.test.process.js';
import { simulated, writeMatrix } from './simulated-recording.test.data.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const basic = ['rec.npy', '--alpha', '0.1', '--estimator', 'convex'];
beforeAll(() => writeMatrix(folder, 'rec.npy', simulated({ units: 8, steps: 500 }).rates), 60_000);

const ignore = (): void => undefined;

/** What a fit says of what it ran on. */
const fields = ['backend', 'precision', 'threads', 'polished', 'status'];

describe('the flags of the hardware', () => {
  const cores = physicalCores();
  const cases: readonly (readonly [flags: string, ran: readonly unknown[], code: number])[] = [
    ['--backend cpu', ['cpu', 'float64', 1, false, 'converged'], 0],
    ['--backend cpu --threads 1', ['cpu', 'float64', 1, false, 'converged'], 0],
    ['--backend cpu --precision mixed', ['cpu', 'mixed', 1, true, 'converged'], 0],
    ['--backend cpu --precision mixed --no-polish', ['cpu', 'mixed', 1, false, 'precision-floor'], 3],
    ['--backend wasm', ['wasm', 'mixed', cores, true, 'converged'], 0],
    ['--backend wasm --threads 1', ['wasm', 'mixed', 1, true, 'converged'], 0],
    ['--backend wasm --threads 2 --precision float64', ['wasm', 'float64', 2, false, 'converged'], 0],
    ['--backend wasm --no-polish', ['wasm', 'mixed', cores, false, 'precision-floor'], 3],
    ['--backend wasm --no-polish --tolerance 1e-3', ['wasm', 'mixed', cores, false, 'converged'], 0],
  ];
  it.each(cases)('%s', async (flags, ran, code) => {
    const run = await runFit(folder, [...basic, ...flags.split(' ')]);
    expect(fields.map((field) => at(run.json, field))).toEqual(ran);
    expect([run.code, at(run.json, 'device')]).toEqual([code, null]);
    const polished = at(run.json, 'polished') === true;
    expect(numberAt(run.json, 'polishSteps') > 0).toBe(polished);
    expect(numberAt(run.json, 'polishSteps')).toBeLessThan(numberAt(run.json, 'steps') + 1);
    expect(/goes on in float64/.test(JSON.stringify(at(run.json, 'warnings')))).toBe(code === 3);
  });

  it('none: the one that doctor says, and it says which', async () => {
    const doctor: unknown = JSON.parse((await runCommand(folder, ['doctor', '--json'])).stdout);
    const run = await runFit(folder, basic);
    expect(at(run.json, 'backend')).toBe(at(doctor, 'auto'));
    const words = await runCommand(folder, ['fit', ...basic]);
    expect(words.stdout).toContain(`(${String(at(run.json, 'backend'))}, `);
    expect(run.stderr).toBe('');
    const auto = await runFit(folder, [...basic, '--backend', 'auto']);
    expect(fields.map((field) => at(auto.json, field))).toEqual(fields.map((field) => at(run.json, field)));
  });

  it('give one model, whatever the hardware', async () => {
    const models = [];
    for (const flags of ['--backend cpu', '--backend wasm', '--backend wasm --precision float64 --threads 2']) {
      await runFit(folder, [...basic, ...flags.split(' '), '--force', '--out', 'model.npz']);
      models.push((await readModel(join(folder, 'model.npz'))).W.data);
    }
    const [first, ...others] = models;
    for (const other of others) {
      expect(Math.max(...other.map((w, i) => Math.abs(w - (first?.[i] ?? Number.NaN))))).toBeLessThan(1e-7);
    }
  });

  const refused: readonly (readonly [flags: string, says: RegExp])[] = [
    ['--backend cpu --threads 2', /--threads: saw 2 on cpu.*wasm and blas have threads/],
    ['--backend webgpu --precision float64', /--precision: saw float64 on webgpu.*mixed.*Hint/],
    ['--backend tfjs-wasm --precision float64', /--precision: saw float64 on tfjs-wasm/],
    ['--threads 0', /--threads: saw 0.*at least 1/],
    ['--backend wasm --threads 1000', /threads: saw 1000/],
  ];
  it.each(refused)('%s is refused with a hint, and nothing else is run', async (flags, says) => {
    const run = await runFit(folder, [...basic, ...flags.split(' ')]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(says);
    expect(at(run.json, 'status')).toBeUndefined();
  });

  it('of no such name or number are bad usage', async () => {
    for (const flags of ['--backend gpu', '--precision float16', '--threads two']) {
      expect((await runCommand(folder, ['fit', ...basic, ...flags.split(' ')])).code, flags).toBe(2);
    }
  });

  it('a library that is named and wrong is an error under its name, and said with auto', async () => {
    const environment = { DRNN_BLAS: join(folder, 'rec.npy') };
    const named = await spawnCommand(folder, ['fit', ...basic, '--backend', 'blas'], ignore, environment);
    expect(named.code).toBe(1);
    expect(named.stderr).toMatch(/error: .*(DRNN_BLAS|backend blas)/);
    expect(named.stdout).toBe('');
    const auto = await spawnCommand(folder, ['fit', ...basic, '--json'], ignore, environment);
    expect(auto.code).toBe(0);
    expect(['wasm', 'cpu']).toContain(at(JSON.parse(auto.stdout), 'backend'));
    expect(auto.stderr).toMatch(/^The backend blas is not used: /);
  });

  it('stand in the report and in the record of the model as what ran', async () => {
    const names = ['--out', 'said.npz', '--report', 'said.html'];
    await runFit(folder, [...basic, '--backend', 'wasm', '--threads', '1', ...names]);
    const report = readFileSync(join(folder, 'said.html'), 'utf8').replaceAll(/\s+/g, ' ');
    expect(report).toContain('wasm backend, 1 thread, mixed, then float64');
    expect(report).toContain('--backend wasm --threads 1');
    const record = (await readModel(join(folder, 'said.npz'))).record;
    expect(at(record?.options, 'threads')).toEqual({ value: 1, given: true });
    expect(at(record?.options, 'precision')).toEqual({ value: 'mixed', given: false });
    expect(at(record?.details, 'polished')).toBe(true);
  });

  it('work for the demo too', async () => {
    const sizes = ['--units', '8', '--steps', '500', '--folder', 'shown'];
    const run = await runCommand(folder, ['demo', ...sizes, '--backend', 'wasm', '--precision', 'float64']);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/\(wasm, (\d+ threads, )?float64\)/);
  });
});

describe('progress', () => {
  it('names the backend and the precision', async () => {
    await writeMatrix(folder, 'long.npy', simulated({ units: 60, steps: 3000, gain: 3 }).rates);
    const slow = ['--accelerate', 'none', '--tolerance', '1e-13', '--max-steps', '3000', '--holdout', '0'];
    const flags = ['--alpha', '0.1', '--estimator', 'convex', '--backend', 'cpu', ...slow];
    const run = await spawnCommand(folder, ['fit', 'long.npy', ...flags], (child) =>
      child.stderr?.once('data', () => child.kill('SIGINT')),
    );
    expect(run.stderr).toMatch(/^fit: \d+%, cpu float64, step \d+, residual /);
  });
});
