// The packages of the workspace, as their package.json files state them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './quietly.mjs';

/** Every package: its folder, relative to the root, and its manifest. */
export const packages = [...readdirSync(join(root, 'packages')).map((name) => `packages/${name}`), 'bench']
  .filter((folder) => existsSync(join(root, folder, 'package.json')))
  .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) }));

/** Those that are published. */
export const published = packages.filter(({ manifest }) => manifest.private !== true);
