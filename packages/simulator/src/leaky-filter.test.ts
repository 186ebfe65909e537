import { DrnnError, type Matrix, matrix, matrixOf } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leakyFilter, settlingFrames } from './leaky-filter.js';
import { fillGaussian, randomStream } from './random.js';
import { simulate } from './simulate.js';
import { transitions } from './transitions.js';

const gaussian = (rows: number, columns: number, deviation: number, seed: number): Matrix => {
  const a = matrix(rows, columns);
  fillGaussian(randomStream(seed, 'test')(0), deviation, a.data);
  return a;
};

/** A driven network in the current form: its weights, its inputs and what is recorded of it. */
const recorded = (units: number, inputs: number, alpha: number, steps: number, seed: number) => {
  const W = gaussian(units, units, 1.8 / Math.sqrt(units), seed);
  const Win = gaussian(units, inputs, 1, seed + 1);
  const b = gaussian(1, units, 0.3, seed + 2).data;
  const u = gaussian(steps + 1, inputs, 1, seed + 3);
  const initial = gaussian(1, units, 1, seed + 4).data;
  const { rates } = simulate({ W, Win, b, inputs: u, alpha, steps, initial, form: 'current' });
  return { W, Win, b, u, rates };
};

/** max_j |W y + Win v + b - atanh s| of each row. */
const mismatch = (
  { W, Win, b }: { readonly W: Matrix; readonly Win: Matrix; readonly b: Float64Array },
  predictors: Matrix,
  rates: (row: number, unit: number) => number,
): Float64Array =>
  Float64Array.from({ length: predictors.rows }, (_, t) => {
    let largest = 0;
    for (let i = 0; i < W.rows; i++) {
      let z = b[i]!;
      const row = t * predictors.columns;
      for (let j = 0; j < W.rows; j++) z += W.data[i * W.rows + j]! * predictors.data[row + j]!;
      for (let k = 0; k < Win.columns; k++) z += Win.data[i * Win.columns + k]! * predictors.data[row + W.rows + k]!;
      largest = Math.max(largest, Math.abs(z - Math.atanh(rates(t, i))));
    }
    return largest;
  });

const issuesOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof DrnnError) return error.message;
    throw error;
  }
  return '';
};

