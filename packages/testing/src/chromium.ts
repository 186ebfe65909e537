import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Chromium's own sandbox does not start for root. */
export const isSandboxed = process.getuid?.() !== 0;

/** Switches of every Chromium that tests start: it sees this machine's loopback and nothing else. */
export const chromiumSwitches: readonly string[] = [
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  // WebGPU, on the software adapter that comes with Chromium: `--disable-gpu` would take that too.
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
];

/** The file that a command names, as a shell would find it. */
export const programFile = (command: string): string =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, command))
    .find((file) => existsSync(file)) ?? command;

/** A folder for everything that Chromium writes, and the variables that send it there. */
export const chromiumFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'drnn-chromium-'));
  return {
    folder,
    environment: { ...process.env, TMPDIR: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder },
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
  };
};

/**
 * Null where this Chromium starts without a display and runs the script of a page, else why it does not: the last line
 * it said. Cost some 1 s.
 */
export const whyChromiumFails = (command: string): string | null => {
  const { folder, environment, remove } = chromiumFolder();
  try {
    const page = 'data:text/html,<script>document.write("product", 6 * 7)</script>';
    const run = spawnSync(
      command,
      [
        '--headless',
        ...(isSandboxed ? [] : ['--no-sandbox']),
        '--disable-dev-shm-usage',
        ...chromiumSwitches,
        `--user-data-dir=${join(folder, 'profile')}`,
        '--dump-dom',
        page,
      ],
      { encoding: 'utf8', timeout: 30_000, killSignal: 'SIGKILL', env: environment },
    );
    if (run.stdout.includes('product42')) return null;
    return run.error?.message ?? run.stderr.trim().split('\n').at(-1) ?? 'it said nothing';
  } finally {
    remove();
  }
};
