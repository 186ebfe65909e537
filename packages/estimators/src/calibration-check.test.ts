import { backend } from '@drnn/backend-cpu';
import {
  fillGaussian,
  type Noise,
  randomStream,
  sourceOfTransitions,
  type Transitions,
  type TransitionSource,
} from '@drnn/simulator';
import { DrnnError, matrix, type Matrix, rowRange, type RowSource } from '@drnn/tensor';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { calibrationCheck } from './index.js';
import { informedFit, simulated, type Simulated } from './informed-round.js';

const on = await backend();
afterAll(() => on.close());

/** Transitions whose targets are given: with X = 0 and noise.output = 1 they are the innovations. */
const withResiduals = (targets: Matrix, frames?: Int32Array, weights: Matrix | null = null): Transitions => ({
  predictors: matrix(targets.rows, targets.columns),
  targets,
  weights,
  frames: frames ?? Int32Array.from({ length: targets.rows }, (_, t) => t),
  trialStarts: Int32Array.of(0),
  interpolated: new Uint8Array(targets.rows),
  units: targets.columns,
  inputs: 0,
  inputLags: Int32Array.of(0),
  alpha: new Float64Array(targets.columns).fill(1),
  dropped: { rows: 0, interpolated: 0, filled: 0 },
});

const checkResiduals = (heldOut: Transitions | TransitionSource) =>
  on.scope(async (inner) =>
    calibrationCheck({
      on: inner,
      design: await inner.rows(matrix(1, heldOut.units)),
      curvatures: await inner.rows(matrix(1, heldOut.units)),
      ridge: new Float64Array(heldOut.units).fill(1),
      free: { kind: 'all' },
      heldOut,
      theta: matrix(heldOut.units, heldOut.units),
      noise: { input: 0, output: 1 },
    }),
  );

const gaussianField = (rows: number, units: number, seed: number): Matrix => {
  const result = matrix(rows, units);
  const stream = randomStream(seed, 'residuals');
  for (let t = 0; t < rows; t++) fillGaussian(stream(t), 1, result.data.subarray(t * units, (t + 1) * units));
  return result;
};

