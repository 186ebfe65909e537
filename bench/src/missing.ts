import { matrix, type Matrix } from '@drnn/tensor';
import { fit, type FitOptions, randomNetwork, simulate, thetaOf, type WeightAccuracy, weightAccuracy } from 'drnn';

/**
 * What missing data cost. Frames: a fifth of all frames is removed at random, which leaves a transition where both of its
 * frames are, .8 x .8 = 64% of them; beside it a fit to the first 64% of the complete recording. Entries: 5% of single
 * values are removed at random, under each rule for missing predictors. Chaotic networks: gain 3, alpha 0.1, input noise
 * 1e-2, output noise 1e-4. Usage: missing.js [units] [steps] [seeds] [backend].
 */
const [unitsGiven, stepsGiven, seedsGiven, backendGiven] = process.argv.slice(2);
const [units, steps, seeds] = [Number(unitsGiven ?? 100), Number(stepsGiven ?? 3000), Number(seedsGiven ?? 5)];
const names = ['auto', 'cpu', 'wasm', 'blas'] as const;
const backend = names.find((name) => name === backendGiven) ?? 'auto';

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
}

const outcomeOf = async (W: Matrix, rates: Matrix, options: FitOptions): Promise<Outcome | null> => {
  try {
    const result = await fit(
      { rates },
      { alpha: 0.1, estimator: 'convex', scale: 'none', holdout: 0, backend, ...options },
    );
    return {
      samples: result.samples,
      filled: result.filling?.fraction ?? result.dropped.interpolated / (result.samples * units),
      ...weightAccuracy(W)(thetaOf(result.model.W)),
      seconds: result.seconds,
    };
  } catch (error) {
    if (error instanceof Error && error.message.includes('no usable transition')) return null;
    throw error;
  }
};

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? Number.NaN) + (sorted[sorted.length >> 1] ?? Number.NaN)) / 2;
};

const found = new Map<string, (Outcome | null)[]>();
const note = (name: string, outcome: Outcome | null): void => {
  found.set(name, [...(found.get(name) ?? []), outcome]);
};

for (let seed = 1; seed <= seeds; seed++) {
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
  note('complete', await outcomeOf(W, rates, {}));
  note('a fifth of the frames removed', await outcomeOf(W, rates, { badFrames }));
  note('first 64% of the transitions', await outcomeOf(W, matrix(part, units, rates.data.slice(0, part * units)), {}));
  for (const missing of ['drop', 'interpolate', 'model'] as const)
    note(`5% of entries removed, ${missing}`, await outcomeOf(W, rates, { observed, missing }));
  process.stderr.write(`seed ${seed} done\n`);
}

console.log(
  `units ${units}, steps ${steps}, gain 3, alpha 0.1, input noise 1e-2, output noise 1e-4, estimator convex; medians of ${seeds} networks; Node ${process.version}`,
);
console.log(`${'recording'.padEnd(34)}   rows  filled  correlation    slope  rel err  seconds`);
for (const [name, outcomes] of found) {
  const done = outcomes.filter((outcome) => outcome !== null);
  const column = (of: (outcome: Outcome) => number, digits: number, width: number): string =>
    median(done.map(of)).toFixed(digits).padStart(width);
  console.log(
    done.length === 0
      ? `${name.padEnd(34)}   no transition is left`
      : `${name.padEnd(34)}${column((o) => o.samples, 0, 7)}${column((o) => o.filled, 3, 8)}${column((o) => o.correlation, 5, 13)}${column((o) => o.slope, 4, 9)}${column((o) => o.relativeError, 4, 9)}${column((o) => o.seconds, 1, 9)}${done.length < outcomes.length ? `  (${outcomes.length - done.length} of ${outcomes.length} left nothing)` : ''}`,
  );
}
