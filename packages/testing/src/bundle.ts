import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { repository, workspaceSources } from './sources.js';

/** Where the module under test runs: on the page's own thread, or in a dedicated module Worker of the page. */
export type Where = 'page' | 'worker';

/** The name of the global function by which the page reports. */
export const reportName = 'drnnReport';

export interface Bundle {
  /** The scripts by the path that they are served at; the page loads `/page.js`. */
  readonly scripts: ReadonlyMap<string, string>;
  /** The same text, with places in the scripts replaced by the places in the sources. */
  traced(text: string): string;
}

/** Names of our packages lead to their sources; one that is no public entry is an error, not a stale build. */
const fromSources = (): Plugin => ({
  name: 'workspace sources',
  setup: ({ onResolve }) => {
    const sources = workspaceSources();
    onResolve({ filter: /^(@drnn\/|drnn$)/ }, ({ path }) => {
      const source = sources.get(path);
      return source === undefined
        ? { errors: [{ text: `${path} is no public entry of the workspace` }] }
        : { path: source };
    });
  },
});

const inside = (name: 'page' | 'worker'): string =>
  JSON.stringify(fileURLToPath(new URL(`../src/inside-${name}.ts`, import.meta.url)));

/** The text of a JSON value; what JSON would drop or change is refused, NaN above all. */
const literal = (parameters: unknown): string | undefined =>
  JSON.stringify(parameters, (name, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new Error(`parameters: ${name} is ${value}, which JSON cannot carry`);
    return value;
  });

/** Bundles a module, from the sources, into what a page loads to run it. Parameters must be a JSON value. */
export const bundle = async (entry: URL, where: Where, parameters: unknown): Promise<Bundle> => {
  const load = `() => import(${JSON.stringify(fileURLToPath(entry))}), ${literal(parameters)}`;
  const programs: Readonly<Record<string, string>> =
    where === 'page'
      ? { 'page.js': `import { runInPage } from ${inside('page')}; runInPage(${reportName}, ${load});` }
      : {
          'page.js': `import { startWorker } from ${inside('page')}; startWorker(${reportName}, '/worker.js');`,
          'worker.js': `import { runInWorker } from ${inside('worker')}; runInWorker(${load});`,
        };
  const scripts = new Map<string, string>();
  const maps = new Map<string, SourceMap>();
  for (const [name, contents] of Object.entries(programs)) {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: repository, sourcefile: name },
      outfile: join(repository, name),
      absWorkingDir: repository,
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      sourcemap: 'external',
      sourcesContent: false,
      logLevel: 'silent',
      plugins: [fromSources()],
    });
    for (const { path, text } of outputFiles)
      if (path.endsWith('.map')) maps.set(name, new SourceMap(JSON.parse(text)));
      else scripts.set(`/${name}`, text);
  }
  return {
    scripts,
    traced: (text) =>
      text.replace(/http:\/\/127\.0\.0\.1:\d+\/(\w+\.js):(\d+):(\d+)/g, (place, name: string, line, column) => {
        const origin = maps.get(name)?.findOrigin(Number(line), Number(column));
        return origin !== undefined && 'fileName' in origin
          ? `${origin.fileName}:${origin.lineNumber}:${origin.columnNumber}`
          : place;
      }),
  };
};
