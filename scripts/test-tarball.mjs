// The packed drnn as a user meets it: installed in an empty folder, run by npx, imported.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from './pack.mjs';
import { npm } from './pnpm.mjs';
import { published } from './workspace.mjs';

const folder = mkdtempSync(join(tmpdir(), 'drnn-tarball-'));
const packed = join(folder, 'packed');
const user = join(folder, 'user');

// The settings of the npm that runs this script are not the user's.
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_(config_\w*prefix|package_|lifecycle_)|INIT_CWD)/.test(name)),
);

/**
 * Runs a program in the user's folder; what it printed to stdout.
 * @param {readonly string[]} program the command and its first parameters
 * @param {readonly string[]} parameters
 */
const run = (program, ...parameters) => {
  const [command = '', ...first] = program;
  const { status, stdout, stderr, error } = spawnSync(command, [...first, ...parameters], {
    cwd: user,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
    shell: process.platform === 'win32' && command !== process.execPath,
    env: environment,
  });
  if (status === 0) return stdout;
  throw new Error(`${parameters.join(' ')}: exit ${status} ${error?.message ?? ''}\n${stdout}\n${stderr}`);
};

const install = (...tarballs) => run(npm(), 'install', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs);
const npx = (...parameters) => run(npm(), 'exec', '--no', '--', ...parameters);
const evaluate = (program) => run([process.execPath], '--input-type=module', '--eval', program).trim();

let passed = 0;
const expect = (what, holds, seen) => {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(seen)}`);
  passed += 1;
  console.log(`ok ${what}`);
};

try {
  mkdirSync(user);
  const tarball = pack(packed);
  install(tarball);
  expect(
    'npm install of the tarball alone, in an empty folder',
    existsSync(join(user, 'node_modules/drnn/package.json')),
  );

  const version = published.find(({ manifest }) => manifest.name === 'drnn')?.manifest.version;
  const printed = npx('drnn', '--version').trim();
  expect('npx drnn --version', printed === version, printed);

  npx(
    'drnn',
    ...'simulate --units 20 --steps 2000 --gain 2 --alpha 0.1 --input-noise 0.01'.split(' '),
    '--out',
    'sim.npz',
  );
  expect('npx drnn simulate', existsSync(join(user, 'sim.npz')));

  const fit = JSON.parse(npx('drnn', ...'fit sim.npz --key r --alpha 0.1 --out model.npz --json'.split(' ')));
  expect('npx drnn fit --json', fit.status === 'converged' && fit.units === 20, fit);
  expect('the model is written', existsSync(join(user, 'model.npz')));

  expect('it ran on threads of Wasm kernels, or on a BLAS', ['wasm', 'blas'].includes(fit.backend), fit.backend);

  const doctor = JSON.parse(npx('drnn', 'doctor', '--json'));
  const says = (name) => doctor.findings.find((each) => each.name === `backend ${name}`);
  expect('the kernels are inside', says('wasm').found, says('wasm'));
  // The library is the machine's, but the package is inside, and what it needs was installed with drnn.
  const blas = says('blas');
  expect('the package for BLAS is inside', blas.found || !/no package|koffi/.test(blas.says), blas);
  for (const name of ['webgpu', 'tfjs-wasm']) {
    const missing = says(name);
    expect(`${name} is not, and how to get it is said`, /npm install @drnn/.test(missing.says), missing);
  }
  const named = evaluate(
    "import { fit } from 'drnn'; await fit('sim.npz', { key: 'r', alpha: 0.1, backend: 'webgpu' }).catch((e) => console.log(e.message))",
  );
  expect('a fit on a backend that is named and missing is refused', /npm install @drnn/.test(named), named);

  const kind = evaluate("import { fit } from 'drnn'; console.log(typeof fit)");
  expect("import { fit } from 'drnn'", kind === 'function', kind);

  const others = ['tensor', 'backend-cpu'].map((name) => join(packed, `drnn-${name}-${version}.tgz`));
  install(...others);
  const swap =
    "import { fit } from 'drnn'; import { backend } from '@drnn/backend-cpu'; console.log(typeof fit, typeof backend)";
  const kinds = evaluate(swap);
  expect("import { backend } from '@drnn/backend-cpu', installed beside it", kinds === 'function function', kinds);
  console.log(`tarball: ${passed} checks passed`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
