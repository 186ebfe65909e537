// The modules of a package as few files: a program that imports it loads each once, and loading is what takes the time.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { root } from './quietly.mjs';

/** esbuild belongs to the package that runs tests in browsers. */
const { buildSync } = createRequire(join(root, 'packages', 'testing', 'package.json'))('esbuild');

const defaultsOf = (exported) =>
  typeof exported === 'string' ? [exported] : Object.values(exported ?? {}).flatMap((each) => defaultsOf(each));

/** Every module that others load by its path: what the package exports, and what its programs import. */
const entriesOf = (folder) => {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const exported = defaultsOf(manifest.exports).filter((path) => path.endsWith('.js'));
  const programs = Object.values(manifest.bin ?? {}).flatMap((program) =>
    [...readFileSync(join(folder, program), 'utf8').matchAll(/import\('\.\.\/(dist\/[^']+)'\)/g)].map(
      ([, path]) => `./${path}`,
    ),
  );
  return [...new Set([...exported, ...programs])];
};

const filesBelow = (folder) => readdirSync(folder, { recursive: true }).map(String);

/**
 * Joins the modules of an unpacked package in place: each entry becomes one file, what several need a file that they
 * share, so that nothing is there twice; modules that are imported on demand stay apart. Types stay as they are, and
 * imports of other packages too.
 */
export const joinModules = (folder) => {
  const dist = join(folder, 'dist');
  const entries = entriesOf(folder);
  const { outputFiles } = buildSync({
    entryPoints: entries.map((entry) => join(folder, entry)),
    outbase: dist,
    outdir: dist,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    packages: 'external',
    external: ['node:*'],
    chunkNames: 'parts/[name]-[hash]',
    legalComments: 'inline',
    write: false,
    logLevel: 'error',
  });
  for (const name of filesBelow(dist)) if (name.endsWith('.js')) rmSync(join(dist, name));
  for (const { path, contents } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents);
  }
};
