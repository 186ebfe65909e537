/**
 * How long our fits take to the weights that the authors' iteration reaches, against that iteration in NumPy, and against
 * Adam: `node bench/dist/time-to-accuracy.js --help`. Times are by the wall clock; figures are medians.
 */
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { capability } from '@drnn/testing';
import { busyPart, load, machineLines } from './speed/processors.js';
import { type Chase, chaseLines, runChase } from './time-to-accuracy/against-adam.js';
import { endOf, introduce, type Race, raceLines, runRace } from './time-to-accuracy/against-numpy.js';
import { adamLearners, candidatesFor } from './time-to-accuracy/learners.js';
import { help, optionsOf } from './time-to-accuracy/options.js';

/** Of the processors: more than this, and the figures are not those of an idle machine. */
const tolerated = 0.05;

const options = optionsOf(process.argv.slice(2));
if (options === 'help') {
  console.log(help);
  process.exit();
}
if ('issues' in options) {
  for (const issue of options.issues) console.error(issue);
  process.exit(2);
}
const python = options.python ?? capability('numpy').command;
if (python === null) {
  console.error(`NumPy: ${capability('numpy').reason}; ${capability('numpy').install}`);
  process.exit(2);
}

const began = performance.now();
const tell = (what: string): void => {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\u001b[K${((performance.now() - began) / 1000).toFixed(0)} s: ${what}`);
};
const print = (lines: readonly string[]): void => {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  console.log(lines.join('\n'));
};

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
// Workarounds for older libraries, which hold newer ones back: no side has them.
delete process.env['OPENBLAS_CORETYPE'];
delete process.env['OPENBLAS_L2_SIZE'];

const before = { load: load(), busy: await busyPart(1000) };
print([
  ...machineLines(),
  `before: load ${before.load}; others use ${(100 * before.busy).toFixed(0)}% of the processors`,
  `ours in ${options.precision} precision, ${options.threads} threads each, ${options.repeats} runs, ${options.networks} networks`,
]);

const candidates = candidatesFor(options.learners, options);

// A small race first: it says which library NumPy has, and warms the engine.
const small = { units: 60, transitions: 1000 };
tell('a small race');
const { says, library } = await introduce(small, python);
// The same library for both, unless the user names another one.
if (library !== null) process.env['DRNN_BLAS'] ??= library;
const named = process.env['DRNN_BLAS'];
// Results are kept and shared: no folders of this machine in them.
const numpy = library === null ? says : says.replace(library, basename(library));
const blas = named === undefined ? "the system's" : named === library ? "NumPy's" : basename(named);
await runRace(small, 1, candidates, python, { ...options, repeats: 1 }, tell);
print([`NumPy: ${numpy}`, `blas: the library is ${blas}`, '']);

const races: Race[] = [];
const chases: Chase[] = [];
let disturbance = before.busy;
const look = async (): Promise<void> => {
  disturbance = Math.max(disturbance, await busyPart(500));
};
const seeds = Array.from({ length: options.networks }, (_, k) => k + 1);
for (const size of options.sizes) {
  const found: Race[] = [];
  for (const seed of seeds) {
    found.push(await runRace(size, seed, candidates, python, options, tell));
    await look();
  }
  print(raceLines(found, options));
  races.push(...found);
}
if (options.adam > 0 && adamLearners().length === 0) print(['Adam: the solvers have none here', '']);
else if (options.adam > 0) {
  for (const { contenders, ...size } of races) {
    for (const backend of options.backends) {
      const ours = contenders.findLast((contender) => contender.backend === backend);
      if (ours === undefined) continue;
      const standing = { learner: ours.learner, end: endOf(ours) };
      const found = await runChase(size, size.seed, backend, standing, adamLearners(), options, tell);
      chases.push(found);
      print(chaseLines([found]));
      await look();
    }
  }
}

print([
  `after: load ${load()} (this bench included); others used at most ${(100 * disturbance).toFixed(0)}% of the processors`,
  ...(disturbance > tolerated ? ['WARNING: the machine was not idle; these figures are not to be relied on'] : []),
]);
if (options.json !== null) {
  const { json, python: _, ...settings } = options;
  const found = { machine: machineLines(), options: settings, numpy, blas, before, disturbance, races, chases };
  writeFileSync(json, `${JSON.stringify(found, null, 1)}\n`);
}
process.exit();