describe('calibrationCheck of given residuals', () => {
  it('finds nothing in independent N(0, 1), whatever the seed', () =>
    fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 8 }), async (seed, units) => {
        const found = await checkResiduals(withResiduals(gaussianField(2000, units, seed)));
        expect(found.reasons).toEqual([]);
        expect(found.trustworthy).toBe(true);
        expect(found.samples).toBe(2000 * units);
        expect(Math.abs(found.spread - 1)).toBeLessThan(0.15);
      }),
      { numRuns: 15 },
    ));

  it('measures the correlation of an autoregression, lag by lag', async () => {
    const [rows, units, rho] = [20_000, 3, 0.6];
    const field = gaussianField(rows, units, 7);
    for (let i = units; i < field.data.length; i++)
      field.data[i] = rho * field.data[i - units]! + Math.sqrt(1 - rho ** 2) * field.data[i]!;
    const found = await checkResiduals(withResiduals(field));
    for (let k = 1; k <= 5; k++) expect(found.autocorrelation[k - 1]).toBeCloseTo(rho ** k, 1);
    expect(found.autocorrelationTime).toBeCloseTo((1 + rho) / (1 - rho), 0);
    expect(found.reasons.join()).toMatch(/correlated in time: 0\.\d+ at a lag of 1/);
    expect(found.trustworthy).toBe(false);
  });

  it('does not correlate across a hole between trials', async () => {
    const field = gaussianField(3000, 2, 5);
    // Every frame repeats the last one of the trial before it: correlated where two trials meet, nowhere else.
    const frames = new Int32Array(3000);
    for (let t = 0; t < 3000; t++) {
      frames[t] = t + Math.floor(t / 2) * 50;
      if (t % 2 === 0 && t > 0) for (let j = 0; j < 2; j++) field.data[t * 2 + j] = field.data[(t - 1) * 2 + j]!;
    }
    const apart = await checkResiduals(withResiduals(field, frames));
    expect(Math.abs(apart.autocorrelation[0]!)).toBeLessThan(0.08);
    expect(apart.trustworthy).toBe(true);
    const together = await checkResiduals(withResiduals(field));
    expect(together.autocorrelation[0]).toBeGreaterThan(0.4);
  });

  it('leaves missing samples out, whatever stands there', async () => {
    const field = gaussianField(1500, 2, 3);
    const weights = matrix(1500, 2, new Float64Array(3000).fill(1));
    for (let i = 0; i < 3000; i += 7) {
      weights.data[i] = 0;
      field.data[i] = 1e6;
    }
    const found = await checkResiduals(withResiduals(field, undefined, weights));
    expect(found.samples).toBe(3000 - Math.ceil(3000 / 7));
    expect(found.trustworthy).toBe(true);
  });

  it('does not depend on the pieces in which rows come', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1500 }), async (length) => {
        const whole = withResiduals(gaussianField(2500, 2, 11));
        const inPieces = (a: Matrix): RowSource => ({
          rows: a.rows,
          columns: a.columns,
          blocks: function* () {
            for (let t = 0; t < a.rows; t += length) yield rowRange(a, t, Math.min(a.rows, t + length));
          },
        });
        const source = sourceOfTransitions(whole);
        const pieces = { ...source, predictors: inPieces(whole.predictors), targets: inPieces(whole.targets) };
        expect(await checkResiduals(pieces)).toEqual(await checkResiduals(source));
      }),
      { numRuns: 10 },
    ));

  it('says when sizes, single units, or the number of samples are wrong', async () => {
    const scaled = (by: (j: number) => number): Matrix => {
      const field = gaussianField(3000, 4, 2);
      for (let i = 0; i < field.data.length; i++) field.data[i]! *= by(i % 4);
      return field;
    };
    const reasons = async (targets: Matrix) => (await checkResiduals(withResiduals(targets))).reasons.join('\n');
    expect(await reasons(scaled(() => 1.4))).toMatch(/1\.\d+ times as large.*too small/);
    expect(await reasons(scaled(() => 0.7))).toMatch(/0\.\d+ times as large.*too large/);
    expect(await reasons(scaled((j) => (j === 0 ? 0.3 : 1)))).toMatch(/25% of the units/);
    expect(
      await reasons(
        rowRange(
          scaled(() => 1),
          0,
          200,
        ),
      ),
    ).toMatch(/800 held-out samples are too few/);
  });

  it('refuses all that is wrong at once', async () => {
    const heldOut = withResiduals(gaussianField(10, 2, 1));
    await on.scope(async (inner) => {
      const posterior = {
        on: inner,
        design: await inner.rows(matrix(1, 2)),
        curvatures: await inner.rows(matrix(1, 2)),
        ridge: new Float64Array(2).fill(1),
        free: { kind: 'all' },
      } as const;
      const refused = await calibrationCheck({
        ...posterior,
        heldOut,
        theta: matrix(5, 2, new Float64Array(10).fill(Number.NaN)),
        noise: { input: -1, output: Float64Array.of(1) },
        checkedUnits: 0,
      }).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(DrnnError);
      expect(refused instanceof DrnnError ? refused.issues.map(({ path }) => path) : []).toEqual([
        'theta',
        'theta',
        'design',
        'ridge',
        'noise.input',
        'noise.output',
        'checkedUnits',
      ]);
      const silent = { ...posterior, heldOut, theta: matrix(2, 2), noise: { input: 0, output: 0 } };
      await expect(calibrationCheck(silent)).rejects.toThrow(/noise above 0 for every sample/);
      const flat = { ...silent, noise: { input: 0, output: 1 }, ridge: new Float64Array(2) };
      await expect(calibrationCheck(flat)).rejects.toThrow(/neither the fit nor the prior/);
    });
  });
});

const gaussian = (size: number): Noise => ({ kind: 'gaussian', size });

/** The root mean square of (d - mu) / sqrt(V), the errors of the weights and all. */
const plainDeviation = (
  { predictors, targets }: Transitions,
  theta: Matrix,
  noise: { readonly input: number; readonly output: number },
): number => {
  const units = targets.columns;
  let sum = 0;
  for (let i = 0; i < targets.data.length; i++) {
    let z = theta.data[units * units + (i % units)]!;
    const row = i - (i % units);
    for (let p = 0; p < units; p++) z += predictors.data[row + p]! * theta.data[p * units + (i % units)]!;
    const q = 1 - Math.tanh(z) ** 2;
    sum += (targets.data[i]! - Math.tanh(z)) ** 2 / ((noise.input * q) ** 2 + noise.output ** 2);
  }
  return Math.sqrt(sum / targets.data.length);
};

