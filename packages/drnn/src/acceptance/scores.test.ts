import { join } from 'node:path';
import { type Model, numericArray, readModel, writeNpy } from '@drnn/recordings';
import { matrix } from '@drnn/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { choices } from '../index.js';
import { at, numberAt, runFit, temporaryFolder } from './run-command.test.process.js';
import { simulated, writeMatrices } from './simulated-recording.test.data.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const units = 5;
const alpha = 0.1;
const horizon = 100;
/** First and last frame of each trial. */
const trials = [
  [0, 699],
  [700, 1400],
] as const;
const { rates, inputs } = simulated({ units, steps: 1400, inputs: 2, gain: 2.5, inputNoise: 0.2, outputNoise: 0.1 });
const r = (t: number): number[] => Array.from(rates.data.subarray(t * units, (t + 1) * units), (x, j) => 3 * x + j);
const u = (t: number): number[] => Array.from(inputs.data.subarray(t * 2, (t + 1) * 2));

beforeAll(async () => {
  const scaled = matrix(1401, units, Float64Array.from(Array.from({ length: 1401 }, (_, t) => r(t)).flat()));
  const padded = matrix(1401, 2);
  padded.data.set(inputs.data);
  await writeMatrices(folder, 'rec.npz', { r: scaled, u: padded });
  await writeNpy(
    join(folder, 'trials.npy'),
    numericArray(
      [1401],
      Int32Array.from({ length: 1401 }, (_, t) => (t < 700 ? 4 : 2)),
    ),
  );
}, 60_000);

const parameters = [
  'rec.npz',
  '--key',
  'r',
  '--inputs',
  'u',
  '--trials',
  'trials.npy',
  '--estimator',
  'convex',
  '--alpha',
  String(alpha),
  '--scale',
  'quantile',
  '--center',
];

/** One step of the model, in the recording's units, from the state x with the inputs v. */
const step = (model: Model, x: readonly number[], v: readonly number[]) => {
  const { W, Win, b, scale, offset } = model;
  const s = x.map((value, j) => (value - offset[j]!) / scale[j]!);
  const drive = s.map((_, j) => {
    let z = b[j]!;
    for (let k = 0; k < units; k++) z += W.data[j * units + k]! * s[k]!;
    for (let k = 0; k < 2; k++) z += Win.data[j * 2 + k]! * v[k]!;
    return Math.tanh(z);
  });
  const restore = (value: number, j: number): number => value * scale[j]! + offset[j]!;
  return { drive: drive.map(restore), next: s.map((value, j) => restore((1 - alpha) * value + alpha * drive[j]!, j)) };
};

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return Number.isInteger(half) ? (sorted[half - 1]! + sorted[half]!) / 2 : sorted[Math.floor(half)]!;
};

/** 1 - SSE / SST over pairs [predicted, actual], SST about `mean`. */
const rSquared = (pairs: readonly (readonly [readonly number[], readonly number[]])[], mean: readonly number[]) => {
  const error = mean.map((_, j) => pairs.reduce((sum, [p, a]) => sum + (p[j]! - a[j]!) ** 2, 0));
  const total = mean.map((m, j) => pairs.reduce((sum, [, a]) => sum + (a[j]! - m) ** 2, 0));
  const sum = (values: readonly number[]): number => values.reduce((x, y) => x + y, 0);
  return { pooled: 1 - sum(error) / sum(total), median: median(error.map((e, j) => 1 - e / total[j]!)) };
};

/** The frames t of the transitions that train and of those held out: one frame's gap in every trial. */
const split = () => {
  const [train, heldOut]: [number[], number[][]] = [[], []];
  for (const [first, end] of trials) {
    const cut = first + Math.round(0.8 * (end - first));
    for (let t = first; t < cut; t++) train.push(t);
    heldOut.push(Array.from({ length: end - cut - 1 }, (_, k) => cut + 1 + k));
  }
  return { train, heldOut };
};

const driveOf = (t: number): number[] => r(t + 1).map((next, j) => (next - (1 - alpha) * r(t)[j]!) / alpha);
const meanOf = (rows: readonly (readonly number[])[]): number[] =>
  Array.from({ length: units }, (_, j) => rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length);

/** All scores by the definitions, from the model alone. */
const scoresBy = (model: Model) => {
  const { train, heldOut } = split();
  const held = heldOut.flat();
  const next = meanOf(train.map((t) => r(t + 1)));
  const now = meanOf(train.map(r));
  const drive = meanOf(train.map(driveOf));
  const slope = now.map((m, j) => {
    const xy = train.reduce((sum, t) => sum + (r(t)[j]! - m) * (r(t + 1)[j]! - next[j]!), 0);
    return xy / train.reduce((sum, t) => sum + (r(t)[j]! - m) ** 2, 0);
  });
  const loops = [10, 33, horizon].map((lead) => {
    const run: [number[], number[]][] = [];
    const stay: [number[], number[]][] = [];
    for (const stretch of heldOut) {
      for (let from = 0; from + lead <= stretch.length; from += horizon) {
        const first = stretch[from]!;
        let state = r(first);
        for (let k = 0; k < lead; k++) state = step(model, state, u(first + k)).next;
        run.push([state, r(first + lead)]);
        stay.push([r(first), r(first + lead)]);
      }
    }
    return {
      run: { horizon: lead, ...rSquared(run, next) },
      stay: { horizon: lead, ...rSquared(stay, next) },
    };
  });
  return {
    oneStepR2: rSquared(
      held.map((t) => [step(model, r(t), u(t)).next, r(t + 1)]),
      next,
    ),
    driveR2: rSquared(
      held.map((t) => [step(model, r(t), u(t)).drive, driveOf(t)]),
      drive,
    ),
    closedLoopR2: loops.map(({ run }) => run),
    baselineR2: {
      oneStep: {
        persistence: rSquared(
          held.map((t) => [r(t), r(t + 1)]),
          next,
        ),
        autoregression: rSquared(
          held.map((t) => [r(t).map((x, j) => next[j]! + slope[j]! * (x - now[j]!)), r(t + 1)]),
          next,
        ),
      },
      drive: {
        mean: rSquared(
          held.map((t) => [drive, driveOf(t)]),
          drive,
        ),
      },
      closedLoop: { persistence: loops.map(({ stay }) => stay) },
    },
  };
};