describe('transitions of the current form', () => {
  it('satisfy the rate form but for a start that fades as (1-a)^t', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 3 }),
        fc.double({ min: 0.05, max: 0.5, noNaN: true }),
        fc.integer({ min: 0, max: 1000 }),
        (units, inputs, alpha, seed) => {
          const steps = 60 + Math.ceil(40 / alpha);
          const network = recorded(units, inputs, alpha, steps, seed);
          const result = transitions({ rates: network.rates, inputs: network.u, alpha, form: 'current', settle: 0 });
          expect(result.targets.data).toEqual(network.rates.data.subarray(0, steps * units));
          // tanh loses a current beyond 4 to rounding, and with it what there is to compare.
          fc.pre(network.rates.data.every((r) => Math.abs(r) < 0.9995));
          const off = mismatch(network, result.predictors, (t, i) => network.rates.data[t * units + i]!);
          for (const t of [1, 5, 20, 40]) expect(Math.abs(off[t]! - off[0]! * (1 - alpha) ** t)).toBeLessThan(1e-10);
          expect(off[steps - 1]).toBeLessThan(1e-10);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('reach rounding: 1e-15 in a network whose rates do not saturate', () => {
    const alpha = 0.1;
    const network = recorded(20, 0, alpha, 600, 3);
    const small = {
      ...network,
      W: matrix(
        20,
        20,
        network.W.data.map((w) => w / 4),
      ),
      b: network.b.map((x) => x / 4),
    };
    const { rates } = simulate({ W: small.W, b: small.b, alpha, steps: 600, form: 'current', seed: 2 });
    const { predictors } = transitions({ rates, alpha, form: 'current', settle: 0 });
    const off = mismatch(small, predictors, (t, i) => rates.data[t * 20 + i]!);
    expect(off[0]).toBeGreaterThan(0.01);
    expect(off[599]).toBeLessThan(2e-15);
  });

  it('leave out the frames in which the filter settles, in every trial, and say so where nothing is left', () => {
    const alpha = 0.2;
    expect(settlingFrames(alpha)).toBe(21);
    expect(0.8 ** 21).toBeLessThan(0.01);
    expect(0.8 ** 20).toBeGreaterThan(0.01);
    const rates = gaussian(100, 3, 0.3, 1);
    const trials = Array.from({ length: 100 }, (_, t) => (t < 40 ? 0 : t < 55 ? 1 : 2));
    const { frames, trialStarts } = transitions({ rates, alpha, trials, form: 'current' });
    const wanted = [...Array.from({ length: 18 }, (_, k) => 21 + k), ...Array.from({ length: 23 }, (_, k) => 76 + k)];
    expect([...frames]).toEqual(wanted);
    expect([...trialStarts]).toEqual([0, 18]);
    expect(issuesOf(() => transitions({ rates: gaussian(20, 3, 1, 1), alpha, form: 'current' }))).toMatch(
      /no trial is longer than the 21 frames[^]*settle/,
    );
  });

  it('start anew after a gap, or bridge it, and give no weight to what is missing', () => {
    const network = recorded(4, 0, 0.3, 120, 5);
    const observed = matrix(121, 4, new Float64Array(121 * 4).fill(1));
    observed.data[60 * 4 + 1] = 0;
    const rates = matrix(121, 4, network.rates.data.slice());
    rates.data[60 * 4 + 1] = Number.NaN;
    const whole = transitions({ rates: network.rates, alpha: 0.3, form: 'current', settle: 10 });
    const dropped = transitions({ rates, observed, alpha: 0.3, form: 'current', settle: 10 });
    expect([...dropped.frames]).toEqual([...whole.frames].filter((t) => t < 60 || t > 70));
    expect(dropped.weights).toBeNull();
    for (let row = 0; row < 50; row++) {
      expect(dropped.predictors.data.subarray(row * 4, row * 4 + 4)).toEqual(
        whole.predictors.data.subarray(row * 4, row * 4 + 4),
      );
    }
    const off = mismatch(network, dropped.predictors, (row, i) => network.rates.data[dropped.frames[row]! * 4 + i]!);
    const first = dropped.frames.indexOf(71);
    expect(off[first + 5]! / off[first]!).toBeCloseTo(0.7 ** 5, 6);
    const bridged = transitions({ rates, observed, alpha: 0.3, form: 'current', settle: 10, missing: 'interpolate' });
    expect([...bridged.frames]).toEqual([...whole.frames]);
    expect([...(bridged.weights?.data ?? [])].filter((w) => w === 0).length).toBe(1);
    expect(bridged.weights?.data[50 * 4 + 1]).toBe(0);
    expect(bridged.predictors.data.every(Number.isFinite)).toBe(true);
    expect(bridged.dropped.interpolated).toBe(1);
    expect(bridged.interpolated[50]).toBe(0);
    expect(bridged.interpolated[51]).toBe(1);
  });

  it('refuse time constants that differ, filling by a model and a settle that is no count, all at once', () => {
    const rates = gaussian(50, 2, 0.3, 1);
    const message = issuesOf(() =>
      transitions({
        rates,
        alpha: Float64Array.of(0.1, 0.2),
        form: 'current',
        missing: 'model',
        filled: rates,
        settle: -1,
      }),
    );
    expect(message).toMatch(/one alpha for all units/);
    expect(message).toMatch(/drop or interpolate/);
    expect(message).toMatch(/settle/);
    const uniform = { rates, form: 'current', settle: 5 } as const;
    expect(transitions({ ...uniform, alpha: Float64Array.of(0.1, 0.1) }).predictors).toEqual(
      transitions({ ...uniform, alpha: 0.1 }).predictors,
    );
  });

  it('with alpha 1 are those of the rate form, one frame later', () => {
    const rates = gaussian(20, 2, 0.3, 1);
    const current = transitions({ rates, alpha: 1, form: 'current' });
    const rate = transitions({ rates, alpha: 1 });
    expect(current.predictors.data).toEqual(rate.predictors.data.subarray(0, 18 * 2));
    expect(current.targets.data).toEqual(rate.targets.data.subarray(0, 18 * 2));
  });
});

describe('leakyFilter', () => {
  it('keeps a constant, and is the sum of a (1-a)^k s[t-1-k] once it has settled', () => {
    const startsTrial = new Uint8Array(80);
    startsTrial[0] = 1;
    const constant = leakyFilter(matrix(80, 1, new Float64Array(80).fill(0.4)), { alpha: 0.2, startsTrial, settle: 0 });
    expect(Math.max(...constant.values.data.map((y) => Math.abs(y - 0.4)))).toBeLessThan(1e-15);
    const s = gaussian(80, 1, 1, 1);
    const { values } = leakyFilter(s, { alpha: 0.5, startsTrial, settle: 0 });
    let sum = 0;
    for (let k = 0; k < 70; k++) sum += 0.5 * 0.5 ** k * s.data[78 - k]!;
    expect(values.data[79]).toBeCloseTo(sum, 12);
  });

  it('of a gap in one column knows when all have settled', () => {
    const s = matrixOf([
      [1, 1],
      [1, 1],
      [Number.NaN, 1],
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
    const startsTrial = Uint8Array.of(1, 0, 0, 0, 0, 0);
    const { settled } = leakyFilter(s, { alpha: 0.5, startsTrial, settle: 1 });
    expect([...settled]).toEqual([0, 1, 1, 0, 1, 1]);
  });
});