/** Fits the training half of an example and looks at the other. */
const checkOf = async (example: Simulated) => {
  const { theta, noise, task } = await informedFit(on, example);
  const curvatures = await task.curvatures(theta);
  const { design } = task.rows;
  const { ridge, free } = task;
  const found = await calibrationCheck({ on, design, curvatures, ridge, free, theta, noise, heldOut: example.heldOut });
  curvatures.release();
  task.release();
  return { ...found, plainDeviation: plainDeviation(example.heldOut, theta, noise) };
};

describe('calibrationCheck of a calibrated round', () => {
  const size = { units: 20, transitions: 400 };
  const seeds = [1, 2, 3, 4];

  it.each([
    ['much output noise', gaussian(0.05), gaussian(0.01)],
    ['almost only input noise', gaussian(0.01), gaussian(1e-4)],
    ['much input noise', gaussian(0.1), gaussian(1e-3)],
  ] as const)('trusts Gaussian noise: %s', async (_, input, output) => {
    for (const seed of seeds) {
      const example = simulated({ ...size, seed, inputNoise: input, outputNoise: output });
      expect((await checkOf(example)).reasons, `seed ${seed}`).toEqual([]);
    }
  });

  it('trusts a fit of few frames, where residuals are much larger than the noise', async () => {
    let largest = 0;
    for (const seed of seeds) {
      const inputNoise = gaussian(0.01);
      const example = simulated({ units: 30, transitions: 240, seed, inputNoise, outputNoise: gaussian(1e-3) });
      const found = await checkOf(example);
      expect(found.reasons, `seed ${seed}`).toEqual([]);
      largest = Math.max(largest, found.plainDeviation);
    }
    expect(largest).toBeGreaterThan(2);
  });

  it('says so when hardly a sample can be predicted', async () => {
    const inputNoise = gaussian(0.01);
    const example = simulated({ units: 40, transitions: 150, seed: 1, inputNoise, outputNoise: gaussian(1e-3) });
    expect((await checkOf(example)).reasons.join()).toMatch(/too few to tell/);
  });

  it.each([
    ['Laplace noise', { kind: 'laplace', size: 0.05 }, { kind: 'laplace', size: 0.01 }, /beyond 2 standard/],
    ['impulses alone', { kind: 'poisson', size: 0.01 }, { kind: 'poisson', size: 0.1 }, /beyond 4 standard/],
    ['rare impulses', gaussian(0.01), { kind: 'poisson', size: 1e-3 }, /excess kurtosis/],
    ['noise correlated over a step', { ...gaussian(0.05), correlation: { time: 1 } }, gaussian(0.01), /in time/],
  ] as const)('does not trust %s', async (_, input, output, reason) => {
    for (const seed of seeds) {
      const found = await checkOf(simulated({ ...size, seed, inputNoise: input, outputNoise: output }));
      expect(found.trustworthy, `seed ${seed}`).toBe(false);
      expect(found.reasons.join('\n'), `seed ${seed}`).toMatch(reason);
    }
  });

  it('does not trust weights fitted with half of the units unobserved', async () => {
    const example = simulated({ units: 20, transitions: 600, seed: 1, inputNoise: gaussian(0.05) });
    const half = (from: Transitions): Transitions => {
      const keep = (a: Matrix): Matrix => {
        const result = matrix(a.rows, 10);
        for (let t = 0; t < a.rows; t++) result.data.set(a.data.subarray(t * 20, t * 20 + 10), t * 10);
        return result;
      };
      return { ...from, predictors: keep(from.predictors), targets: keep(from.targets), units: 10 };
    };
    const W = matrix(10, 10);
    for (let i = 0; i < 10; i++) for (let j = 0; j < 10; j++) W.data[i * 10 + j] = example.network.W.data[i * 20 + j]!;
    const truth = matrix(11, 10);
    for (let i = 0; i < 10; i++) for (let j = 0; j < 10; j++) truth.data[j * 10 + i] = W.data[i * 10 + j]!;
    const partial = {
      network: { ...example.network, W },
      truth,
      train: half(example.train),
      heldOut: half(example.heldOut),
    };
    expect((await checkOf(partial)).reasons.join('\n')).toMatch(/correlated in time/);
  });
});
