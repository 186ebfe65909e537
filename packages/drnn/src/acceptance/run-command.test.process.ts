import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** What a run of the command line left: how it ended, and what it said. */
export interface Run {
  /** Null where a signal ended the process. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const packages = fileURLToPath(new URL('../../../', import.meta.url));

const newestIn = (folder: string, counts: (name: string) => boolean): number =>
  Math.max(
    0,
    ...readdirSync(folder, { recursive: true })
      .map(String)
      .filter(counts)
      .map((name) => statSync(join(folder, name)).mtimeMs),
  );

/** The command line runs from `dist`; a build older than its sources would be tested in their place. */
const refuseStaleBuild = (): void => {
  for (const name of readdirSync(packages)) {
    const source = join(packages, name, 'src');
    const build = join(packages, name, 'tsconfig.tsbuildinfo');
    if (name === 'testing' || !existsSync(source)) continue;
    const built = existsSync(build) ? statSync(build).mtimeMs : 0;
    const changed = newestIn(source, (file) => file.endsWith('.ts') && !/\.test\.|acceptance/.test(file));
    if (changed > built) throw new Error(`packages/${name} is newer than its build: run npm test, or tsc -b`);
  }
};
refuseStaleBuild();

/** Runs `drnn <parameters>` in a process of its own, standing in `folder`, with more in its environment. */
export const spawnCommand = (
  folder: string,
  parameters: readonly string[],
  whileRunning: (child: ChildProcess) => void = () => undefined,
  environment: Readonly<Record<string, string>> = {},
): Promise<Run> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(packages, 'drnn', 'bin', 'drnn.js'), ...parameters], {
      cwd: folder,
      env: { ...process.env, ...environment },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    whileRunning(child);
  });

/**
 * The program of a process that runs one command line after the other. A query makes each import of the command line a
 * fresh one; what it imports stays loaded, which is most of the time that a command takes.
 */
const session = `
  process.execArgv = [];
  let count = 0;
  process.on('message', async ({ cli, folder, parameters }) => {
    const said = { stdout: '', stderr: '' };
    const streams = { stdout: process.stdout.write, stderr: process.stderr.write };
    for (const name of ['stdout', 'stderr']) process[name].write = (text) => { said[name] += text; return true; };
    process.chdir(folder);
    process.argv = [process.execPath, 'drnn', ...parameters];
    process.exitCode = undefined;
    let failed;
    try { await import(cli + '?' + count++); } catch (error) { failed = String(error?.stack ?? error); }
    for (const name of ['stdout', 'stderr']) process[name].write = streams[name];
    process.send({ code: process.exitCode ?? 0, failed, ...said });
    process.exitCode = undefined;
  });`;

let running: ChildProcess | null = null;
let last: Promise<unknown> = Promise.resolve();

const sessionProcess = (): ChildProcess => {
  if (running !== null) return running;
  running = spawn(process.execPath, ['--input-type=module', '--eval', session], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  running.unref();
  running.channel?.unref();
  return running;
};

const cli = pathToFileURL(join(packages, 'drnn', 'dist', 'cli.js')).href;

/** Runs `drnn <parameters>` as `spawnCommand` does, but in a process shared by the commands of a test file. */
export const runCommand = (folder: string, parameters: readonly string[]): Promise<Run> => {
  const one = (): Promise<Run> =>
    new Promise((resolve, reject) => {
      const child = sessionProcess();
      child.ref();
      const ended = (): void => {
        running = null;
        reject(new Error(`the process ended during drnn ${parameters.join(' ')}`));
      };
      child.once('exit', ended);
      child.once('message', (answer: unknown) => {
        child.off('exit', ended);
        child.unref();
        const failed = at(answer, 'failed');
        if (failed !== undefined) return reject(new Error(String(failed)));
        resolve({
          code: numberAt(answer, 'code'),
          stdout: String(at(answer, 'stdout')),
          stderr: String(at(answer, 'stderr')),
        });
      });
      child.send({ cli, folder, parameters });
    });
  const next = last.then(one, one);
  last = next;
  return next;
};

/** `drnn fit <parameters> --json`, with what it printed. Throws unless stdout is one JSON value. */
export const runFit = async (
  folder: string,
  parameters: readonly string[],
): Promise<Run & { readonly json: unknown }> => {
  const run = await runCommand(folder, ['fit', ...parameters, '--json']);
  try {
    const json: unknown = JSON.parse(run.stdout);
    return { ...run, json };
  } catch (cause) {
    throw new Error(`no JSON on stdout: ${JSON.stringify(run)}`, { cause });
  }
};

/** The value below the given keys; undefined where there is none. */
export const at = (value: unknown, ...path: readonly (string | number)[]): unknown => {
  let inner = value;
  for (const key of path) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, key)) return undefined;
    inner = Object.entries(inner).find(([name]) => name === String(key))?.[1];
  }
  return inner;
};

/** The number below the given keys; throws where there is none. */
export const numberAt = (value: unknown, ...path: readonly (string | number)[]): number => {
  const found = at(value, ...path);
  if (typeof found === 'number') return found;
  throw new Error(`no number at ${path.join('.')} of ${JSON.stringify(value)}`);
};

/** An empty folder; `remove` deletes it and ends the process of `runCommand`. */
export const temporaryFolder = (): { readonly folder: string; readonly remove: () => void } => {
  const folder = mkdtempSync(join(tmpdir(), 'drnn-acceptance-'));
  const remove = (): void => {
    running?.kill();
    running = null;
    rmSync(folder, { recursive: true, force: true });
  };
  return { folder, remove };
};

/** Every file and folder below `folder`. */
export const listing = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true }).map(String).sort();
