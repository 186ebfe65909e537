import { join } from 'node:path';
import { requires } from '@drnn/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Poverty, poorerMachine } from './poorer-machine.test.process.js';
import { at, numberAt, runCommand, spawnCommand, temporaryFolder } from './run-command.test.process.js';
import { simulated, writeMatrix } from './simulated-recording.test.data.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);
beforeAll(() => writeMatrix(folder, 'rec.npy', simulated({ units: 8, steps: 500 }).rates), 60_000);

const ignore = (): void => undefined;
const basic = ['rec.npy', '--alpha', '0.1', '--estimator', 'convex'];

/** What doctor says of each backend, by name, and the one that auto takes. */
const examined = async (environment: Readonly<Record<string, string>>) => {
  const run = await spawnCommand(folder, ['doctor', '--json'], ignore, environment);
  expect(run.code).toBe(0);
  const json: unknown = JSON.parse(run.stdout);
  const findings = at(json, 'findings');
  const says: Record<string, string> = {};
  for (const finding of Array.isArray(findings) ? findings : []) {
    says[String(at(finding, 'name'))] = `${at(finding, 'found') === true ? 'ok' : '--'} ${String(at(finding, 'says'))}`;
  }
  return { says, auto: at(json, 'auto') };
};

const without = (lacks: Poverty, more: Readonly<Record<string, string>> = {}) =>
  examined({ ...poorerMachine(folder, lacks), ...more });

describe('doctor on this machine', () => {
  it('says of every backend what it is or how to get it, and which one auto takes', async () => {
    const { stdout, code } = await runCommand(folder, ['doctor']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok {2}SIMD .*with(out)? fused multiply-add/m);
    expect(stdout).toMatch(/^ok {2}threads .*physical cores?.*shared memory/m);
    expect(stdout).toMatch(/^ok {2}backend cpu .*float64 and mixed, 1 thread, self-check passed/m);
    expect(stdout).toMatch(/^ok {2}backend wasm .*mixed and float64, \d+ threads?, self-check passed/m);
    expect(stdout).toMatch(/^(ok {2}backend blas .*\/.*self-check passed|-- {2}backend blas .*\S)/m);
    expect(stdout).toMatch(/^(ok {2}backend webgpu .*adapter.*self-check passed|-- {2}backend webgpu .*\S)/m);
    expect(stdout).toMatch(/^(ok|--) {2}backend tfjs-wasm /m);
    expect(stdout).toMatch(/^ok {2}auto +takes (blas|wasm)$/m);
  });

  it.skipIf(!requires('blas'))('names the BLAS: its make, version and file, and takes it', async () => {
    const { says, auto } = await examined({ DRNN_BLAS: '' });
    expect(says['backend blas']).toMatch(/^ok \S.*, \/.*, mixed and float64, \d+ threads?, self-check passed$/);
    expect(auto).toBe('blas');
  });

  it.skipIf(!requires('webgpu'))('names the graphics adapter, and calls software software', async () => {
    const { says } = await examined({});
    expect(says['backend webgpu']).toMatch(/^ok (software )?adapter: .+, mixed only, 1 thread, self-check passed$/);
    if (/swiftshader|llvmpipe/i.test(says['backend webgpu'] ?? '')) {
      expect(says['backend webgpu']).toContain('software adapter: ');
    }
  });
});

