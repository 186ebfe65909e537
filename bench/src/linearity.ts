/**
 * Whether the time of a pass is linear in T: `node bench/dist/linearity.js [--units 100,200]
 * [--ratios 10,15,22,33,50,70,100] [--backends blas,wasm] [--precision mixed] [--threads N] [--repeats 20]
 * [--clock wall|cpu]`. One value and
 * gradient of the convex objective (variance weights, clipped) for all units at T = ratio x units; shortest of the
 * repeats, which go through all lengths in turn, so that a busy moment does not fall on one length. The exponent is the
 * slope of least squares of log time on log T; 1 is linear. With `--clock cpu` and one thread times are those of the
 * processor, for a machine whose cores are shared.
 */
import { parseArgs } from 'node:util';
import { physicalCores } from '@drnn/backend-wasm';
import { crossEntropy } from '@drnn/objectives';
import { cornnRecording, restrict, sourceOfRecording } from '@drnn/simulator';
import { problem } from '@drnn/solvers';
import { isBackendName, openBackend } from './speed/backends.js';
import { busyPart, load, machineLines } from './speed/processors.js';
import { milliseconds, percent, tableLines } from './speed/table.js';

const { values } = parseArgs({
  options: {
    units: { type: 'string', default: '100,200' },
    ratios: { type: 'string', default: '10,15,22,33,50,70,100' },
    backends: { type: 'string', default: 'blas,wasm' },
    precision: { type: 'string', default: 'mixed' },
    threads: { type: 'string', default: `${physicalCores()}` },
    repeats: { type: 'string', default: '20' },
    clock: { type: 'string', default: 'wall' },
  },
});
const numbers = (text: string): readonly number[] => text.split(',').map(Number);
const [sizes, ratios, backends] = [
  numbers(values.units),
  numbers(values.ratios),
  values.backends.split(',').filter(isBackendName),
];
const [threads, repeats] = [Number(values.threads), Number(values.repeats)];
const precision = values.precision === 'float64' ? 'float64' : 'mixed';
if (![...sizes, threads, repeats].every((size) => Number.isInteger(size) && size >= 1) || ratios.length < 2) {
  throw new Error('expected whole numbers of units, threads and repeats, and at least two ratios');
}

const now = (): number => {
  if (values.clock !== 'cpu') return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** The slope of least squares of log y on log x. */
const exponentOf = (x: readonly number[], y: readonly number[]): number => {
  const mean = (of: readonly number[]): number => of.reduce((sum, each) => sum + Math.log(each), 0) / of.length;
  const [mx, my] = [mean(x), mean(y)];
  let [xy, xx] = [0, 0];
  for (const [k, each] of x.entries()) {
    xy += (Math.log(each) - mx) * (Math.log(y[k] ?? Number.NaN) - my);
    xx += (Math.log(each) - mx) ** 2;
  }
  return xy / xx;
};

for (const line of machineLines()) console.log(line);
const busy = await busyPart(1000);
console.log(`load ${load()}, ${percent(busy)} of the processors busy before${busy > 0.1 ? ': times mean little' : ''}`);
for (const units of sizes) {
  const lengths = ratios.map((ratio) => Math.round(ratio * units));
  const { rates } = cornnRecording({ units, frames: Math.max(...lengths) + 1 });
  const source = sourceOfRecording({ rates, alpha: 0.1 });
  for (const name of backends) {
    const on = await openBackend(name, precision, threads);
    const objective = crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-5 });
    const tasks = [];
    for (const to of lengths) tasks.push(await problem(on, restrict(source, [{ from: 0, to }]), objective));
    const theta = await tasks[0]?.start();
    if (theta === undefined) break;
    const best = lengths.map(() => Infinity);
    // The first two rounds warm up.
    for (let repeat = -2; repeat < repeats; repeat++) {
      for (const [k, task] of tasks.entries()) {
        const began = now();
        await task.evaluate(theta);
        if (repeat >= 0) best[k] = Math.min(best[k] ?? Infinity, now() - began);
      }
    }
    tasks.forEach((task) => task.release());
    await on.close();
    console.log(`\n${units} units, ${name}, ${precision}, ${threads} threads`);
    const rows = lengths.map((length, k) => {
      const time = best[k] ?? Number.NaN;
      return [
        `${length}`,
        milliseconds(time),
        ((1e6 * time) / length).toFixed(0),
        ((4e-6 * length * (units + 1) * units) / time).toFixed(1),
      ];
    });
    for (const line of tableLines(['T', 'ms', 'ns a row', 'GFlop/s'], rows)) console.log(line);
    console.log(`exponent of T: ${exponentOf(lengths, best).toFixed(3)}`);
  }
}
