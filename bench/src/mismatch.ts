/**
 * Where residuals are not what the estimator takes them for: units or inputs that were not recorded, a wrong alpha, noise
 * on the record. The R2 of the drive on the last fifth of a recording, which nobody saw, of `fit` as it comes (full and
 * quick), of its rounds without the choice, and of the plain ridge with loss and strength by cross-validation on the
 * same rows. `node bench/dist/mismatch.js [--units 200] [--steps 3000] [--networks 5] [--first-seed 1] [--cases ...]
 * [--backend auto] [--scale auto] [--out folder]`.
 *
 * The ridge is cross-validated over four blocks, as the estimator's own, on a grid three times as fine: least squares on
 * the inverted targets and cross-entropy, 1e-6 to 1 per transition. Chaotic networks: gain 3, alpha .1, noise .01 inside
 * the nonlinearity and 1e-4 outside.
 */
import { parseArgs } from 'node:util';
import {
  crossEntropyFit,
  crossEntropyPath,
  driveR2,
  leastSquaresPath,
  releaseTask,
  restrictTask,
  type RoundRule,
  roundTask,
} from '@drnn/estimators';
import { transfers } from '@drnn/objectives';
import { restrict, sourceOfTransitions, splitTransitions, type Transitions, transitions } from '@drnn/simulator';
import { type Backend, matrix, type Matrix } from '@drnn/tensor';
import { applyScaling, backendNames, type Fit, fit, openBackend, randomNetwork, scoresOf, simulate } from 'drnn';
import { markdownTable, median, publish } from './result-table.js';

const { values } = parseArgs({
  options: {
    units: { type: 'string', default: '200' },
    steps: { type: 'string', default: '3000' },
    networks: { type: 'string', default: '5' },
    'first-seed': { type: 'string', default: '1' },
    cases: { type: 'string' },
    backend: { type: 'string', default: 'auto' },
    scale: { type: 'string', default: 'auto' },
    out: { type: 'string' },
  },
});
const [units, steps, networks, firstSeed] = [
  Number(values.units),
  Number(values.steps),
  Number(values.networks),
  Number(values['first-seed']),
];
const scale = (['auto', 'none'] as const).find((rule) => rule === values.scale) ?? 'auto';

interface Mismatch {
  readonly name: string;
  readonly words: string;
  /** The part of the units that was recorded. */
  readonly recorded?: number;
  readonly sharedInput?: boolean;
  /** As the fit is told; the network has .1. */
  readonly alpha?: number;
  readonly observationNoise?: number;
}

const mismatches: readonly Mismatch[] = [
  { name: 'none', words: 'none' },
  { name: 'half', words: 'half of the units recorded', recorded: 0.5 },
  { name: 'most', words: '90% of the units recorded', recorded: 0.9 },
  { name: 'shared', words: 'a shared smooth input not recorded', sharedInput: true },
  { name: 'alpha-low', words: 'alpha .08 for .1', alpha: 0.08 },
  { name: 'alpha-high', words: 'alpha .12 for .1', alpha: 0.12 },
  { name: 'observation', words: 'observation noise 5e-3', observationNoise: 5e-3 },
];
const chosen = values.cases?.split(',');
const cases = mismatches.filter(({ name }) => chosen === undefined || chosen.includes(name));

/** Rates [time, unit] of the units that were recorded. */
const recordingOf = (seed: number, { recorded = 1, sharedInput, observationNoise }: Mismatch): Matrix => {
  const { W, initial } = randomNetwork({ units, gain: 3, seed });
  const shared = {
    Win: matrix(
      units,
      1,
      Float64Array.from({ length: units }, (_, i) => Math.sin(1.7 * i + seed)),
    ),
    inputs: matrix(
      steps,
      1,
      Float64Array.from({ length: steps }, (_, t) => Math.sin(t / 9) + Math.sin(t / 23.7)),
    ),
  };
  const { rates } = simulate({
    W,
    initial,
    alpha: 0.1,
    steps,
    seed,
    inputNoise: { kind: 'gaussian', size: 1e-2 },
    outputNoise: { kind: 'gaussian', size: 1e-4 },
    ...(observationNoise === undefined
      ? {}
      : { observationNoise: { kind: 'gaussian' as const, size: observationNoise } }),
    ...(sharedInput === true ? shared : {}),
  });
  const kept = Math.round(recorded * units);
  const part = matrix(rates.rows, kept);
  for (let t = 0; t < rates.rows; t++) part.data.set(rates.data.subarray(t * units, t * units + kept), t * kept);
  return part;
};

