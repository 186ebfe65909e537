// All set-up, then the job: `node scripts/setup.mjs <job> [arguments]`. Plain Node, no dependencies, because it runs before
// anything is installed. Set-up prints to stderr only: stdout belongs to the job.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { network, pnpm } from './pnpm.mjs';
import { giveUp, quietly, root } from './quietly.mjs';

const tools = join(root, '.tools');
const installedStamp = join(root, 'node_modules', '.drnn-installed');
const builtStamp = join(tools, 'built');
const kernels = join(root, 'packages', 'backend-wasm', 'kernels', 'build.mjs');

const checkNode = () => {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const [needMajor, needMinor] = engines.node.replace('>=', '').split('.').map(Number);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  giveUp(`drnn needs Node ${needMajor}.${needMinor} or newer; this is Node ${process.versions.node}.`);
};

const folders = readdirSync(join(root, 'packages'))
  .map((name) => join(root, 'packages', name))
  .filter((folder) => existsSync(join(folder, 'package.json')));

const lockHash = () => {
  const hash = createHash('sha256');
  for (const name of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(join(root, name)));
  return hash.digest('hex');
};

const isInstalled = () =>
  folders.every((folder) => existsSync(join(folder, 'node_modules'))) &&
  existsSync(installedStamp) &&
  readFileSync(installedStamp, 'utf8') === lockHash();

const install = () => {
  const [command, ...first] = pnpm();
  quietly(
    'installing packages',
    command,
    [...first, 'install', '--frozen-lockfile', '--reporter=append-only', '--config.confirmModulesPurge=false'],
    [...network, 'If a package.json was edited, bring the lockfile up to date: `pnpm install`.'],
  );
  writeFileSync(installedStamp, lockHash());
};

/** The newest modification time of a folder's files and folders, in milliseconds: a deleted file touches its folder. */
const newest = (folder) => {
  let time = statSync(folder).mtimeMs;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    time = Math.max(time, entry.isDirectory() ? newest(path) : statSync(path).mtimeMs);
  }
  return time;
};

const outputsExist = () =>
  folders
    .filter((folder) => existsSync(join(folder, 'src', 'index.ts')))
    .every((folder) => existsSync(join(folder, 'dist', 'index.js')));

/** Whether every source is older than the last compilation; `tsc -b` itself would take a second to see that. */
const isBuilt = () => {
  if (!existsSync(builtStamp) || !outputsExist()) return false;
  const compiled = [...folders, join(root, 'bench')];
  const inputs = [
    installedStamp,
    ...['tsconfig.json', 'tsconfig.base.json'].map((name) => join(root, name)),
    ...compiled.flatMap((folder) =>
      ['tsconfig.json', 'package.json', 'src', 'kernels'].map((name) => join(folder, name)),
    ),
  ].filter((path) => existsSync(path));
  const time = Math.max(
    ...inputs.map((path) => (statSync(path).isDirectory() ? newest(path) : statSync(path).mtimeMs)),
  );
  return statSync(builtStamp).mtimeMs > time;
};

const build = () => {
  quietly('compiling the kernels', process.execPath, [kernels], ['Mend what is named above, then run it again.']);
  const started = new Date();
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  // tsc trusts its own notes, and would not see that an output is gone.
  const force = outputsExist() ? [] : ['--force'];
  quietly(
    'compiling',
    process.execPath,
    [compiler, '-b', ...force],
    ['Mend the files named above, then run the same command again.'],
  );
  mkdirSync(tools, { recursive: true });
  writeFileSync(builtStamp, '');
  utimesSync(builtStamp, started, started);
};

const isHeld = (lock) => {
  try {
    const holder = Number(readFileSync(lock, 'utf8'));
    // Between its creation and its content the lock is empty for a moment.
    if (holder === 0) return Date.now() - statSync(lock).mtimeMs < 2000;
    process.kill(holder, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

/** One set-up at a time: the second of two commands started together waits for the first. */
const alone = async (task) => {
  mkdirSync(tools, { recursive: true });
  const lock = join(tools, 'lock');
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (isHeld(lock)) await new Promise((resolve) => setTimeout(resolve, 100));
      else rmSync(lock, { force: true });
    }
  }
  const release = () => rmSync(lock, { force: true });
  process.once('exit', release);
  task();
  process.off('exit', release);
  release();
};

const setUp = async ({ compiled }) => {
  checkNode();
  const isDone = () => isInstalled() && (!compiled || isBuilt());
  if (isDone()) return;
  await alone(() => {
    if (!isInstalled()) install();
    if (!isDone()) build();
  });
};

/** Runs a script in the root of the repository, and ends as it ends. */
const runScript = (script, parameters) => {
  const child = spawn(process.execPath, [join(root, script), ...parameters], { cwd: root, stdio: 'inherit' });
  // The terminal signals the whole group: the child ends first, and its end is passed on.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('close', (code, signal) => process.exit(signal === 'SIGINT' ? 130 : (code ?? 1)));
};

/** Runs the command line in this process, in the folder the user stands in: signals and exit codes need no passing on. */
const runCommandLine = async (parameters) => {
  const program = join(root, 'packages', 'drnn', 'bin', 'drnn.js');
  process.chdir(process.env.INIT_CWD ?? process.cwd());
  process.argv = [process.execPath, program, ...parameters];
  await import(pathToFileURL(program).href);
};

const jobs = {
  drnn: runCommandLine,
  demo: (parameters) => runCommandLine(['demo', ...parameters]),
  test: (parameters) => runScript('node_modules/vitest/vitest.mjs', ['run', ...parameters]),
  check: (parameters) => runScript('scripts/check.mjs', parameters),
  pack: (parameters) => runScript('scripts/pack.mjs', parameters),
  'test-tarball': (parameters) => runScript('scripts/test-tarball.mjs', parameters),
};

const [name, ...parameters] = process.argv.slice(2);
if (!Object.hasOwn(jobs, name ?? ''))
  giveUp(`Usage: node scripts/setup.mjs ${Object.keys(jobs).join('|')} [arguments]`);
// The check compiles by itself, so that it can say what else is wrong.
await setUp({ compiled: name !== 'check' });
await jobs[name](parameters);
