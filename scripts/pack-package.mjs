// One package of the workspace as the tarball that would be published.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { joinModules } from './join-modules.mjs';
import { npm, pnpm } from './pnpm.mjs';
import { root } from './quietly.mjs';

/**
 * Runs a program and gives what it printed; throws when it fails.
 * @param {readonly string[]} program the command and its first parameters
 */
export const output = (program, parameters, folder) => {
  const [command = '', ...first] = program;
  const run = spawnSync(command, [...first, ...parameters], {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32' && command !== process.execPath,
  });
  if (run.status === 0) return run.stdout;
  throw new Error(`${command} ${parameters.join(' ')}: ${run.error?.message ?? ''}\n${run.stdout}${run.stderr}`);
};

/** Unpacks a tarball into a folder, without the `package/` that its names begin with. */
export const unpack = (tarball, folder) => {
  mkdirSync(folder, { recursive: true });
  output(['tar'], ['-xzf', tarball, '-C', folder, '--strip-components=1'], root);
};

/**
 * Packs the package into the folder, with exact versions in place of workspace and catalog ranges, and its modules joined;
 * the tarball's path.
 */
export const packPackage = ({ folder, manifest }, destination) => {
  output(pnpm(), ['pack', '--pack-destination', destination], join(root, folder));
  const tarball = join(destination, `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`);
  const stage = mkdtempSync(join(tmpdir(), 'drnn-pack-'));
  try {
    unpack(tarball, stage);
    joinModules(stage);
    rmSync(tarball);
    return packFolder(stage, destination);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
};

/** Packs a folder as it stands; the tarball's path. */
export const packFolder = (folder, destination) => {
  const before = new Set(readdirSync(destination));
  output(npm(), ['pack', '--pack-destination', destination, '--loglevel=error'], folder);
  const name = readdirSync(destination).find((each) => !before.has(each));
  if (name === undefined) throw new Error(`npm pack made nothing new in ${destination}`);
  return join(destination, name);
};