const logarithmic = (from: number, to: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, k) => from * (to / from) ** (k / (count - 1)));
/** Falling, so that each fit starts from one that is shrunk more. */
const linearStrengths = logarithmic(1, 1e-6, 25);
const entropyStrengths = logarithmic(1, 1e-5, 16);
/** Near enough for a score. */
const judged: RoundRule = { perUnit: 0.1, products: 12, newtonSteps: 3, method: 'conjugate-gradients' };
const toTheEnd: RoundRule = { perUnit: 1e-6, products: 60, newtonSteps: 8 };
const folds = 4;
const assumptions = { transfer: transfers.tanh, constraints: { zeroDiagonal: true }, bias: true };

interface Ridge {
  readonly theta: Matrix;
  readonly loss: 'least-squares' | 'cross-entropy';
  readonly strength: number;
  /** The mean over blocks, in scaled units. */
  readonly crossValidated: number;
}

/** The plain ridge that explains the blocks held out best, fitted to all of `train`. */
const crossValidatedRidge = async (on: Backend, train: Transitions): Promise<Ridge> => {
  const source = sourceOfTransitions(train);
  const rows = source.targets.rows;
  const edges = Array.from({ length: folds + 1 }, (_, k) => Math.round((k * rows) / folds));
  const blocks = edges.slice(1).map((to, k) => restrict(source, [{ from: edges[k] ?? 0, to }]));
  const task = await roundTask(on, blocks, assumptions);
  try {
    const linear = linearStrengths.map(() => 0);
    const entropy = entropyStrengths.map(() => 0);
    for (let k = 0; k < folds; k++) {
      const rest = restrictTask(
        task,
        task.parts.filter((_, part) => part !== k),
      );
      const block = restrictTask(task, task.parts.slice(k, k + 1));
      const thetas = (await leastSquaresPath(rest, linearStrengths)) ?? [];
      (await driveR2(block, thetas)).forEach((score, i) => (linear[i] = (linear[i] ?? 0) + score / folds));
      const start = thetas[0] ?? matrix(task.shape.predictors, task.shape.units);
      const plain = await crossEntropyPath(rest, entropyStrengths, start, judged);
      (await driveR2(block, plain)).forEach((score, i) => (entropy[i] = (entropy[i] ?? 0) + score / folds));
    }
    const topOf = (scores: readonly number[]): number => scores.indexOf(Math.max(...scores));
    const [a, b] = [topOf(linear), topOf(entropy)];
    if ((linear[a] ?? -Infinity) >= (entropy[b] ?? -Infinity)) {
      const strength = linearStrengths[a] ?? Number.NaN;
      const [theta] = (await leastSquaresPath(task, [strength])) ?? [];
      if (theta === undefined) throw new Error('a ridge won that cannot be fitted');
      return { theta, loss: 'least-squares', strength, crossValidated: linear[a] ?? Number.NaN };
    }
    const strength = entropyStrengths[b] ?? Number.NaN;
    const start = matrix(task.shape.predictors, task.shape.units);
    const { theta } = await crossEntropyFit(task, strength, start, toTheEnd);
    return { theta, loss: 'cross-entropy', strength, crossValidated: entropy[b] ?? Number.NaN };
  } finally {
    releaseTask(task);
  }
};

interface Outcome {
  readonly full: number;
  readonly quick: number;
  readonly rounds: number;
  readonly ridge: number;
  readonly winner: string;
  readonly quickWinner: string;
}

const digits = 4;
const said = (score: number | null | undefined): string => (score == null ? '-' : score.toFixed(digits));