/** Compares numbers to a tolerance and everything else exactly. */
const expectClose = (seen: unknown, expected: unknown, tolerance: number, path = ''): void => {
  if (typeof expected === 'number') {
    expect(typeof seen, path).toBe('number');
    expect(Math.abs(Number(seen) - expected), `${path}: ${String(seen)} against ${expected}`).toBeLessThanOrEqual(
      tolerance,
    );
    return;
  }
  expect(Object.keys(Object(seen)).sort(), path).toEqual(Object.keys(Object(expected)).sort());
  for (const [key, value] of Object.entries(Object(expected)))
    expectClose(at(seen, key), value, tolerance, `${path}.${key}`);
};

describe('--json', () => {
  it('gives the scores that the definitions give, from the model alone', async () => {
    const run = await runFit(folder, [...parameters, '--no-refit', '--out', 'first.npz']);
    expect(run.code).toBe(0);
    const expected = scoresBy(await readModel(join(folder, 'first.npz')));
    for (const [name, value] of Object.entries(expected)) expectClose(at(run.json, name), value, 1e-9, name);
    const { train } = split();
    expect([at(run.json, 'refit'), at(run.json, 'samples'), at(run.json, 'trainSamples')]).toEqual([
      false,
      train.length,
      train.length,
    ]);

    const again = await runFit(folder, [...parameters, '--out', 'second.npz']);
    expect([at(again.json, 'refit'), at(again.json, 'samples'), at(again.json, 'trainSamples')]).toEqual([
      true,
      1399,
      train.length,
    ]);
    // The scores are those of the fit of the first part, whatever is written afterwards.
    for (const name of Object.keys(expected)) expect(at(again.json, name)).toEqual(at(run.json, name));
    const [one, two] = [await readModel(join(folder, 'first.npz')), await readModel(join(folder, 'second.npz'))];
    expect(Array.from(two.W.data)).not.toEqual(Array.from(one.W.data));
    expect(at(two.record?.scores, 'oneStepR2')).toEqual(at(again.json, 'oneStepR2'));
  });

  it('has every field, of the right kind, and no number that JSON lacks', async () => {
    const run = await runFit(folder, [...parameters, '--out', 'third.npz']);
    for (const name of [
      'residual',
      'thetaErrorBound',
      'objective',
      'steps',
      'seconds',
      'units',
      'samples',
      'trainSamples',
    ]) {
      expect(Number.isFinite(numberAt(run.json, name)), name).toBe(true);
    }
    expect(at(run.json, 'status')).toBe('converged');
    expect(numberAt(run.json, 'residual')).toBeLessThanOrEqual(1e-8);
    expect(numberAt(run.json, 'thetaErrorBound')).toBeLessThanOrEqual(1e-8);
    expect([at(run.json, 'units'), at(run.json, 'refit'), at(run.json, 'out')]).toEqual([units, true, 'third.npz']);
    expect(choices.backend).toContain(at(run.json, 'backend'));
    expect(choices.precision).toContain(at(run.json, 'precision'));
    expect(numberAt(run.json, 'threads')).toBeGreaterThanOrEqual(1);
    expect(Object.keys(Object(at(run.json, 'timing'))).length).toBeGreaterThan(1);
    for (const [part, seconds] of Object.entries(Object(at(run.json, 'timing')))) {
      expect(Number(seconds), part).toBeGreaterThanOrEqual(0);
    }
    expect(at(run.json, 'scale')).toBeTypeOf('object');
    expect(run.stdout).not.toMatch(/NaN|Infinity|undefined/);
    expect(run.stdout.trim()).toMatch(/^\{[^]*\}$/);
  });

  it('gives null for every score where nothing is held out', async () => {
    const run = await runFit(folder, [...parameters, '--holdout', '0', '--out', 'fourth.npz']);
    for (const name of ['oneStepR2', 'driveR2', 'closedLoopR2', 'baselineR2']) expect(at(run.json, name)).toBeNull();
    expect([at(run.json, 'refit'), at(run.json, 'samples'), run.code]).toEqual([false, 1399, 0]);
  });

  it('names the precision of what ran', async () => {
    const run = await runFit(folder, [...parameters, '--backend', 'cpu', '--precision', 'mixed', '--out', 'fifth.npz']);
    expect([at(run.json, 'backend'), at(run.json, 'precision'), run.code]).toEqual(['cpu', 'mixed', 0]);
  });

  it('says in words that a score is below its baseline', async () => {
    const walk = matrix(400, 3);
    let seed = 1;
    for (let i = 0; i < walk.data.length; i++) {
      seed = (seed * 48_271) % 2_147_483_647;
      walk.data[i] = seed / 2_147_483_647 - 0.5;
    }
    await writeMatrices(folder, 'noise.npz', { r: walk });
    const run = await runFit(folder, ['noise.npz', '--alpha', '0.1']);
    const below = numberAt(run.json, 'driveR2', 'pooled') < numberAt(run.json, 'baselineR2', 'drive', 'mean', 'pooled');
    expect(/Drive: R2 .* below/.test(JSON.stringify(at(run.json, 'warnings')))).toBe(below);
    expect(run.stdout).not.toMatch(/NaN|Infinity/);
  });
});
