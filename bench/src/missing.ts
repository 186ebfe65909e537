import { matrix, type Matrix } from '@drnn/tensor';
import { parseArgs } from 'node:util';
import {
  backendNames,
  fit,
  type FitOptions,
  randomNetwork,
  simulate,
  thetaOf,
  type WeightAccuracy,
  weightAccuracy,
} from 'drnn';
import { markdownTable, median, publish } from './result-table.js';

/**
 * What missing data cost. Frames: a fifth of all frames is removed at random, which leaves a transition where both of its
 * frames are, .8 x .8 = 64% of them; beside it a fit to the first 64% of the complete recording. Entries: 5% of single
 * values are removed at random, under each rule for missing predictors. Chaotic networks: gain 3, alpha 0.1, input noise
 * 1e-2, output noise 1e-4. `node bench/dist/missing.js [--units 100] [--steps 3000] [--networks 3] [--first-seed 1]
 * [--estimator convex,calibrated] [--backend auto] [--out folder]`.
 */
const { values } = parseArgs({
  options: {
    units: { type: 'string', default: '100' },
    steps: { type: 'string', default: '3000' },
    networks: { type: 'string', default: '3' },
    'first-seed': { type: 'string', default: '1' },
    estimator: { type: 'string', default: 'convex,calibrated' },
    backend: { type: 'string', default: 'auto' },
    out: { type: 'string' },
  },
});
const [units, steps, networks, firstSeed] = [
  Number(values.units),
  Number(values.steps),
  Number(values.networks),
  Number(values['first-seed']),
];
const asked = values.estimator.split(',');
const estimators = (['convex', 'calibrated'] as const).filter((name) => asked.includes(name));
if (estimators.length !== asked.length) {
  throw new Error(`--estimator: saw ${values.estimator}; expected convex, calibrated, or both with a comma between`);
}
const backend = backendNames.find((name) => name === values.backend) ?? 'auto';

/** Numbers in [0, 1) from a seed (mulberry32). */
const uniforms = (seed: number): (() => number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

interface Outcome extends WeightAccuracy {
  readonly samples: number;
  readonly filled: number;
  readonly seconds: number;
  /** Of the calibrated estimator: whether its rounds won against plain ridge. */
  readonly rounds: boolean;
}

const outcomeOf = async (W: Matrix, rates: Matrix, options: FitOptions): Promise<Outcome | null> => {
  try {
    const result = await fit({ rates }, { alpha: 0.1, scale: 'none', holdout: 0, backend, ...options });
    return {
      samples: result.samples,
      filled: result.filling?.fraction ?? result.dropped.interpolated / (result.samples * units),
      ...weightAccuracy(W)(thetaOf(result.model.W)),
      seconds: result.seconds,
      rounds: result.calibration?.winner === 'rounds',
    };
  } catch (error) {
    if (error instanceof Error && error.message.includes('no usable transition')) return null;
    throw error;
  }
};

interface Cell {
  readonly estimator: string;
  readonly recording: string;
  readonly outcomes: (Outcome | null)[];
}
const found = new Map<string, Cell>();
const note = (estimator: string, recording: string, outcome: Outcome | null): void => {
  const name = `${estimator}: ${recording}`;
  const cell = found.get(name) ?? { estimator, recording, outcomes: [] };
  cell.outcomes.push(outcome);
  found.set(name, cell);
};

for (let seed = firstSeed; seed < firstSeed + networks; seed++) {
  const { W, initial } = randomNetwork({ units, gain: 3, seed });
  const { rates } = simulate({
    W,
    initial,
    alpha: 0.1,
    steps,
    seed,
    inputNoise: { kind: 'gaussian', size: 1e-2 },
    outputNoise: { kind: 'gaussian', size: 1e-4 },
  });
  const draw = uniforms(seed);
  const badFrames = Float64Array.from({ length: rates.rows }, () => (draw() < 0.2 ? 1 : 0));
  const observed = matrix(
    rates.rows,
    units,
    Float64Array.from({ length: rates.rows * units }, () => (draw() < 0.05 ? 0 : 1)),
  );
  const part = 1 + Math.round(0.64 * steps);
  const first = matrix(part, units, rates.data.slice(0, part * units));
  for (const estimator of estimators) {
    note(estimator, 'complete', await outcomeOf(W, rates, { estimator }));
    note(estimator, 'a fifth of the frames removed', await outcomeOf(W, rates, { estimator, badFrames }));
    note(estimator, 'the first 64% of the transitions', await outcomeOf(W, first, { estimator }));
    for (const missing of ['drop', 'interpolate', 'model'] as const)
      note(estimator, `5% of entries removed, ${missing}`, await outcomeOf(W, rates, { estimator, observed, missing }));
    process.stderr.write(`network ${seed}, ${estimator}: done\n`);
  }
}

const rows = Array.from(found.values(), ({ estimator, recording, outcomes }) => {
  const done = outcomes.filter((outcome) => outcome !== null);
  const column = (of: (outcome: Outcome) => number, digits: number): string =>
    done.length === 0 ? '-' : median(done.map(of)).toFixed(digits);
  return [
    estimator,
    recording,
    column((o) => o.samples, 0),
    column((o) => o.filled, 3),
    column((o) => o.correlation, 5),
    column((o) => o.slope, 4),
    column((o) => o.relativeError, 4),
    column((o) => o.seconds, 1),
    estimator === 'convex' ? '-' : `${done.filter(({ rounds }) => rounds).length} of ${done.length}`,
  ];
});
publish(values.out, {
  title: 'What missing data cost',
  about: [
    `${units} units, ${steps} steps, gain 3, alpha .1, noise .01 in the current and 1e-4 outside; medians over ${networks} networks from seed ${firstSeed}, all of the recording fitted.`,
    'rows: transitions with a target; filled: the part of the predictors that was filled; correlation, slope and relative error of all entries of W; the last column counts the networks in which the rounds won against plain ridge.',
  ],
  tables: markdownTable(
    ['estimator', 'recording', 'rows', 'filled', 'correlation', 'slope', 'rel. error', 'seconds', 'rounds won'],
    rows,
    ['estimator', 'recording'],
  ),
});
