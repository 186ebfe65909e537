/**
 * How often 95% intervals hold the true weight, pooled over off-diagonal weights of several networks, by exact and by
 * shared standard errors, and what the check of held-out residuals says: under Gaussian noise, and under noise that the
 * model does not know. `node bench/dist/coverage.js [--units 100] [--per-unit 10] [--networks 5] [--backend blas]
 * [--estimator informed]`; as
 * many transitions are held out as are fitted, `per-unit` times the number of units.
 *
 * `--estimator calibrated` (default) is the estimator of `fit`, its rounds taken on trust, noise and prior estimated from
 * the data. `informed` is one calibrated round with weights and trims frozen at the true residuals, noise levels
 * estimated from them, and the true prior: the best estimate there is, so that what is measured is the intervals alone.
 */
import { parseArgs } from 'node:util';
import {
  calibrationCheck,
  estimate,
  intervals,
  type Posterior,
  standardErrors,
  withRoundPosterior,
} from '@drnn/estimators';
import { crossEntropy, transfers } from '@drnn/objectives';
import {
  type Noise,
  randomNetwork,
  simulate,
  sourceOfTransitions,
  splitTransitions,
  type Transitions,
  transitions,
} from '@drnn/simulator';
import { maxSteps, newton, problem, run, withStopping } from '@drnn/solvers';
import { type Backend, matrix, type Matrix } from '@drnn/tensor';

const { values } = parseArgs({
  options: {
    units: { type: 'string', default: '100' },
    'per-unit': { type: 'string', default: '10' },
    networks: { type: 'string', default: '5' },
    backend: { type: 'string', default: 'blas' },
    estimator: { type: 'string', default: 'calibrated' },
  },
});
if (!['calibrated', 'informed'].includes(values.estimator)) {
  throw new Error(`--estimator: saw ${values.estimator}; expected calibrated or informed`);
}
const [units, networks] = [Number(values.units), Number(values.networks)];
const fitted = Number(values['per-unit']) * units;

const open = async (): Promise<Backend> => {
  const precision = 'float64';
  if (values.backend === 'cpu') return (await import('@drnn/backend-cpu')).backend({ precision });
  if (values.backend === 'wasm') return (await import('@drnn/backend-wasm')).backend({ precision });
  return (await import('@drnn/backend-blas')).backend({ precision });
};

interface Setting {
  readonly name: string;
  readonly input: Noise;
  readonly output: Noise;
  readonly trustworthy: boolean;
}

const gaussian = (size: number): Noise => ({ kind: 'gaussian', size });
const settings: readonly Setting[] = [
  { name: 'Gaussian .01 / .0001', input: gaussian(1e-2), output: gaussian(1e-4), trustworthy: true },
  { name: 'Gaussian .01 / .01', input: gaussian(1e-2), output: gaussian(1e-2), trustworthy: true },
  { name: 'Gaussian .1 / .00001', input: gaussian(1e-1), output: gaussian(1e-5), trustworthy: true },
  {
    name: 'Laplace .01 / .001',
    input: { kind: 'laplace', size: 1e-2 },
    output: { kind: 'laplace', size: 1e-3 },
    trustworthy: false,
  },
  {
    name: 'Poisson .01 / .1',
    input: { kind: 'poisson', size: 1e-2 },
    output: { kind: 'poisson', size: 0.1 },
    trustworthy: false,
  },
  {
    name: 'Gaussian .01, Poisson .001',
    input: gaussian(1e-2),
    output: { kind: 'poisson', size: 1e-3 },
    trustworthy: false,
  },
  {
    name: 'Gaussian .05, 3 steps wide',
    input: { ...gaussian(0.05), correlation: { time: 3 } },
    output: gaussian(1e-3),
    trustworthy: false,
  },
];

/** s_in from the tenth of the samples with the largest q = 1 - mu^2, s_out from that with the smallest, by medians. */
const noiseLevels = (mu: Float64Array, targets: Float64Array): { readonly input: number; readonly output: number } => {
  const order = Array.from(mu.keys()).sort((a, b) => Math.abs(mu[b]!) - Math.abs(mu[a]!));
  const tenth = Math.floor(order.length / 10);
  const level = (chosen: readonly number[], scale: (q: number) => number): number => {
    const sizes = Float64Array.from(chosen, (i) => Math.abs(targets[i]! - mu[i]!) / scale(1 - mu[i]! ** 2)).sort();
    return 1.4826 * sizes[sizes.length >> 1]!;
  };
  return {
    input: Math.max(
      1e-4,
      level(order.slice(-tenth), (q) => q),
    ),
    output: Math.max(
      1e-5,
      level(order.slice(0, tenth), () => 1),
    ),
  };
};

const coveredBy = (theta: Matrix, errors: Matrix, truth: Matrix): number => {
  const { lower, upper } = intervals(theta, errors);
  let covered = 0;
  for (let p = 0; p < units; p++) {
    for (let j = 0; j < units; j++) {
      const i = p * units + j;
      if (p !== j && lower.data[i]! <= truth.data[i]! && truth.data[i]! <= upper.data[i]!) covered++;
    }
  }
  return covered;
};

const on = await open();
const seconds = { exact: 0, shared: 0, check: 0 };

/** An estimate, its noise levels, and its posterior. */
interface Fitted extends Posterior {
  readonly theta: Matrix;
  readonly noise: { readonly input: number; readonly output: number };
}

