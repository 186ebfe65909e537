/**
 * Whether the online fit keeps up, and how near it stays: `node bench/dist/online.js [--units 1000] [--rate 30]
 * [--chunk 30] [--chunks 20] [--before 9000] [--window 10000] [--sweeps 20] [--share 1] [--backend blas] [--threads 1]
 * [--compare 1] [--settle 60] [--clock wall|cpu]`. Frames of a chaotic network come at `rate` a second in chunks, after `before` frames that are there at
 * once; a push may take `share` of the time in which its chunk came. Every `compare` chunks the window is fitted to the
 * end by a batch fit of its own (whose time is not counted), and both are held against the truth. With `--clock cpu` the budget is in
 * seconds of the processor, for a machine whose cores are shared: with one thread, what a core of its own would take.
 */
import { parseArgs } from 'node:util';
import { online } from '@drnn/estimators';
import { crossEntropy } from '@drnn/objectives';
import { randomNetwork, simulate } from '@drnn/simulator';
import {
  accelerate,
  anderson,
  firstOf,
  maxSteps,
  problem,
  run,
  sharedNewton,
  stalled,
  type StopRule,
  withStopping,
} from '@drnn/solvers';
import { type Backend, type Matrix, rowRange } from '@drnn/tensor';

const { values } = parseArgs({
  options: {
    units: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '30' },
    chunk: { type: 'string', default: '30' },
    chunks: { type: 'string', default: '20' },
    before: { type: 'string', default: '9000' },
    window: { type: 'string', default: '10000' },
    sweeps: { type: 'string', default: '20' },
    share: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'blas' },
    threads: { type: 'string', default: '1' },
    compare: { type: 'string', default: '1' },
    settle: { type: 'string', default: '60' },
    clock: { type: 'string', default: 'wall' },
  },
});
const now = (): number => {
  if (values.clock !== 'cpu') return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const number = (name: keyof typeof values): number => Number(values[name]);
const [units, chunk, chunks, before, window] = [
  number('units'),
  number('chunk'),
  number('chunks'),
  number('before'),
  number('window'),
];
const budget = (1000 * number('share') * chunk) / number('rate');
const alpha = 0.1;
const objective = crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-5 });

const open = async (): Promise<Backend> => {
  const options = { precision: 'mixed', threads: number('threads') } as const;
  if (values.backend === 'wasm') return (await import('@drnn/backend-wasm')).backend(options);
  return (await import('@drnn/backend-blas')).backend(options);
};

const frames = before + chunk * chunks;
const { W, initial } = randomNetwork({ units, gain: 3, seed: 1 });
const { rates } = simulate({
  W,
  initial,
  alpha,
  steps: frames,
  seed: 1,
  inputNoise: { kind: 'gaussian', size: 1e-2 },
  outputNoise: { kind: 'gaussian', size: 1e-4 },
});

/** The root mean square of the difference over the standard deviation of the true weights. */
const errorAgainstTruth = (theta: Matrix): number => {
  let [error, size] = [0, 0];
  for (let i = 0; i < units; i++) {
    for (let j = 0; j < units; j++) {
      const w = W.data[i * units + j]!;
      error += (theta.data[j * units + i]! - w) ** 2;
      size += w * w;
    }
  }
  return Math.sqrt(error / size);
};

const difference = (a: Matrix, b: Matrix): number => {
  let [error, size] = [0, 0];
  b.data.forEach((value, i) => {
    error += (a.data[i]! - value) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(error / size);
};

const on = await open();
const nearEnough: StopRule = ({ residual }) => (residual <= 2e-5 ? 'converged' : undefined);
const toTheEnd = withStopping(firstOf(nearEnough, maxSteps(150), stalled()))(accelerate(anderson(5))(sharedNewton));

/** The optimum for the window as it is after frame `last`, by a batch fit. */
const refit = async (last: number, transitions: number, start: Matrix | null): Promise<Matrix> => {
  const task = await problem(on, { rates: rowRange(rates, last - transitions, last + 1), alpha }, objective);
  const solution = await run(toTheEnd, task, start === null ? {} : { start });
  task.release();
  return solution.theta;
};

console.log(
  `${units} units, ${values.rate} frames a second in chunks of ${chunk}, window ${window}; ${values.clock} clock; ${on.name}, ${on.precision}, ${on.threads} threads, Node ${process.version}`,
);
const fit = online(on, { units, alpha }, { objective, window, budget, sweeps: number('sweeps'), now });
let began = now();
for (let from = 0; from < before; from += 1000) await fit.push(rowRange(rates, from, Math.min(before, from + 1000)));
console.log(`${before} frames before: ${((now() - began) / 1000).toFixed(1)} s`);
began = now();
const settled = await fit.refit({ steps: number('settle'), tolerance: 1e-4 });
console.log(
  `refit of them: ${settled.status}, residual ${settled.residual.toExponential(1)}, ${settled.steps} steps, ${((now() - began) / 1000).toFixed(1)} s`,
);
console.log('chunk   ms of budget   sweeps  residual   online-refit   online-truth  refit-truth');
let [most, total, sweeps] = [0, 0, 0];
let full: Matrix | null = null;
for (let k = 0; k < chunks; k++) {
  const from = before + k * chunk;
  const update = await fit.push(rowRange(rates, from, from + chunk));
  most = Math.max(most, update.milliseconds);
  total += update.milliseconds;
  sweeps += update.sweeps;
  let [against, truth] = ['', ''];
  if ((k + 1) % number('compare') === 0) {
    full = await refit(from + chunk - 1, update.transitions, full ?? update.theta);
    against = difference(update.theta, full).toExponential(2);
    truth = errorAgainstTruth(full).toFixed(4);
  }
  console.log(
    `${String(k + 1).padStart(5)} ${update.milliseconds.toFixed(0).padStart(6)} of ${budget.toFixed(0).padEnd(6)} ${String(update.sweeps).padStart(5)}   ${update.residual.toExponential(1)}   ${against.padStart(12)} ${errorAgainstTruth(update.theta).toFixed(4).padStart(14)} ${truth.padStart(12)}`,
  );
}
console.log(
  `longest push ${most.toFixed(0)} ms of ${budget.toFixed(0)}; mean ${(total / chunks).toFixed(0)} ms, ${(sweeps / chunks).toFixed(1)} sweeps: ${most <= budget ? 'it keeps up' : total <= chunks * budget ? 'it keeps up on average' : 'it falls behind'}`,
);
await fit.close();
await on.close();
