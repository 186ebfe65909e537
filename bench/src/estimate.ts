/**
 * Seconds of the calibrated estimator on one large network: `node bench/dist/estimate.js [--units 2000]
 * [--transitions 20000] [--backends blas] [--efforts quick,full] [--repeats 1] [--threads N] [--precision mixed]
 * [--choice all|quick|none]`. From the recording in memory to the weights: targets, Gram matrix, pilot, rounds and, where
 * it is asked for, the choice between rounds and ridge. Every run has a process and a backend of its own, which is there
 * before the clock starts; a fit by effort quick has its choice by default, one by effort full has none.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { physicalCores } from '@drnn/backend-wasm';
import { estimate } from '@drnn/estimators';
import { transfers } from '@drnn/objectives';
import { cornnRecording, sourceOfRecording } from '@drnn/simulator';
import { anderson } from '@drnn/solvers';
import type { Precision } from '@drnn/tensor';
import { type WeightAccuracy, weightAccuracy } from 'drnn';
import { type Effort, isEffort, pilots } from './pilots.js';
import { type BackendName, isBackendName, openBackend } from './speed/backends.js';
import { busyPart, load, machineLines } from './speed/processors.js';
import { percent, tableLines } from './speed/table.js';
import { median } from './speed/timing.js';

interface Run {
  readonly backend: BackendName;
  readonly effort: Effort;
  readonly chooses: boolean;
  readonly units: number;
  readonly transitions: number;
  readonly precision: Precision;
  readonly threads: number;
}

interface Found extends WeightAccuracy {
  readonly seconds: number;
  readonly winner: string;
  readonly rounds: number;
  /** GiB that the process held at most, the recording and the true weights with it. */
  readonly memory: number;
}

const perform = async ({ backend, effort, chooses, units, precision, threads, ...run }: Run): Promise<Found> => {
  const { W, ...recording } = cornnRecording({ units, frames: run.transitions + 1, seed: 1 });
  const on = await openBackend(backend, precision, threads);
  const began = performance.now();
  const { theta, winner, rounds } = await estimate(on, sourceOfRecording(recording), {
    transfer: transfers.tanh,
    constraints: { zeroDiagonal: true },
    bias: true,
    effort,
    ...(chooses ? {} : { choosing: 'none' }),
    pilot: { clip: 0.2, ridge: 1e-5, ...pilots[effort], acceleration: anderson(5) },
  });
  const seconds = (performance.now() - began) / 1000;
  await on.close();
  const memory = process.resourceUsage().maxRSS / 2 ** 20;
  return { ...weightAccuracy(W)(theta), seconds, winner, rounds: rounds.length, memory };
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      units: { type: 'string', default: '2000' },
      transitions: { type: 'string', default: '20000' },
      backends: { type: 'string', default: 'blas' },
      efforts: { type: 'string', default: 'quick,full' },
      repeats: { type: 'string', default: '1' },
      threads: { type: 'string', default: `${physicalCores()}` },
      precision: { type: 'string', default: 'mixed' },
      choice: { type: 'string', default: 'quick' },
    },
  });
  const size = { units: Number(values.units), transitions: Number(values.transitions) };
  const [threads, repeats] = [Number(values.threads), Number(values.repeats)];
  const [names, backendNames] = [values.efforts.split(','), values.backends.split(',')];
  const [wanted, backends] = [names.filter(isEffort), backendNames.filter(isBackendName)];
  if (
    ![...Object.values(size), threads, repeats].every((each) => Number.isInteger(each) && each >= 1) ||
    wanted.length < names.length ||
    backends.length < backendNames.length ||
    !['all', 'quick', 'none'].includes(values.choice) ||
    !['mixed', 'float64'].includes(values.precision)
  )
    throw new Error(
      `saw ${process.argv.slice(2).join(' ')}, expected whole numbers, backends by name, efforts of quick and full, a choice of all, quick, none, a precision of mixed, float64`,
    );
  const precision = values.precision === 'float64' ? 'float64' : 'mixed';
  for (const line of machineLines()) console.log(line);
  console.log(`before: load ${load()}; others use ${percent(await busyPart(1000))} of the processors`);
  console.log(`N=${size.units} T=${size.transitions}, ${precision}, ${threads} threads`);
  const rows: string[][] = [];
  for (const backend of backends) {
    for (const effort of wanted) {
      const chooses = values.choice === 'all' || values.choice === effort;
      const found: Found[] = [];
      for (let repeat = 0; repeat < repeats; repeat++) {
        const run: Run = { backend, effort, chooses, ...size, precision, threads };
        const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), JSON.stringify(run)], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        if (child.status !== 0) throw new Error(`${effort} on ${backend} ended with ${child.status ?? child.signal}`);
        found.push(JSON.parse(child.stdout));
      }
      const [first] = found;
      if (first === undefined) continue;
      rows.push([
        `  ${effort}, ${chooses ? 'with its choice' : 'no choice'}, on ${backend}`,
        median(found.map(({ seconds }) => seconds)).toFixed(1),
        found.map(({ seconds }) => seconds.toFixed(1)).join(', '),
        first.relativeError.toFixed(4),
        first.correlation.toFixed(5),
        `${first.rounds}`,
        first.winner,
        Math.max(...found.map(({ memory }) => memory)).toFixed(2),
      ]);
    }
  }
  const header = ['', 'seconds', 'runs', 'rel error', 'correlation', 'rounds', 'won', 'GiB'];
  for (const line of tableLines(header, rows)) console.log(line);
  console.log(`after: load ${load()} (this bench included)`);
};

const [first] = process.argv.slice(2);
if (first?.startsWith('{')) console.log(JSON.stringify(await perform(JSON.parse(first))));
else await main();
