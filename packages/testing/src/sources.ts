import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** What is read of a package.json here: every entry of ours names a compiled file. */
interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, { readonly default?: string }>>;
}

/**
 * The source file behind every public entry of the workspace's packages, by the name it is imported by: `drnn`,
 * `@drnn/tensor/laws`. Tests run on the sources, so that they never see a stale build.
 */
export const workspaceSources = (): ReadonlyMap<string, string> => {
  const sources = new Map<string, string>();
  for (const folder of readdirSync(join(repository, 'packages')).map((name) => join(repository, 'packages', name))) {
    const file = join(folder, 'package.json');
    if (!existsSync(file)) continue;
    const manifest: Manifest = JSON.parse(readFileSync(file, 'utf8'));
    for (const [entry, target] of Object.entries(manifest.exports ?? {})) {
      const source = join(folder, (target.default ?? '').replace('/dist/', '/src/').replace(/\.js$/, '.ts'));
      if (source.endsWith('.ts') && existsSync(source)) sources.set(`${manifest.name}${entry.slice(1)}`, source);
    }
  }
  return sources;
};
