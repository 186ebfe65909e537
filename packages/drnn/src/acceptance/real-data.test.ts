import { join } from 'node:path';
import {
  encodeNpyText,
  encodeNpz,
  type Model,
  numericArray,
  readModel,
  writeFileBeside,
  writeNpy,
} from '@drnn/recordings';
import { matrix, type Matrix } from '@drnn/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fit, predict } from '../index.js';
import { at, numberAt, runCommand, runFit, temporaryFolder } from './run-command.test.process.js';
import { arrayOf, simulated } from './simulated-recording.test.data.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const units = 5;
const { rates, inputs } = simulated({ units, steps: 420, inputs: 1, gain: 1.5, inputNoise: 0.1, outputNoise: 0.05 });
const padded = matrix(421, 1);
padded.data.set(inputs.data);
/** Three sessions of unequal length, the middle one of two trials. */
const sessions = [
  [0, 90],
  [90, 220],
  [220, 421],
] as const;
const trialOf = (t: number): number => (t < 90 ? 5 : t < 150 ? 1 : t < 220 ? 2 : 7);
const isBad = (t: number): boolean => t % 60 === 30;
const isMissing = (t: number, j: number): boolean => t % 17 === 5 && j === t % units;
const areas = ['V1', 'PFC', 'V1', 'PFC', 'V1'];
const alphas = Float64Array.from({ length: units }, (_, j) => 0.1 + 0.01 * j);
const weights = matrix(
  421,
  units,
  Float64Array.from({ length: 421 * units }, (_, i) => 1 + Math.sin(i)),
);

const part = ({ columns, data }: Matrix, from: number, to: number): Matrix =>
  matrix(to - from, columns, data.slice(from * columns, to * columns));
const perFrame = (from: number, to: number, of: (t: number) => number) =>
  numericArray(
    [to - from],
    Float64Array.from({ length: to - from }, (_, t) => of(from + t)),
  );

const observed = matrix(
  421,
  units,
  Float64Array.from({ length: 421 * units }, (_, i) => (isMissing(Math.floor(i / units), i % units) ? 0 : 1)),
);
const recorded = matrix(
  421,
  units,
  rates.data.map((r, i) => (isBad(Math.floor(i / units)) || observed.data[i] === 0 ? Number.NaN : r)),
);

const write = async (name: string, from: number, to: number): Promise<void> => {
  const bytes = encodeNpz(
    {
      r: arrayOf(part(recorded, from, to)),
      u: arrayOf(part(padded, from, to)),
      seen: arrayOf(part(observed, from, to)),
      w: arrayOf(part(weights, from, to)),
      bad: perFrame(from, to, (t) => (isBad(t) ? 1 : 0)),
      trial: perFrame(from, to, trialOf),
      alphas: numericArray([units], alphas),
    },
    { others: new Map([['area.npy', encodeNpyText(areas)]]) },
  );
  await writeFileBeside(join(folder, name), bytes);
};

beforeAll(async () => {
  await Promise.all(sessions.map(([from, to], k) => write(`session-${k}.npz`, from, to)));
  await write('whole.npz', 0, 421);
  await writeNpy(join(folder, 'alphas.npy'), numericArray([units], alphas));
}, 60_000);

const files = sessions.map((_, k) => `session-${k}.npz`);
const flags = ['--key', 'r', '--backend', 'cpu'];
const keys = ['--samples', 'seen', '--bad-frames', 'bad', '--trials', 'trial', '--inputs', 'u', '--input-lags', '0,2'];
const options = {
  alpha: alphas,
  observed,
  badFrames: Float64Array.from({ length: 421 }, (_, t) => (isBad(t) ? 1 : 0)),
  trials: Array.from({ length: 421 }, (_, t) => trialOf(t)),
  inputs: padded,
  inputLags: [0, 2],
  backend: 'cpu',
} as const;

let count = 0;
const fitted = async (parameters: readonly string[]): Promise<{ readonly json: unknown; readonly model: Model }> => {
  const out = `model-${count++}.npz`;
  const run = await runFit(folder, [...parameters, ...flags, '--out', out]);
  expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: `wrote ${out}\n` });
  return { json: run.json, model: await readModel(join(folder, out)) };
};

