import { basename } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { stop } from 'esbuild';
import { afterAll } from 'vitest';
import { bundle, reportName, type Where } from './bundle.js';
import { capability } from './capability.js';
import { chromiumFolder, chromiumSwitches, isSandboxed, programFile } from './chromium.js';
import { errorOf, type Outcome } from './outcome.js';
import { serve } from './serve.js';

/**
 * What a module that runs in a browser exports: `run`, from a JSON value to what a message can carry (numbers, also NaN
 * and -0, texts, arrays, plain objects).
 */
export interface BrowserModule {
  run(parameters: never): unknown;
}

type ParametersOf<Module extends BrowserModule> =
  Parameters<Module['run']> extends []
    ? { readonly parameters?: undefined }
    : { readonly parameters: Parameters<Module['run']>[0] };

/** How a module is run. */
export type BrowserOptions<Module extends BrowserModule> = ParametersOf<Module> & {
  /** On the page's own thread, which may not block, or in a dedicated module Worker of the page. */
  readonly where: Where;
  /** Whether the server asks for cross-origin isolation (COOP, COEP): without it there is no SharedArrayBuffer. */
  readonly isolated: boolean;
  /** Files to serve besides, by path: `{ '/kernels.wasm': file }`. */
  readonly assets?: Readonly<Record<string, string>>;
  /** The Content-Security-Policy of the page and its workers. Default `ordinaryPolicy`. */
  readonly policy?: string;
  /** Milliseconds that the page may take. Default 50,000: less than a test may. */
  readonly timeout?: number;
};

export interface BrowserRun<Result> {
  readonly result: Result;
  /**
   * What the page and its workers at any depth said: messages, uncaught errors, failed requests; and what the policy
   * forbade to the page and to the worker that runs the module.
   */
  readonly console: readonly string[];
}

/** What a page must allow for Wasm, and for threads started from a Blob: no `eval`, no inline script, no other host. */
export const ordinaryPolicy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:";

const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

const markup = `<!doctype html><html lang="en"><meta charset="utf-8"><title>drnn</title><script type="module" src="/page.js"></script></html>`;

interface Launched {
  readonly browser: Browser;
  remove(): void;
}

const launch = async (): Promise<Launched> => {
  const { command, reason } = capability('chromium');
  if (command === null) throw new Error(reason);
  const { folder, environment, remove } = chromiumFolder();
  // A process that ends without closing it: playwright kills the browser then. And one whose test runner has died.
  process.once('exit', remove);
  process.once('disconnect', closeBrowser);
  const browser = await chromium
    .launch({
      executablePath: programFile(command),
      headless: true,
      chromiumSandbox: isSandboxed,
      args: [...chromiumSwitches],
      env: environment,
      artifactsDir: folder,
    })
    .catch((error: unknown) => {
      remove();
      throw error;
    });
  return { browser, remove };
};

let launched: Promise<Launched> | null = null;

/** The one browser of this process; a fresh one where the last has died. */
const theBrowser = async (): Promise<Browser> => {
  if (launched !== null && !(await launched).browser.isConnected()) await closeBrowser();
  launched ??= launch();
  return (await launched).browser;
};

/** Ends the browser, and removes what it wrote; a later run starts a new one. In a test file this happens by itself. */
export const closeBrowser = async (): Promise<void> => {
  const last = launched;
  launched = null;
  process.off('disconnect', closeBrowser);
  await stop();
  const { browser, remove } = (await last?.catch(() => undefined)) ?? {};
  await browser?.close();
  if (remove === undefined) return;
  process.off('exit', remove);
  remove();
};

if (process.env['VITEST'] !== undefined) afterAll(closeBrowser);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const after = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits for messages on their way: each thread answers after what it has said, unless it is blocked. */
const settled = (page: Page): Promise<unknown> =>
  Promise.race([
    Promise.allSettled([page.evaluate('0'), ...page.workers().map((each) => each.evaluate('0'))]),
    after(300),
  ]);

const until = async <Result>(page: Page, url: string, timeout: number): Promise<Outcome<Result>> => {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Outcome<Result>>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no outcome within ${timeout} ms`)), timeout);
      page.once('crash', () => reject(new Error('the page crashed')));
      page.once('close', () => reject(new Error('the browser went away')));
      const opened = async (): Promise<void> => {
        await page.exposeFunction(reportName, (outcome: Outcome<Result>) => resolve(outcome));
        await page.goto(url, { timeout: 0, waitUntil: 'commit' });
      };
      opened().catch(reject);
    });
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Bundles a module of ours from its sources, runs its `run(parameters)` in headless Chromium, and gives what it
 * returned and all that was said. What it throws is thrown here, with the browser's stack in terms of the sources. The
 * page is served from `http://127.0.0.1` and can reach nothing else; it has a profile of its own. The type parameter is
 * the module: `import type * as laws from './laws.browser.js'; inBrowser<typeof laws>(...)`. The first run in a process
 * starts the browser (some 1 s), each takes some 0.4 s more than the module.
 */
export const inBrowser = async <Module extends BrowserModule>(
  entry: URL,
  options: BrowserOptions<Module>,
): Promise<BrowserRun<Awaited<ReturnType<Module['run']>>>> => {
  const { where, isolated, parameters, assets = {}, policy = ordinaryPolicy, timeout = 50_000 } = options;
  const { scripts, traced } = await bundle(entry, where, parameters);
  const headers = { 'content-security-policy': policy, 'cache-control': 'no-store', ...(isolated ? isolation : {}) };
  const browser = await theBrowser();
  const server = await serve({ texts: new Map([...scripts, ['/index.html', markup]]), files: assets, headers });
  try {
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      const said: string[] = [];
      const heard = () => said.map((line) => `  in its console: ${line}`);
      page.on('console', (message) => {
        // Logged for the page alone; the requests themselves are seen of every worker.
        if (!message.text().startsWith('Failed to load resource'))
          said.push(traced(`${message.type()}: ${message.text()}`));
      });
      page.on('pageerror', ({ stack = '', message }) =>
        said.push(traced(`uncaught: ${stack === '' ? message : stack}`)),
      );
      page.on('requestfailed', (request) => {
        const why = request.failure()?.errorText;
        // An answer that nobody reads to its end is aborted.
        if (why !== 'net::ERR_ABORTED') said.push(`no answer: ${request.url()}: ${why}`);
      });
      page.on('response', (response) => {
        if (response.status() >= 400) said.push(`no answer: ${response.url()}: ${response.status()}`);
      });
      const outcome = await until<Awaited<ReturnType<Module['run']>>>(
        page,
        `${server.origin}/index.html`,
        timeout,
      ).catch((error: unknown) => {
        throw new Error([`${basename(entry.pathname)}: ${messageOf(error)}`, ...heard()].join('\n'), { cause: error });
      });
      await settled(page);
      if (outcome.kind === 'result') return { result: outcome.result, console: [...said] };
      throw errorOf({ ...outcome, message: [outcome.message, ...heard()].join('\n') }, traced);
    } finally {
      await context.close();
    }
  } finally {
    await server.close();
  }
};
