import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

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
    const changed = newestIn(source, (file) => file.endsWith('.ts') && !/\.test\.ts$|acceptance/.test(file));
    if (changed > built) throw new Error(`packages/${name} is newer than its build: run npm test, or tsc -b`);
  }
};
refuseStaleBuild();

/** Runs `drnn <parameters>` in its own process, standing in `folder`. */
export const runCommand = (
  folder: string,
  parameters: readonly string[],
  whileRunning: (child: ChildProcess) => void = () => undefined,
): Promise<Run> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(packages, 'drnn', 'bin', 'drnn.js'), ...parameters], { cwd: folder });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    whileRunning(child);
  });

/** `drnn fit <parameters> --json`, with what it printed. Throws unless stdout is one JSON value. */
export const runFit = async (folder: string, parameters: readonly string[]): Promise<Run & { readonly json: unknown }> => {
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

/** An empty folder, and what removes it. */
export const temporaryFolder = (): { readonly folder: string; readonly remove: () => void } => {
  const folder = mkdtempSync(join(tmpdir(), 'drnn-acceptance-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
};

/** Every file and folder below `folder`. */
export const listing = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true }).map(String).sort();
