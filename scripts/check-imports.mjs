// Imports run one way: apps -> domain -> tensor <- backends; from package to package by name, through its public entries.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';
import { root } from './quietly.mjs';
import { packages } from './workspace.mjs';

const layerOf = (folder) => {
  const name = folder.replace('packages/', '');
  if (['drnn', 'lab'].includes(name)) return 'app';
  if (['bench', 'tensor', 'testing'].includes(name)) return name;
  return name.startsWith('backend-') ? 'backend' : 'domain';
};

/** What shipped code of a layer may import. Tests may also import `testing` and any backend. */
const allowed = {
  app: ['app', 'domain', 'backend', 'tensor'],
  // It looks for peers, and for a browser to time the kernels in, as the tests do.
  bench: ['app', 'domain', 'backend', 'tensor', 'testing'],
  domain: ['domain', 'tensor'],
  backend: ['backend', 'tensor'],
  tensor: [],
  testing: [],
};

const byName = new Map(packages.map((each) => [each.manifest.name, { ...each, layer: layerOf(each.folder) }]));
const problems = [];

for (const { folder, manifest, layer } of byName.values()) {
  const source = join(root, folder, 'src');
  const shipped = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies };
  const inTests = { ...shipped, ...manifest.devDependencies };
  for (const entry of readdirSync(source, { recursive: true })) {
    const path = join(source, String(entry));
    if (!/\.tsx?$/.test(path)) continue;
    // What a test has a browser run is a test too.
    const isTest = /\.(test|browser)\.tsx?$/.test(path);
    const problem = (specifier, text) => problems.push(`${relative(root, path)}: '${specifier}' ${text}`);
    for (const { fileName: specifier } of ts.preProcessFile(readFileSync(path, 'utf8'), true, true).importedFiles) {
      if (specifier.startsWith('.')) {
        if (!resolve(dirname(path), specifier).startsWith(source + sep)) problem(specifier, 'leaves the package');
        continue;
      }
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
      const target = byName.get(name);
      if (target === undefined || name === manifest.name) continue;
      const entryPoint = `.${specifier.slice(name.length)}`;
      if (!Object.hasOwn(target.manifest.exports ?? {}, entryPoint))
        problem(specifier, 'is no public entry of that package');
      const free = isTest && (target.layer === 'backend' || target.layer === 'testing');
      if (!free && !allowed[layer].includes(target.layer)) {
        problem(specifier, `is ${target.layer}, which ${layer} code may not import`);
      }
      if (!Object.hasOwn(isTest ? inTests : shipped, name)) {
        problem(specifier, `is not among the ${isTest ? '' : 'non-development '}dependencies`);
      }
    }
  }
}

/** Depth first through the dependencies inside the workspace; a package met again on the way down closes a circle. */
const walk = (name, way) => {
  if (way.includes(name)) {
    problems.push(`circular: ${[...way.slice(way.indexOf(name)), name].join(' -> ')}`);
    return;
  }
  if (finished.has(name)) return;
  const manifest = byName.get(name)?.manifest ?? {};
  const next = Object.keys({
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.devDependencies,
    ...manifest.peerDependencies,
  });
  for (const each of next.filter((dependency) => byName.has(dependency))) walk(each, [...way, name]);
  finished.add(name);
};
const finished = new Set();
for (const name of byName.keys()) walk(name, []);

for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