const outcomeOf = async (on: Backend, seed: number, mismatch: Mismatch): Promise<Outcome> => {
  const rates = recordingOf(seed, mismatch);
  const { alpha = 0.1 } = mismatch;
  const how = { on, alpha, scale, refit: false } as const;
  const full = await fit({ rates }, how);
  const quick = await fit({ rates }, { ...how, effort: 'quick' });
  const rounds = await fit({ rates }, { ...how, choosing: 'none' });
  // The same rows in the same units as the fit's own.
  const { train, heldOut } = splitTransitions(applyScaling(transitions({ rates, alpha }), full.scaling), 0.2);
  const ridge = await crossValidatedRidge(on, train);
  const model = { theta: ridge.theta, bias: true, transfer: transfers.tanh, ...full.scaling };
  const ridgeScore = scoresOf(on.host, model, train, heldOut, heldOut.targets.rows).drive.pooled;
  const scoreOf = ({ scores }: Fit): number => scores?.drive.pooled ?? Number.NaN;
  const winnerOf = ({ calibration }: Fit): string => calibration?.winner ?? '-';
  const { scores } = full.calibration?.choice ?? { scores: null };
  process.stderr.write(
    `${mismatch.name} ${seed}: full ${said(scoreOf(full))} (${winnerOf(full)} ${full.calibration?.choice?.strength ?? ''}; cross-validated rounds ${said(scores?.rounds)}, least squares ${said(scores?.['least-squares'])}, cross-entropy ${said(scores?.['cross-entropy'])}), quick ${said(scoreOf(quick))} (${winnerOf(quick)} ${quick.calibration?.choice?.strength ?? ''}), rounds ${said(scoreOf(rounds))} (${rounds.solution.status}), ridge ${said(ridgeScore)} (${ridge.loss} ${ridge.strength.toPrecision(2)}, cross-validated ${said(ridge.crossValidated)}), scale ${full.scaling.method}\n`,
  );
  return {
    full: scoreOf(full),
    quick: scoreOf(quick),
    rounds: scoreOf(rounds),
    ridge: ridgeScore,
    winner: winnerOf(full),
    quickWinner: winnerOf(quick),
  };
};

const backendName = backendNames.find((name) => name === values.backend) ?? 'auto';
const { on } = await openBackend({ name: backendName });
try {
  const rows: string[][] = [];
  for (const mismatch of cases) {
    const outcomes: Outcome[] = [];
    for (let seed = firstSeed; seed < firstSeed + networks; seed++) outcomes.push(await outcomeOf(on, seed, mismatch));
    const of = (name: 'full' | 'quick' | 'rounds' | 'ridge'): string =>
      median(outcomes.map((outcome) => outcome[name])).toFixed(digits);
    const worst = (name: 'full' | 'quick' | 'rounds'): string =>
      Math.min(...outcomes.map((outcome) => outcome[name] - outcome.ridge)).toFixed(digits);
    const won = (name: 'winner' | 'quickWinner'): string =>
      `${outcomes.filter((outcome) => outcome[name] === 'rounds').length}`;
    rows.push([
      mismatch.words,
      of('full'),
      of('quick'),
      of('rounds'),
      of('ridge'),
      worst('full'),
      worst('quick'),
      worst('rounds'),
      won('winner'),
      won('quickWinner'),
    ]);
  }
  publish(values.out, {
    title: 'Where residuals are not noise: drive R2 on unseen data, against the cross-validated ridge',
    about: [
      `${units} units simulated, ${steps} steps, gain 3, alpha .1, noise .01 in the current and 1e-4 outside; ${networks} networks from seed ${firstSeed}. Backend ${on.name}, ${on.precision}.`,
      'R2 of the drive d on the last fifth, medians over networks; the differences are the worst over networks, from the ridge of the same network. The ridge: loss and strength by cross-validation over four blocks of the rows that the fits see, 25 strengths of least squares on the inverted targets and 16 of cross-entropy. The last columns count the networks in which the rounds won.',
    ],
    tables: markdownTable(
      [
        'mismatch',
        'full',
        'quick',
        'rounds alone',
        'ridge',
        'full, worst',
        'quick, worst',
        'rounds, worst',
        'full: rounds won',
        'quick: rounds won',
      ],
      rows,
      ['mismatch'],
    ),
  });
} finally {
  await on.close();
}
