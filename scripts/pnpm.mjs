// The pinned pnpm: the one below .tools, else the one on the path, else newly installed below .tools.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { quietly, root } from './quietly.mjs';

/** What to do when an installation fails. */
export const network = [
  'See whether the package registry answers: `npm ping`; which registry and proxy are set: `npm config list`.',
  'See whether the disk is full.',
  'If it is neither, delete the folders node_modules and .tools, and run the same command again.',
];

const tools = join(root, '.tools');
const own = join(tools, 'node_modules', 'pnpm');
const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  .packageManager.split('@')[1]
  .split('+')[0];

const ownVersion = () => {
  try {
    return JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')).version;
  } catch {
    return null;
  }
};

const versionOnPath = () =>
  spawnSync('pnpm', ['--version'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    shell: process.platform === 'win32',
    // Asked for its own version, it must not fetch another.
    env: { ...process.env, COREPACK_ENABLE_NETWORK: '0', npm_config_manage_package_manager_versions: 'false' },
  }).stdout?.trim();

/** npm, as a command and its first parameters. */
export const npm = () => {
  const script = process.env.npm_execpath ?? '';
  return basename(script) === 'npm-cli.js' ? [process.execPath, script] : ['npm'];
};

/** pnpm, as a command and its first parameters. */
export const pnpm = () => {
  const command = [process.execPath, join(own, 'bin', 'pnpm.cjs')];
  if (ownVersion() === wanted) return command;
  if (versionOnPath() === wanted) return ['pnpm'];
  const [program, ...first] = npm();
  const options = ['--prefix', tools, '--no-save', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  quietly(
    `installing pnpm ${wanted} into .tools`,
    program,
    [...first, 'install', ...options, `pnpm@${wanted}`],
    network,
  );
  return command;
};
