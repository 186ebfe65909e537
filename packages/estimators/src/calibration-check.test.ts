import { backend, host } from '@drnn/backend-cpu';
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
import { informedFit, simulated } from './informed-round.js';

const on = await backend();
afterAll(() => on.close());

/** Transitions whose targets are given: with Theta = 0 and noise.output = 1 they are the standardised residuals. */
const withResiduals = (targets: Matrix, frames?: Int32Array, weights: Matrix | null = null): Transitions => ({
  predictors: matrix(targets.rows, targets.columns),
  targets,
  weights,
  frames: frames ?? Int32Array.from({ length: targets.rows }, (_, t) => t),
  trialStarts: Int32Array.of(0),
  interpolated: new Uint8Array(targets.rows),
  units: targets.columns,
  inputs: 0,
  alpha: new Float64Array(targets.columns).fill(1),
  dropped: { rows: 0, interpolated: 0 },
});

const checkResiduals = (heldOut: Transitions | TransitionSource) =>
  calibrationCheck({
    host,
    heldOut,
    theta: matrix(heldOut.units, heldOut.units),
    noise: { input: 0, output: 1 },
    fittedOn: 1e6,
  });

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
      { numRuns: 40 },
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
    const refused = await calibrationCheck({
      host,
      heldOut,
      theta: matrix(5, 2, new Float64Array(10).fill(Number.NaN)),
      noise: { input: -1, output: Float64Array.of(1) },
      fittedOn: 0,
    }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(DrnnError);
    expect(refused instanceof DrnnError ? refused.issues.map(({ path }) => path) : []).toEqual([
      'theta',
      'theta',
      'noise.input',
      'noise.output',
      'fittedOn',
    ]);
    await expect(
      calibrationCheck({ host, heldOut, theta: matrix(2, 2), noise: { input: 0, output: 0 }, fittedOn: 10 }),
    ).rejects.toThrow(/noise above 0 for every sample/);
  });
});

const gaussian = (size: number): Noise => ({ kind: 'gaussian', size });

describe('calibrationCheck of a calibrated round', () => {
  const fittedOn = 400;
  const checkOf = async (seed: number, inputNoise: Noise, outputNoise: Noise) => {
    const example = simulated({ units: 20, transitions: fittedOn, seed, inputNoise, outputNoise });
    const { theta, noise, task } = await informedFit(on, example);
    task.release();
    return calibrationCheck({ host, heldOut: example.heldOut, theta, noise, fittedOn });
  };
  const seeds = [1, 2, 3, 4];

  it.each([
    ['much output noise', gaussian(0.05), gaussian(0.01)],
    ['almost only input noise', gaussian(0.01), gaussian(1e-4)],
    ['much input noise', gaussian(0.1), gaussian(1e-3)],
  ] as const)('trusts Gaussian noise: %s', async (_, input, output) => {
    for (const seed of seeds) expect((await checkOf(seed, input, output)).reasons, `seed ${seed}`).toEqual([]);
  });

  it.each([
    ['Laplace noise', { kind: 'laplace', size: 0.05 }, { kind: 'laplace', size: 0.01 }, /beyond 2 standard/],
    ['impulses alone', { kind: 'poisson', size: 0.01 }, { kind: 'poisson', size: 0.1 }, /beyond 4 standard/],
    ['rare impulses', gaussian(0.01), { kind: 'poisson', size: 1e-3 }, /excess kurtosis/],
    ['noise correlated over a step', { ...gaussian(0.05), correlation: { time: 1 } }, gaussian(0.01), /in time/],
  ] as const)('does not trust %s', async (_, input, output, reason) => {
    for (const seed of seeds) {
      const found = await checkOf(seed, input, output);
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
    const { theta, noise, task } = await informedFit(on, partial);
    task.release();
    const found = await calibrationCheck({ host, heldOut: partial.heldOut, theta, noise, fittedOn: 600 });
    expect(found.reasons.join('\n')).toMatch(/correlated in time/);
  });
});
