// `pnpm check`: every check that needs no test run. All of them run, also after one failed.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './quietly.mjs';

const tool = (path, ...parameters) => [join('node_modules', path), ...parameters];
const checks = {
  kernels: [join('packages', 'backend-wasm', 'kernels', 'build.mjs')],
  format: tool('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'),
  lint: tool('oxlint/bin/oxlint', '--deny-warnings'),
  types: tool('typescript/bin/tsc', '-b'),
  'types of scripts': tool('typescript/bin/tsc', '-p', 'scripts'),
  'dead code': tool('knip/bin/knip.js'),
  imports: ['scripts/check-imports.mjs'],
  words: ['scripts/check-words.mjs'],
  packages: ['scripts/check-packages.mjs'],
};

const failed = [];
for (const [name, command] of Object.entries(checks)) {
  const started = performance.now();
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`check: failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
