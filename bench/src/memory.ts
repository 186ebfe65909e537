/**
 * How much memory a fit of a recording takes that is larger than half of it: `node bench/dist/memory.js [--units 2000]
 * [--frames 50000] [--backend wasm] [--estimator convex|quick|full] [--steps 3] [--threads N]` writes a float64 npy of that
 * size to the temporary folder, fits it in mixed precision as it is read, in a process of its own, and prints the peak of
 * that process. Convex fits take so many steps; the others are the calibrated estimator by that effort, with the choice
 * between rounds and ridge where it is quick.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { physicalCores } from '@drnn/backend-wasm';
import { estimate } from '@drnn/estimators';
import { crossEntropy, transfers } from '@drnn/objectives';
import { npyRows } from '@drnn/recordings';
import { streamTransitions, type TransitionSource } from '@drnn/simulator';
import { accelerate, anderson, maxSteps, problem, run, sharedNewton, withStopping, withTrace } from '@drnn/solvers';
import type { Backend } from '@drnn/tensor';
import { type Effort, isEffort, pilots } from './pilots.js';
import { isBackendName, openBackend } from './speed/backends.js';

const { values } = parseArgs({
  options: {
    units: { type: 'string', default: '2000' },
    frames: { type: 'string', default: '50000' },
    steps: { type: 'string', default: '3' },
    backend: { type: 'string', default: 'wasm' },
    estimator: { type: 'string', default: 'convex' },
    threads: { type: 'string' },
    file: { type: 'string' },
  },
});
const [units, frames, steps] = [Number(values.units), Number(values.frames), Number(values.steps)];
const { backend: name, estimator } = values;
const sizes = [units, frames, steps, Number(values.threads ?? 1)];
if (
  !sizes.every((size) => Number.isInteger(size) && size >= 1) ||
  !isBackendName(name) ||
  !(estimator === 'convex' || isEffort(estimator))
) {
  throw new Error(
    `saw ${process.argv.slice(2).join(' ')}, expected whole numbers, a backend by name, and an estimator of convex, quick, full`,
  );
}

/** The header of an npy file of float64 [rows, columns], version 1. */
const npyHeader = (rows: number, columns: number): Buffer => {
  const text = `{'descr': '<f8', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0, 0]);
  head.writeUInt16LE(padded.length, 8);
  return Buffer.concat([head, Buffer.from(padded, 'latin1')]);
};

/** Noise that is slow and stays within +-0.9: its dynamics do not matter here, only its size. */
const write = (path: string): void => {
  const file = openSync(path, 'w');
  writeSync(file, npyHeader(frames, units));
  const state = new Float64Array(units);
  const rows = 500;
  const block = new Float64Array(rows * units);
  let seed = 1;
  for (let start = 0; start < frames; start += rows) {
    const count = Math.min(rows, frames - start);
    for (let t = 0; t < count; t++) {
      for (let j = 0; j < units; j++) {
        seed = (seed * 48271) % 2147483647;
        state[j] = 0.7 * state[j]! + 0.27 * (seed / 1073741823.5 - 1);
        block[t * units + j] = state[j]!;
      }
    }
    writeSync(file, new Uint8Array(block.buffer, 0, 8 * count * units));
  }
  closeSync(file);
};

const convex = async (on: Backend, recording: TransitionSource, seconds: () => string): Promise<void> => {
  const task = await problem(on, recording, crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-5 }));
  console.log(`rows on the backend: ${(on.memory().bytes / 2 ** 20).toFixed(0)} MiB, after ${seconds()}`);
  const show = withTrace(({ step, residual }) =>
    console.log(`step ${step}: residual ${residual.toExponential(2)}, ${seconds()}`),
  );
  const solution = await run(show(withStopping(maxSteps(steps))(accelerate(anderson(5))(sharedNewton))), task);
  console.log(`${solution.status} after ${solution.steps} steps, ${seconds()}, ${on.threads} threads`);
};

const calibrated = async (
  on: Backend,
  recording: TransitionSource,
  effort: Effort,
  seconds: () => string,
): Promise<void> => {
  const { winner, rounds } = await estimate(on, recording, {
    transfer: transfers.tanh,
    constraints: { zeroDiagonal: true },
    bias: true,
    effort,
    ...(effort === 'full' ? { choosing: 'none' } : {}),
    pilot: { clip: 0.2, ridge: 1e-5, ...pilots[effort], acceleration: anderson(5) },
    onProgress: ({ stage }) => console.log(`${stage}, ${seconds()}`),
  });
  console.log(`${winner} after ${rounds.length} rounds, ${seconds()}, ${on.threads} threads`);
};

const fit = async (path: string): Promise<void> => {
  const began = performance.now();
  const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(1)} s`;
  const on = await openBackend(name, 'mixed', Number(values.threads ?? physicalCores()));
  const recording = streamTransitions({ rates: await npyRows(path), alpha: 0.3 });
  await (estimator === 'convex' ? convex(on, recording, seconds) : calibrated(on, recording, estimator, seconds));
  console.log(`peak of the process: ${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB`);
  await on.close();
};

if (values.file === undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'drnn-memory-'));
  try {
    const path = join(folder, 'rates.npy');
    write(path);
    console.log(`N=${units}, T=${frames}: ${(statSync(path).size / 2 ** 20).toFixed(0)} MiB of float64`);
    const { status } = spawnSync(
      process.execPath,
      [fileURLToPath(import.meta.url), ...process.argv.slice(2), '--file', path],
      { stdio: 'inherit' },
    );
    process.exitCode = status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
} else {
  await fit(values.file);
}
