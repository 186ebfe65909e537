// `npm run pack`: every public package as a tarball below dist-pack, `drnn` with the others inside it, so that
// `npm install ./drnn-0.1.0.tgz` works in an empty folder although no @drnn package is in a registry.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { packFolder, packPackage, unpack } from './pack-package.mjs';
import { root } from './quietly.mjs';
import { published } from './workspace.mjs';

const versions = Object.fromEntries(published.map(({ manifest }) => [manifest.name, manifest.version]));
const read = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** Deletes outputs whose source is gone: the compiler leaves them where they are, and they would be packed. */
const prune = (folder) => {
  for (const entry of readdirSync(join(root, folder, 'dist'), { recursive: true })) {
    const source = String(entry).replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
    if (source === entry || existsSync(join(root, folder, 'src', source))) continue;
    rmSync(join(root, folder, 'dist', String(entry)));
  }
};

/** Packs everything into the folder; the path of the self-contained tarball. */
export const pack = (destination) => {
  rmSync(destination, { recursive: true, force: true });
  mkdirSync(destination, { recursive: true });
  const stage = mkdtempSync(join(tmpdir(), 'drnn-pack-'));
  try {
    for (const { folder } of published) prune(folder);
    const tarballs = Object.fromEntries(published.map((each) => [each.manifest.name, packPackage(each, destination)]));
    unpack(tarballs.drnn, stage);
    const manifest = read(stage);
    // What is not ours becomes a dependency of drnn itself: optional where only optional parts of ours need it.
    const outside = { needed: {}, optional: {} };
    const bundled = new Map();
    /** Takes in a package's dependencies: ours go inside, with theirs. */
    const takeIn = (from, isNeeded) => {
      const all = [
        ...Object.entries(from.dependencies ?? {}).map((each) => [...each, isNeeded]),
        ...Object.entries(from.optionalDependencies ?? {}).map((each) => [...each, false]),
      ];
      for (const [name, version, needed] of all) {
        if (!Object.hasOwn(versions, name)) {
          if (name.startsWith('@drnn/')) throw new Error(`${from.name} depends on ${name}, which is not published`);
          const known = outside.needed[name] ?? outside.optional[name] ?? version;
          if (known !== version) throw new Error(`${name}: both ${known} and ${version}`);
          outside[needed ? 'needed' : 'optional'][name] = version;
        } else if (bundled.get(name) !== true && bundled.get(name) !== needed) {
          // Met first as optional and then as needed, it is gone through again for what it needs.
          const folder = join(stage, 'node_modules', name);
          if (!bundled.has(name)) unpack(tarballs[name], folder);
          bundled.set(name, needed);
          takeIn(read(folder), needed);
        }
      }
    };
    takeIn(manifest, true);
    for (const name of Object.keys(outside.needed)) delete outside.optional[name];
    delete manifest.devDependencies;
    // Ours are inside, the optional ones too.
    manifest.dependencies = {
      ...Object.fromEntries([...bundled.keys()].map((name) => [name, versions[name]])),
      ...outside.needed,
    };
    manifest.optionalDependencies = outside.optional;
    manifest.bundleDependencies = [...bundled.keys()];
    writeFileSync(join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    rmSync(tarballs.drnn);
    return packFolder(stage, destination);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
};

if (basename(process.argv[1] ?? '') === 'pack.mjs') console.log(pack(join(root, 'dist-pack')));
