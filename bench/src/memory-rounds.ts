/**
 * What `--memory recompute` saves and costs: `node bench/dist/memory-rounds.js [units] [steps] [backend] [method]`, by
 * default 500 units, 15 transitions a unit, blas, and the method that a round would choose (`exact` or
 * `conjugate-gradients`). The pilot and the rounds of `--effort full` without the contest on a random chaotic network,
 * once with the arrays of a round kept and once with them made again, each in a process of its own, in turns. Bytes on
 * the backend are looked at after every pass and every Gram matrix.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { physicalCores } from '@drnn/backend-wasm';
import {
  calibratedRounds,
  lastRound,
  type Memory,
  middleRound,
  pilot,
  releaseTask,
  roughRound,
  roundTask,
  sampleRows,
} from '@drnn/estimators';
import { transfers } from '@drnn/objectives';
import { cornnRecording, sourceOfRecording } from '@drnn/simulator';
import type { Backend } from '@drnn/tensor';
import { backendNames, isBackendName, openBackend } from './speed/backends.js';
import { load, machineLines } from './speed/processors.js';
import { tableLines } from './speed/table.js';

const [unitsText = '500', stepsText, backend = 'blas', method = '', child, path] = process.argv.slice(2);
const units = Number(unitsText);
const steps = stepsText === undefined ? 15 * units : Number(stepsText);
const methods = ['exact', 'conjugate-gradients'] as const;
if (!(Number.isInteger(units) && units >= 2 && Number.isInteger(steps) && steps >= 2 && isBackendName(backend))) {
  throw new Error(
    `saw ${process.argv.slice(2).join(' ')}, expected units, steps and one of ${backendNames.join(', ')}`,
  );
}
const named = methods.find((each) => each === method);
const way = named === undefined ? {} : { method: named };

interface Measured {
  readonly memory: Memory;
  /** X, targets: what both hold. */
  readonly rowBytes: number;
  readonly mostBytes: number;
  /** Resident bytes of the process, when the rounds began and at most. */
  readonly began: number;
  readonly most: number;
  readonly pilotSeconds: number;
  readonly roundSeconds: number;
  readonly products: number;
  readonly method: string;
}

const measure = async (memory: Memory, to: string): Promise<Measured> => {
  const { rates } = cornnRecording({ units, frames: steps + 1 });
  const source = sourceOfRecording({ rates, alpha: 0.1 });
  const on = await openBackend(backend, 'mixed', physicalCores());
  let mostBytes = 0;
  const seen = async <Result>(result: Promise<Result>): Promise<Result> => {
    const found = await result;
    mostBytes = Math.max(mostBytes, on.memory().bytes);
    return found;
  };
  const watched: Backend = { ...on, pass: (...a) => seen(on.pass(...a)), gramEach: (...a) => seen(on.gramEach(...a)) };
  const task = await roundTask(watched, [source], {
    transfer: transfers.tanh,
    constraints: { zeroDiagonal: true },
    bias: true,
    memory,
  });
  const rowBytes = on.memory().bytes;
  const sample = await sampleRows(source, true);
  const seconds = (since: number): number => (performance.now() - since) / 1000;
  const pilotBegan = performance.now();
  const begun = await pilot(task, { clip: 0.2, ridge: 1e-5, tolerance: 1e-4, maxSteps: 8 });
  const pilotSeconds = seconds(pilotBegan);
  const began = process.memoryUsage.rss();
  const roundsBegan = performance.now();
  const { theta, rounds } = await calibratedRounds(task, sample, begun.theta, {
    rules: [roughRound, middleRound, lastRound].map((rule) => ({ ...rule, ...way })),
  });
  const roundSeconds = seconds(roundsBegan);
  releaseTask(task);
  await on.close();
  writeFileSync(to, theta.data);
  return {
    memory,
    rowBytes,
    mostBytes,
    began,
    most: 1024 * process.resourceUsage().maxRSS,
    pilotSeconds,
    roundSeconds,
    products: rounds.reduce((total, round) => total + round.products, 0),
    method: rounds.at(-1)?.method ?? 'none',
  };
};

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

const compare = (): void => {
  const folder = mkdtempSync(join(tmpdir(), 'drnn-memory-rounds-'));
  try {
    const runs = (['keep', 'recompute'] as const).map((memory) => {
      const to = join(folder, memory);
      const { status, stdout } = spawnSync(
        process.execPath,
        [fileURLToPath(import.meta.url), String(units), String(steps), backend, named ?? '-', memory, to],
        { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' },
      );
      if (status !== 0) throw new Error(`the run with ${memory} ended with ${status}`);
      const measured: Measured = JSON.parse(stdout);
      return { measured, theta: new Float64Array(new Uint8Array(readFileSync(to)).buffer) };
    });
    const [kept, made] = runs;
    if (kept === undefined || made === undefined) return;
    const array = 4 * units * steps;
    const lines = tableLines(
      ['memory', 'on the backend', 'arrays', 'process, rounds begin', 'at most', 'pilot s', 'rounds s', 'products'],
      runs.map(({ measured: m }) => [
        m.memory,
        mebibytes(m.mostBytes),
        ((m.mostBytes - m.rowBytes) / array).toFixed(2),
        mebibytes(m.began),
        mebibytes(m.most),
        m.pilotSeconds.toFixed(2),
        m.roundSeconds.toFixed(2),
        m.products.toFixed(0),
      ]),
    );
    for (const line of machineLines()) console.log(line);
    console.log(`${units} units, ${steps} transitions, ${backend}, mixed, ${physicalCores()} threads, load ${load()}`);
    console.log(`${kept.measured.method}; an array [time, unit] is ${mebibytes(array)}, X and targets are two`);
    for (const line of lines) console.log(line);
    const ratio = made.measured.roundSeconds / kept.measured.roundSeconds;
    const largest = kept.theta.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const apart = kept.theta.reduce((most, x, i) => Math.max(most, Math.abs(x - (made.theta[i] ?? Infinity))), 0);
    console.log(
      `rounds: ${ratio.toFixed(2)} times as long; largest difference of a weight ${(apart / largest).toExponential(1)} of the largest`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

if (child === undefined || path === undefined) compare();
else console.log(JSON.stringify(await measure(child === 'recompute' ? 'recompute' : 'keep', path)));
