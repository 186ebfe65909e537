/**
 * How fast the backends are on this machine, beside NumPy and plain TensorFlow.js where they are installed:
 * `node bench/dist/speed.js --help`. Times are by the wall clock; everyone has a process of its own, and takes turns
 * with the others at each operation, so that whatever else the machine does meets all alike. Figures are medians.
 */
import { writeFileSync } from 'node:fs';
import { contest, type Contest } from './speed/contest.js';
import { type Duel, duelLines, measureDuels } from './speed/duels.js';
import { engineLines, type EngineFigures, measureEngines } from './speed/engines.js';
import { type Fit, type FixedCost, fitLines, fixedCosts, fixedLines, wholeFits } from './speed/fits.js';
import { operationTables } from './speed/operation-tables.js';
import { operationsFor } from './speed/operations.js';
import { help, optionsOf } from './speed/options.js';
import { busyPart, load, machineLines } from './speed/processors.js';
import type { Pace } from './speed/race.js';
import { openShelf } from './speed/shelf.js';
import { percent } from './speed/table.js';
import { pause } from './speed/timing.js';
import { targetLines, targetsOf } from './speed/targets.js';

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

const began = performance.now();
const tell = (what: string): void => {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\u001b[K${((performance.now() - began) / 1000).toFixed(0)} s: ${what}`);
};
const print = (lines: readonly string[]): void => {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  console.log(lines.join('\n'));
};

const { parts, quick, all } = options;
const pace: Pace = quick
  ? { rounds: 3, turn: 20, warm: 20, enough: 200, longest: 400 }
  : { rounds: 7, turn: 40, warm: 60, enough: 2000, longest: all ? 60_000 : 3000 };
const shelf = openShelf();

const before = { load: load(), busy: await busyPart(1000) };
print([
  ...machineLines(),
  `before: load ${before.load}; others use ${percent(before.busy)} of the processors`,
  ...(quick ? ['--quick: small sizes and few runs, for a look only'] : []),
  '',
]);

/** The largest part of the processors that others used between the parts. */
let between = 0;
const look = async (): Promise<void> => {
  await pause(200);
  between = Math.max(between, await busyPart(300));
};

const contests: Contest[] = [];
if (parts.has('operations') || parts.has('peers')) {
  for (const precision of options.precisions) {
    const found = await contest(precision, options, shelf, pace, tell);
    contests.push(found);
    print([
      `${precision}: who takes part`,
      ...found.notes.map((note) => `  ${note}`),
      '',
      ...operationTables(operationsFor(quick), found.measurements, precision, found.peaks),
    ]);
  }
}
let duels: readonly Duel[] = [];
if (parts.has('duels')) {
  const found = await measureDuels(options, shelf, pace, tell);
  duels = found.duels;
  await look();
  print(duelLines(duels, found.notes));
}
const fits: readonly Fit[] = parts.has('fits') ? await wholeFits(options, shelf, tell) : [];
if (fits.length > 0) {
  await look();
  print(fitLines(fits));
}
const costs: readonly FixedCost[] = parts.has('fixed') ? await fixedCosts(options, shelf, tell) : [];
if (costs.length > 0) {
  await look();
  print(fixedLines(costs));
}
let engines: readonly EngineFigures[] = [];
if (parts.has('engines') && options.backends.includes('wasm')) {
  const found = await measureEngines(options, shelf, pace, tell);
  engines = found.engines;
  await look();
  print(engineLines(engines, found.notes, quick));
}

// What was measured more often stands first.
const measurements = [
  ...duels.flatMap(({ over, under }) => [over, under]),
  ...contests.flatMap((each) => each.measurements),
];
const targets = targetsOf(measurements, engines, costs);
if (!quick) print(targetLines(targets));
else print(['what must be reached is judged at full size: leave out --quick', '']);
const disturbance = Math.max(before.busy, between, ...contests.map((each) => each.disturbance));
const seconds = (performance.now() - began) / 1000;
print([
  `after: load ${load()} (this bench included); others used at most ${percent(disturbance)} of the processors; ${seconds.toFixed(0)} s`,
  ...(disturbance > tolerated ? ['WARNING: the machine was not idle; these figures are not to be relied on'] : []),
]);
if (options.json !== null) {
  const everything = {
    machine: machineLines(),
    options: { ...options, parts: [...parts] },
    before,
    disturbance,
    seconds,
    contests,
    duels,
    fits,
    costs,
    engines,
    targets,
  };
  writeFileSync(options.json, `${JSON.stringify(everything, null, 1)}\n`);
}
process.exit();
