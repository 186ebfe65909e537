// Each public package as it would be published: publint on its form, Are The Types Wrong on its types.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packPackage } from './pack-package.mjs';
import { root } from './quietly.mjs';
import { published } from './workspace.mjs';

const folder = mkdtempSync(join(tmpdir(), 'drnn-packages-'));
const run = (tool, ...parameters) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join('node_modules', tool), ...parameters], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) console.error(`${stdout}${stderr}`);
  return status === 0;
};

try {
  for (const each of published) {
    const tarball = packPackage(each, folder);
    const isWellFormed = run('publint/src/cli.js', 'run', tarball, '--strict', '--level', 'warning');
    const isWellTyped = run(
      '@arethetypeswrong/cli/dist/index.js',
      tarball,
      '--profile',
      'esm-only',
      '--format',
      'ascii',
    );
    if (isWellFormed && isWellTyped) continue;
    console.error(`${each.manifest.name}: see above`);
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
