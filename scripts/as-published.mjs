// `node scripts/as-published.mjs FOLDER NAME...`: packages of ours in FOLDER/node_modules as npm would install them, their
// modules joined, without packing; what they need of others is linked from here.
import { cpSync, existsSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { joinModules } from './join-modules.mjs';
import { root } from './quietly.mjs';
import { published } from './workspace.mjs';

const [destination = '', ...names] = process.argv.slice(2);

/** Those packages, and all of ours that they need. */
const taken = new Set(names);
for (const name of taken) {
  const { manifest } = published.find((each) => each.manifest.name === name) ?? {};
  if (manifest === undefined) throw new Error(`no published package ${name}`);
  for (const needed of Object.keys(manifest.dependencies ?? {})) if (needed.startsWith('@drnn/')) taken.add(needed);
}

for (const { folder, manifest } of published.filter((each) => taken.has(each.manifest.name))) {
  const target = join(destination, 'node_modules', manifest.name);
  for (const part of ['package.json', 'dist'])
    cpSync(join(root, folder, part), join(target, part), { recursive: true });
  joinModules(target);
  for (const needed of Object.keys(manifest.dependencies ?? {}).filter((name) => !taken.has(name))) {
    const source = join(root, folder, 'node_modules', needed);
    if (!existsSync(source)) throw new Error(`${needed} is not installed`);
    const link = join(target, 'node_modules', needed);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(realpathSync(source), link, 'junction');
  }
}
