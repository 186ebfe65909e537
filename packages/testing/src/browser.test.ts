import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type BrowserOptions, closeBrowser, inBrowser, ordinaryPolicy } from './browser.js';
import { requires } from './requires.js';
import type * as sample from './sample.browser.js';
import type * as unloadable from './unloadable.browser.js';

type Parameters = BrowserOptions<typeof sample>['parameters'];

const ordinary = { where: 'worker', isolated: false } as const;

const run = (parameters: Parameters, options: Partial<BrowserOptions<typeof sample>> = {}) =>
  inBrowser<typeof sample>(new URL('./sample.browser.ts', import.meta.url), { ...ordinary, ...options, parameters });

const failure = async (
  parameters: Parameters,
  options: Partial<BrowserOptions<typeof sample>> = {},
): Promise<Error> => {
  const error: unknown = await run(parameters, options).then(
    () => 'it did not fail',
    (thrown: unknown) => thrown,
  );
  return error instanceof Error ? error : new Error(String(error));
};

/** Empty for a process that has ended, which it may between any two looks. */
const commandLineOf = (name: string): string => {
  try {
    return readFileSync(`/proc/${name}/cmdline`, 'utf8');
  } catch {
    return '';
  }
};

/** The command lines of this machine's processes that name a folder. */
const processesOf = (folder: string): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(commandLineOf)
    .filter((line) => line.includes(folder));

describe.skipIf(!requires('browser'))('in a browser', () => {
  describe.each(['page', 'worker'] as const)('on the thread of a %s', (where) => {
    it('computes, and numbers come back as they are', async () => {
      expect(await run({ task: 'compute', values: [1, 2, 3.5] }, { where })).toEqual({
        result: {
          thread: where,
          isolated: false,
          sharedMemory: false,
          sum: 6.5,
          delicate: [Number.NaN, -0, Infinity, 5e-324],
        },
        console: [],
      });
    });

    it('shares memory with a worker of its own where it is isolated', async () => {
      expect(await run({ task: 'share' }, { where, isolated: true })).toEqual({
        result: { thread: where, isolated: true, sharedMemory: true, seen: ['in time', 1000] },
        console: [],
      });
    });

    it('tells what was thrown, and where in the sources', async () => {
      const error = await failure({ task: 'fail' }, { where });
      expect(error.name).toBe('RangeError');
      expect(error.message).toBe('failed on purpose');
      expect(error.cause).toMatchObject({ name: 'TypeError', message: 'for a reason' });
      expect(error.stack).toMatch(/packages\/testing\/src\/sample\.browser\.ts:\d+:\d+/);
    });

    it('hears what is logged and what nobody caught, also in workers below', async () => {
      const { console } = await run({ task: 'log' }, { where });
      const heard = (pattern: RegExp) => console.filter((line) => pattern.test(line));
      expect(heard(/^info: information 1$/)).toHaveLength(1);
      expect(heard(/^warning: a warning$/)).toHaveLength(1);
      expect(heard(/^log: from below$/)).toHaveLength(1);
      expect(heard(/^uncaught: [^]*left alone[^]*sample\.browser\.ts/)).toHaveLength(1);
      expect(heard(/^uncaught: [^]*thrown below/)).toHaveLength(1);
      // What nobody caught below comes up once more in the worker above, as null.
      expect(heard(/^(?!uncaught: null$)/)).toHaveLength(5);
    });

    it('ends after the timeout, though the thread is blocked', async () => {
      const started = performance.now();
      const error = await failure({ task: 'spin' }, { where, timeout: 500 });
      expect(error.message).toContain('sample.browser.ts: no outcome within 500 ms');
      expect(performance.now() - started).toBeLessThan(5000);
    });
  });

  it('obeys the policy of the page, and tells what that forbids', async () => {
    expect(await run({ task: 'compile' })).toEqual({ result: true, console: [] });
    const refused = [
      failure({ task: 'compile' }, { policy: "default-src 'self'" }),
      failure({ task: 'share' }, { isolated: true, policy: ordinaryPolicy.replace('blob:', '') }),
      failure({ task: 'fetchElsewhere' }),
    ];
    for (const error of await Promise.all(refused)) expect(error.message).toContain('Content Security Policy');
  });

  it('reaches no other host, whatever the policy', async () => {
    const error = await failure({ task: 'fetchElsewhere' }, { policy: 'connect-src *' });
    expect(error.message).toMatch(/^Failed to fetch[^]*ERR_NAME_NOT_RESOLVED/);
  });

  it('tells that the module did not load', async () => {
    const entry = new URL('./unloadable.browser.ts', import.meta.url);
    const loaded = inBrowser<typeof unloadable>(entry, ordinary);
    await expect(loaded).rejects.toThrow('failed while loading');
  });

  it('tells what was thrown that is no error', async () => {
    expect((await failure({ task: 'failWithText' })).message).toBe('thrown: no error, a text');
  });

  it('gets files that it is given, with their type, and no others', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drnn-assets-'));
    try {
      const file = join(folder, 'any.json');
      writeFileSync(file, '[1, 2]');
      const assets = { '/deep/asset.json': file };
      expect(await run({ task: 'fetchAsset' }, { assets })).toEqual({
        result: { type: 'application/json', value: [1, 2] },
        console: [],
      });
      const { result, console } = await run({ task: 'fetchNothing' }, { assets });
      expect(result).toBe(404);
      expect(console.join()).toMatch(/^no answer: [^,]*\/nothing: 404$/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.skipIf(process.platform !== 'linux')('leaves no process and no file behind', async () => {
    await closeBrowser();
    const folder = mkdtempSync(join(tmpdir(), 'drnn-harness-'));
    vi.stubEnv('TMPDIR', folder);
    try {
      await failure({ task: 'spin' }, { timeout: 300 });
      expect(processesOf(folder)).not.toEqual([]);
      expect(readdirSync(folder)).not.toEqual([]);
      await closeBrowser();
      expect(processesOf(folder)).toEqual([]);
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
