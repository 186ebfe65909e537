/**
 * The cost model behind the choice between exact Newton steps and conjugate gradients in a calibrated round
 * (`exactUpTo` of `solve-round.ts`): `node bench/dist/steps.js [--units 100,200,300,400,600,800] [--ratio 15]
 * [--backends blas,wasm] [--threads N] [--repeats 3]`. At T = ratio x units of a random chaotic network, the
 * step that the second round begins with is taken both ways, until no unit has more than .01 P of its decrement left: a
 * tenth of a standard error. Both times hold what both share, a pass that freezes the round and the factor of X'X.
 * Shortest of the repeats, in turns; the machine should do nothing else. Where the times cross is interpolated in the
 * logarithms. The full sizes take a quarter of an hour or more.
 */
import { parseArgs } from 'node:util';
import { physicalCores } from '@drnn/backend-wasm';
import {
  calibratedLoss,
  calibratedRounds,
  cheaperStep,
  pilot,
  releaseTask,
  residualNoise,
  ridgeOf,
  roughRound,
  roundTask,
  sampleRows,
  solveRound,
  type StepMethod,
} from '@drnn/estimators';
import { transfers } from '@drnn/objectives';
import { cornnRecording, sourceOfRecording } from '@drnn/simulator';
import { type BackendName, isBackendName, openBackend } from './speed/backends.js';
import { busyPart, load, machineLines } from './speed/processors.js';
import { percent, tableLines } from './speed/table.js';

const { values } = parseArgs({
  options: {
    units: { type: 'string', default: '100,200,300,400,600,800' },
    ratio: { type: 'string', default: '15' },
    backends: { type: 'string', default: 'blas,wasm' },
    threads: { type: 'string', default: `${physicalCores()}` },
    repeats: { type: 'string', default: '3' },
  },
});
const sizes = values.units.split(',').map(Number);
const [ratio, threads, repeats] = [Number(values.ratio), Number(values.threads), Number(values.repeats)];
const backends = values.backends.split(',').filter(isBackendName);
if (![...sizes, threads, repeats].every((size) => Number.isInteger(size) && size >= 1) || !(ratio > 1)) {
  throw new Error('expected whole numbers of units, threads and repeats, and a ratio above 1');
}

/** All units to a tenth of a standard error, by one Newton step; conjugate gradients with groups, as the rounds have it. */
const rule = { perUnit: 0.01, products: 1000, newtonSteps: 1, grouped: true } as const;
const methods: readonly StepMethod[] = ['exact', 'conjugate-gradients'];

interface Timed {
  readonly units: number;
  readonly exact: number;
  readonly gradients: number;
  readonly products: number;
  readonly worst: number;
}

const timed = async (name: BackendName, units: number): Promise<Timed> => {
  const { rates } = cornnRecording({ units, frames: Math.round(ratio * units) + 1 });
  const source = sourceOfRecording({ rates, alpha: 0.1 });
  const on = await openBackend(name, 'mixed', threads);
  try {
    const task = await roundTask(on, [source], {
      transfer: transfers.tanh,
      constraints: { zeroDiagonal: true },
      bias: true,
    });
    const sample = await sampleRows(source, true);
    const begun = await pilot(task, { clip: 0.2, ridge: 1e-5, tolerance: 1e-4, maxSteps: 8 });
    const { theta, rounds } = await calibratedRounds(task, sample, begun.theta, { rules: [roughRound] });
    const { levels } = residualNoise(task, sample, theta);
    const loss = calibratedLoss(task.transfer, levels, 1, false);
    const ridge = ridgeOf(rounds[0]?.shrinkage ?? { W: 1, Win: 1 }, task.shape);
    const best = { exact: Infinity, 'conjugate-gradients': Infinity };
    let [products, worst] = [0, 0];
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const method of methods) {
        const began = performance.now();
        const result = await solveRound(task, theta, { loss, ridge, rule: { ...rule, method } });
        best[method] = Math.min(best[method], (performance.now() - began) / 1000);
        if (method === 'exact') continue;
        products = result.products;
        worst = result.remaining.worst;
      }
    }
    releaseTask(task);
    return { units, exact: best.exact, gradients: best['conjugate-gradients'], products, worst };
  } finally {
    await on.close();
  }
};

/** Predictors at which both take as long, where the sizes lie on both sides of it. */
const crossingOf = (all: readonly Timed[]): string => {
  const logs = all.map(({ units, exact, gradients }) => ({ x: Math.log(units + 1), y: Math.log(exact / gradients) }));
  for (const [k, right] of logs.entries()) {
    const left = logs[k - 1];
    if (left === undefined || left.y > 0 || right.y <= 0) continue;
    return `${Math.exp(left.x + ((right.x - left.x) * left.y) / (left.y - right.y)).toFixed(0)} predictors`;
  }
  const ahead = logs.every(({ y }) => y <= 0) ? 'exact is cheaper at all' : 'conjugate gradients are cheaper at all';
  return `not within these sizes: ${ahead}`;
};

for (const line of machineLines()) console.log(line);
const busy = await busyPart(1000);
console.log(`load ${load()}, ${percent(busy)} of the processors busy before${busy > 0.1 ? ': times mean little' : ''}`);
for (const name of backends) {
  const all: Timed[] = [];
  for (const units of sizes.toSorted((a, b) => a - b)) all.push(await timed(name, units));
  console.log(`\n${name}, mixed, ${threads} threads, T = ${ratio} N`);
  const rows = all.map(({ units, exact, gradients, products, worst }) => [
    `${units}`,
    exact.toFixed(3),
    gradients.toFixed(3),
    `${products}`,
    worst.toExponential(1),
    (exact / gradients).toFixed(2),
    cheaperStep(units + 1, 'grouped'),
  ]);
  const header = ['units', 'exact s', 'CG s', 'products', 'worst left / P', 'exact / CG', 'drnn takes'];
  for (const line of tableLines(header, rows)) console.log(line);
  console.log(`equal at: ${crossingOf(all)}`);
}