describe('sessions and trials of unequal length, with bad frames and missing entries', () => {
  it('are one recording of four trials, bit for bit, and the same from the library', async () => {
    const apart = await fitted([...files, ...keys, '--alpha', 'alphas']);
    const whole = await fitted(['whole.npz', ...keys, '--alpha', 'alphas.npy']);
    const library = await fit({ rates: recorded }, options);
    expect(at(apart.json, 'trials')).toBe(4);
    for (const name of ['W', 'Win'] as const) {
      expect(apart.model[name]).toEqual(whole.model[name]);
      expect(apart.model[name]).toEqual(library.model[name]);
    }
    expect(apart.model.alpha).toEqual(alphas);
    // By counting: a row needs every unit at t, some unit at t and t + 1, and inputs of t and t - 2 within its trial.
    const complete = (t: number): boolean =>
      !isBad(t) && Array.from({ length: units }, (_, j) => j).every((j) => !isMissing(t, j));
    const rows = Array.from({ length: 420 }, (_, t) => t).filter(
      (t) => complete(t) && !isBad(t + 1) && trialOf(t + 1) === trialOf(t) && t >= 2 && trialOf(t - 2) === trialOf(t),
    );
    expect(numberAt(apart.json, 'samples')).toBe(rows.length);
    expect(numberAt(apart.json, 'dropped', 'rows')).toBe(420 - 3 - rows.length);
  });

  it('--missing model says how much it filled', async () => {
    const { json, model } = await fitted([...files, ...keys, '--alpha', 'alphas', '--missing', 'model']);
    const library = await fit({ rates: recorded }, { ...options, missing: 'model' });
    expect(model.W).toEqual(library.model.W);
    expect(at(json, 'filling')).toEqual(library.filling);
    expect(numberAt(json, 'filling', 'fraction')).toBeGreaterThan(0.005);
    expect(numberAt(json, 'dropped', 'filled')).toBeGreaterThan(10);
    const dropped = await fitted([...files, ...keys, '--alpha', 'alphas']);
    expect(at(dropped.json, 'filling')).toBeNull();
    expect(numberAt(json, 'samples')).toBeGreaterThan(numberAt(dropped.json, 'samples'));
  });
});

it('--sample-weights and --groups are read under a key of every file or the first', async () => {
  const { model } = await fitted([
    ...files,
    ...keys,
    '--alpha',
    '0.1',
    '--estimator',
    'convex',
    '--sample-weights',
    'w',
    '--groups',
    'area',
  ]);
  const library = await fit(
    { rates: recorded },
    { ...options, alpha: 0.1, estimator: 'convex', sampleWeights: weights },
  );
  expect(model.W).toEqual(library.model.W);
  expect(model.groups).toEqual(areas);
  const wrong = await runFit(folder, ['whole.npz', ...flags, ...keys, '--alpha', '0.1', '--groups', 'trial']);
  expect([wrong.code, JSON.stringify(wrong.json)]).toEqual([1, expect.stringContaining('421 labels')]);
});

it('a model with late inputs is run with late inputs', async () => {
  const { model } = await fitted(['whole.npz', ...keys, '--alpha', '0.1']);
  expect([...model.inputLags]).toEqual([0, 2]);
  const from = ['--from', 'whole.npz', '--key', 'r', '--start', '100', '--steps', '9', '--out', 'run.npz'];
  expect((await runCommand(folder, ['predict', `model-${count - 1}.npz`, ...from])).code).toBe(0);
  const first = predict(model, recorded, { start: 100, steps: 9, inputs: padded });
  // One step by the equation.
  for (let j = 0; j < units; j++) {
    const [scale, offset] = [model.scale[j]!, model.offset[j]!];
    let z = model.b[j]! + model.Win.data[2 * j]! * padded.data[100]! + model.Win.data[2 * j + 1]! * padded.data[98]!;
    for (let i = 0; i < units; i++)
      z += (model.W.data[j * units + i]! * (recorded.data[100 * units + i]! - model.offset[i]!)) / model.scale[i]!;
    const s = (recorded.data[100 * units + j]! - offset) / scale;
    expect(first.data[units + j]).toBeCloseTo(offset + scale * (0.9 * s + 0.1 * Math.tanh(z)), 12);
  }
  const early = await runCommand(folder, [
    'predict',
    `model-${count - 1}.npz`,
    '--from',
    'whole.npz',
    '--key',
    'r',
    '--start',
    '1',
    '--out',
    'no.npz',
  ]);
  expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('a frame from 2 on')]);
});

it('--alpha and --tau say what is wrong with their arrays', async () => {
  const none = await runFit(folder, ['whole.npz', ...flags, '--samples', 'seen', '--alpha', 'nothing']);
  expect([none.code, JSON.stringify(none.json)]).toEqual([1, expect.stringContaining('no array of that name')]);
  const long = await runFit(folder, [
    'whole.npz',
    ...flags,
    '--samples',
    'seen',
    '--bad-frames',
    'bad',
    '--alpha',
    'trial',
  ]);
  expect([long.code, JSON.stringify(long.json)]).toEqual([1, expect.stringContaining('[unit=421]')]);
  expect((await runFit(folder, ['whole.npz', ...flags, '--dt', '0.1', '--tau', 'w'])).code).toBe(1);
});
