import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { whyChromiumFails } from './chromium.js';
import { sharedPath } from './shared.js';
import { repository, workspaceSources } from './sources.js';

/** Whether this machine offers something that a test may need. */
export type Capability = {
  readonly available: boolean;
  /** What was found, or what is missing. */
  readonly reason: string;
  /** The command that installs it; null where no command does. */
  readonly install: string | null;
  /** The program to run: the Python that has the modules, the browser. Null where it is missing or is no program. */
  readonly command: string | null;
};

/** The first line that the program prints when it succeeds, else null. */
const answer = (command: string, parameters: readonly string[]): string | null => {
  const run = spawnSync(command, parameters, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 60_000,
  });
  return run.status === 0 ? (run.stdout.trim().split('\n')[0] ?? '') : null;
};

/** The first of the candidates that answers. */
const firstProgram = (
  what: string,
  candidates: readonly string[],
  parameters: readonly string[],
  install: string,
): Capability => {
  for (const command of candidates) {
    const version = answer(command, parameters);
    if (version !== null) return { available: true, reason: `${command}: ${version}`, install, command };
  }
  return { available: false, reason: `no ${what} (tried ${candidates.join(', ')})`, install, command: null };
};

/** Debian's modules are for Debian's own Python, which need not be the first one on the path. */
const python = (...modules: readonly string[]): Capability =>
  firstProgram(
    modules.length === 0 ? 'Python 3' : `Python 3 with ${modules.join(' and ')}`,
    ['python3', '/usr/bin/python3'],
    ['-c', ['import sys', ...modules.map((name) => `import ${name}`), 'print(sys.version.split()[0])'].join('\n')],
    `apt-get install ${modules.length === 0 ? 'python3' : modules.map((name) => `python3-${name}`).join(' ')}`,
  );

const shared = (): Capability => {
  const found = existsSync(sharedPath('fixtures'));
  return {
    available: found,
    reason: found
      ? 'the folder shared beside the checkout'
      : 'no folder ../shared (fixtures, recordings) beside the checkout; it cannot be installed',
    install: null,
    command: null,
  };
};

/** A Chromium that is there need not start: it needs fonts, libraries, and for users other than root a sandbox. */
const browser = (): Capability => {
  const chromium = capability('chromium');
  const failure = chromium.command === null ? null : whyChromiumFails(chromium.command);
  if (failure === null) return chromium;
  return { available: false, reason: `${chromium.command} runs no page: ${failure}`, install: null, command: null };
};

/** What a backend's own code finds, run from its sources in a process of its own; it prints `found` or `none:` and why. */
const backendProbe = (name: string, contents: string, install: string): Capability => {
  const folder = join(repository, 'packages', name);
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: folder },
    alias: Object.fromEntries(workspaceSources()),
    bundle: true,
    // It finds its native part beside itself.
    external: ['koffi'],
    platform: 'node',
    format: 'esm',
    write: false,
  });
  const run = spawnSync(process.execPath, ['--input-type=module', '-'], {
    cwd: folder,
    input: outputFiles[0]?.text ?? '',
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: 60_000,
  });
  const [, available, reason = ''] = /^(found|none:) (.*)/.exec(run.stdout) ?? [];
  return available === 'found'
    ? { available: true, reason, install, command: null }
    : {
        available: false,
        reason: reason || `a probe that ended with ${run.status ?? run.signal}`,
        install,
        command: null,
      };
};

/** A WebGPU device in Node, found the way the backend finds it. */
const webgpu = (): Capability =>
  backendProbe(
    'backend-webgpu',
    `import { openGpu } from './src/gpu.ts';
      openGpu().then(({ description, device }) => { console.log('found ' + description); device.destroy(); },
        (error) => console.log('none: ' + String(error.message)));`,
    'apt-get install chromium',
  );

/** A BLAS that the backend finds and proves right. */
const blas = (): Capability =>
  backendProbe(
    'backend-blas',
    `import { findLibrary } from './src/library.ts';
      findLibrary().then(({ name, version, path }) => console.log('found', name, version ?? '', path),
        (error) => console.log('none: ' + String(error.message)));`,
    'apt-get install libopenblas0',
  );

const probes = {
  python3: () => python(),
  numpy: () => python('numpy'),
  // One interpreter with both, so that a script may import either.
  scipy: () => python('numpy', 'scipy'),
  chromium: () =>
    firstProgram(
      'Chromium',
      ['chromium', 'chromium-browser', 'google-chrome'],
      ['--version'],
      'apt-get install chromium',
    ),
  browser,
  webgpu,
  blas,
  shared,
} satisfies Record<string, () => Capability>;

/** What a test may ask for. A new capability is one more probe. */
export type CapabilityName = keyof typeof probes;

/** Whether a word, from an environment variable say, names a capability. */
export const isCapabilityName = (name: string): name is CapabilityName => Object.hasOwn(probes, name);

const found = new Map<CapabilityName, Capability>();

/** Looks for the capability, once a process. */
export const capability = (name: CapabilityName): Capability => {
  const known = found.get(name);
  if (known !== undefined) return known;
  const fresh = probes[name]();
  found.set(name, fresh);
  return fresh;
};
