/**
 * One fit in a fresh process, then the same again: `fit-once.js TASK`, a JSON of `FitTask`. Nothing of ours is imported
 * before the clock starts, so that the first time holds loading and compiling.
 */
import { readFileSync } from 'node:fs';
import type { Precision } from '@drnn/tensor';
import { type BackendName, openBackend } from './backends.js';

export interface FitTask {
  readonly backend: BackendName;
  readonly precision: Precision;
  readonly threads: number;
  readonly units: number;
  readonly steps: number;
  readonly trials: number;
  readonly alpha: number;
  readonly file: string;
  /** Where the solver may stop, in residual and error of Theta. */
  readonly tolerance: number;
  readonly maxSteps: number;
  /** How often, the first time included. */
  readonly times: number;
}

/** Milliseconds, and what came of it. */
export interface FitTimes {
  /** Until the modules are loaded and the backend is there, which the first of `runs` includes. */
  readonly imports: number;
  readonly runs: readonly number[];
  /** Of the first of `runs` in time of the processor, which other programs do not lengthen so much. */
  readonly processor: number;
  /** From the start of the process to the first solution. */
  readonly process: number;
  readonly status: string;
  readonly solverSteps: number;
  readonly residual: number;
  readonly thetaErrorBound: number;
}

const task: FitTask = JSON.parse(process.argv[2] ?? '{}');
const frames = task.steps + task.trials;
const bytes = readFileSync(task.file);
const numbers = new Float64Array(frames * task.units);
new Uint8Array(numbers.buffer).set(bytes.subarray(0, numbers.byteLength));
const trials = Int32Array.from({ length: frames }, (_, t) => Math.floor((t * task.trials) / frames));
const recording = {
  rates: { rows: frames, columns: task.units, data: numbers },
  alpha: task.alpha,
  trials,
};

const once = async () => {
  const began = performance.now();
  const spentBefore = process.cpuUsage();
  const [{ crossEntropy }, solvers] = await Promise.all([import('@drnn/objectives'), import('@drnn/solvers')]);
  const { accelerate, anderson, firstOf, maxSteps, problem, run, sharedNewton, tolerance, withStopping } = solvers;
  const on = await openBackend(task.backend, task.precision, task.threads);
  const imports = performance.now() - began;
  const objective = crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-5 });
  const fit = await problem(on, recording, objective);
  const stopping = firstOf(tolerance(task.tolerance), maxSteps(task.maxSteps));
  const solution = await run(withStopping(stopping)(accelerate(anderson(5))(sharedNewton)), fit);
  const milliseconds = performance.now() - began;
  const { user, system } = process.cpuUsage(spentBefore);
  await on.close();
  return { imports, milliseconds, processor: (user + system) / 1000, solution };
};

const first = await once();
const sinceStart = performance.now();
const runs = [first.milliseconds];
while (runs.length < task.times) runs.push((await once()).milliseconds);
const { status, steps, residual, thetaErrorBound } = first.solution;
const times: FitTimes = {
  imports: first.imports,
  runs,
  processor: first.processor,
  process: sinceStart,
  status,
  solverSteps: steps,
  residual,
  thetaErrorBound,
};
process.stdout.write(`${JSON.stringify(times)}\n`);
process.exit();