const withInformed = async <Result>(
  train: Transitions,
  W: Matrix,
  truth: Matrix,
  use: (fitted: Fitted) => Promise<Result>,
): Promise<Result> => {
  const z = on.host.matMul(train.predictors, W, { transposeB: true });
  const mu = z.data.map(Math.tanh);
  const noise = noiseLevels(mu, train.targets.data);
  const weights = matrix(z.rows, units);
  mu.forEach((m, i) => {
    const q = (1 - m) * (1 + m);
    const variance = (noise.input * q) ** 2 + noise.output ** 2;
    weights.data[i] = Math.abs(train.targets.data[i]! - m) < 4 * Math.sqrt(variance) ? q / variance : 0;
  });
  const prior = W.data.reduce((sum, w) => sum + w * w, 0) / units ** 2;
  const objective = crossEntropy({
    weights: { kind: 'explicit', values: weights },
    ridge: 1 / (prior * z.rows),
    targetClip: null,
  });
  const task = await problem(on, train, objective);
  const { theta } = await run(withStopping(maxSteps(4))(newton), task, { start: truth });
  const curvatures = await task.curvatures(theta);
  const posterior = { on, design: task.rows.design, curvatures, ridge: task.ridge, free: task.free };
  const result = await use({ ...posterior, theta, noise });
  curvatures.release();
  task.release();
  return result;
};

const withCalibrated = async <Result>(
  train: Transitions,
  use: (fitted: Fitted) => Promise<Result>,
): Promise<Result> => {
  const source = sourceOfTransitions(train);
  const assumptions = { transfer: transfers.tanh, constraints: { zeroDiagonal: true }, bias: true };
  const { theta, rounds } = await estimate(on, source, {
    ...assumptions,
    effort: 'full',
    choosing: 'none',
    pilot: { ridge: 1e-5, clip: 0.2, tolerance: 1e-4, maxSteps: 8 },
  });
  const round = rounds.at(-1);
  if (round === undefined) throw new Error('an estimate without rounds');
  return withRoundPosterior(on, source, { ...assumptions, theta, round }, (posterior) =>
    use({ ...posterior, theta, noise: round.levels }),
  );
};

const tryNetwork = async (setting: Setting, seed: number) => {
  const { W, initial } = randomNetwork({ units, gain: 3, seed });
  const { rates } = simulate({
    W,
    initial,
    alpha: 0.1,
    steps: 2 * fitted,
    seed,
    inputNoise: setting.input,
    outputNoise: setting.output,
  });
  const { train, heldOut } = splitTransitions(transitions({ rates, alpha: 0.1 }), 0.5);
  const truth = matrix(units + 1, units);
  for (let i = 0; i < units; i++) for (let j = 0; j < units; j++) truth.data[j * units + i] = W.data[i * units + j]!;
  const judge = async ({ theta, noise, ...posterior }: Fitted) => {
    const covered = { exact: 0, shared: 0 };
    let spread = '';
    for (const method of ['exact', 'shared'] as const) {
      const began = performance.now();
      const { errors, check } = await standardErrors({ ...posterior, method });
      seconds[method] += (performance.now() - began) / 1000;
      covered[method] = coveredBy(theta, errors, truth);
      if (check !== null)
        spread = `${check.median.toFixed(2)} [${check.spread.map((end) => end.toFixed(2)).join(', ')}]`;
    }
    const began = performance.now();
    const found = await calibrationCheck({ ...posterior, theta, noise, heldOut });
    seconds.check += (performance.now() - began) / 1000;
    return { covered, spread, found };
  };
  return values.estimator === 'informed' ? withInformed(train, W, truth, judge) : withCalibrated(train, judge);
};

console.log(
  `${networks} networks of ${units} units, ${fitted} transitions fitted and as many held out, gain 3, alpha 0.1; ${values.estimator} estimate; ${on.name}, Node ${process.version}`,
);
console.log(
  'noise inside / outside          exact   shared  ratio exact/shared, after [2.5%, 97.5%]  untrusted  wanted',
);
for (const setting of settings) {
  const total = { exact: 0, shared: 0 };
  const reasons = new Set<string>();
  let [untrusted, spread] = [0, ''];
  for (let seed = 1; seed <= networks; seed++) {
    const result = await tryNetwork(setting, seed);
    total.exact += result.covered.exact;
    total.shared += result.covered.shared;
    spread = result.spread;
    if (!result.found.trustworthy) untrusted++;
    for (const reason of result.found.reasons) reasons.add(`${setting.name} ${seed}: ${reason}`);
  }
  const percent = (covered: number): string => `${((100 * covered) / (networks * units * (units - 1))).toFixed(2)}%`;
  console.log(
    `${setting.name.padEnd(30)} ${percent(total.exact).padStart(7)} ${percent(total.shared).padStart(7)}  ${spread.padEnd(42)} ${`${untrusted} of ${networks}`.padStart(8)}  ${setting.trustworthy ? 0 : networks} of ${networks}`,
  );
  for (const reason of reasons) console.log(`    ${reason}`);
}
console.log(
  `standard errors: exact ${seconds.exact.toFixed(1)} s, shared ${seconds.shared.toFixed(1)} s in all; checks ${seconds.check.toFixed(1)} s`,
);
await on.close();