describe('doctor where there is less', () => {
  it('packages that were not installed: each says how to get it, and auto takes wasm', async () => {
    const { says, auto } = await without({
      packages: ['@drnn/backend-blas', '@drnn/backend-webgpu', '@drnn/backend-tfjs/wasm'],
    });
    expect(says['backend blas']).toMatch(/^-- no package of it; npm install @drnn\/backend-blas, and a BLAS.*apt-get/);
    expect(says['backend webgpu']).toMatch(/^-- no package of it; npm install @drnn\/backend-webgpu webgpu@/);
    expect(says['backend tfjs-wasm']).toMatch(/^-- no package of it; npm install @drnn\/backend-tfjs$/);
    expect(says['backend wasm']).toMatch(/^ok .*self-check passed/);
    expect([auto, says['auto']]).toEqual(['wasm', 'ok takes wasm']);
  });

  it('koffi and the npm package webgpu: the same', async () => {
    const { says, auto } = await without({ packages: ['koffi', 'webgpu'] });
    expect(says['backend blas']).toMatch(/^-- a package that cannot be imported: .*'koffi'; npm install koffi, or/);
    expect(says['backend webgpu']).toMatch(/^-- no npm package webgpu that loads .*; npm install webgpu@/);
    expect(auto).toBe('wasm');
  });

  it('a BLAS: the names that were tried, and how to get one', async () => {
    const { says, auto } = await without({ libraries: 'none' });
    const missing = says['backend blas'] ?? '';
    expect(missing).toMatch(/^-- none (called .*blas|that can be used)/i);
    expect(missing).toMatch(/openblas.*DRNN_BLAS.*or choose the wasm backend/i);
    if (process.platform === 'linux') expect(missing).toContain('apt-get install libopenblas0');
    expect(auto).toBe('wasm');
  });

  it('a library whose results are right: it is refused, and says which of its routines are wrong', async () => {
    const { says, auto } = await without({ libraries: 'idle' });
    expect(says['backend blas']).toMatch(/^-- wrong results: dgemm: [^]*dsyrk: /);
    expect(auto).toBe('wasm');
  });

  it('the library that DRNN_BLAS names: under that name, whatever is wrong with it', async () => {
    for (const [library, words] of [
      [join(folder, 'nowhere.so'), /^-- DRNN_BLAS: .*nowhere\.so, which is not there; /],
      [join(folder, 'rec.npy'), /^-- DRNN_BLAS .*rec\.npy: .*; name another library, or unset DRNN_BLAS/],
    ] as const) {
      const { says, auto } = await examined({ DRNN_BLAS: library });
      expect(says['backend blas']).toMatch(words);
      expect(auto).toBe('wasm');
    }
    const { says } = await without({ libraries: 'idle' }, { DRNN_BLAS: '/opt/idle/libblas.so' });
    expect(says['backend blas']).toMatch(
      /^-- DRNN_BLAS \/opt\/idle\/libblas\.so: wrong results: dgemm.*; name another/,
    );
  });

  it.skipIf(!requires('webgpu') || process.platform !== 'linux')('a graphics driver that works', async () => {
    const { says } = await examined({ VK_DRIVER_FILES: join(folder, 'no-driver.json') });
    expect(says['backend webgpu']).toMatch(/^-- no adapter with the driver that VK_ICD_FILENAMES .*; install a driver/);
  });

  it('shared memory: says so, and every backend that has threads works on one', async () => {
    const { says, auto } = await without({ sharedMemory: false });
    expect(says['threads']).toMatch(/^-- .*no shared memory, without which backends run on one thread$/);
    expect(says['backend wasm']).toBe('ok mixed and float64, 1 thread, self-check passed');
    if (requires('blas')) expect(says['backend blas']).toMatch(/^ok .*, 1 thread, self-check passed$/);
    expect(auto).toBe(requires('blas') ? 'blas' : 'wasm');
  });
});

describe('a fit where there is less', () => {
  it('shared memory: runs on one thread and says so; more threads that were asked for are refused', async () => {
    const environment = poorerMachine(folder, { sharedMemory: false });
    for (const backend of ['wasm', ...(requires('blas') ? ['blas'] : [])]) {
      const run = await spawnCommand(folder, ['fit', ...basic, '--json', '--backend', backend], ignore, environment);
      const json: unknown = JSON.parse(run.stdout);
      expect([run.code, at(json, 'backend'), numberAt(json, 'threads')]).toEqual([0, backend, 1]);
      expect(run.stderr).toMatch(new RegExp(`^The backend ${backend} runs on one thread: there is no shared memory`));
    }
    const two = ['fit', ...basic, '--backend', 'wasm', '--threads', '2'];
    const refused = await spawnCommand(folder, two, ignore, environment);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/threads: saw 2 with no shared memory, expected threads 1/);
  });

  it('a library whose results are right: auto says so and takes wasm, by name it is an error', async () => {
    const environment = poorerMachine(folder, { libraries: 'idle' });
    const auto = await spawnCommand(folder, ['fit', ...basic, '--json'], ignore, environment);
    expect(at(JSON.parse(auto.stdout), 'backend')).toBe('wasm');
    const named = await spawnCommand(folder, ['fit', ...basic, '--backend', 'blas'], ignore, environment);
    expect([named.code, named.stdout]).toEqual([1, '']);
    expect(named.stderr).toMatch(/error: backend-blas .*: saw wrong results: dgemm: .* numbers of A B/);
  });
});
