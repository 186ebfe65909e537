import { randomNetwork, simulate } from '@drnn/simulator';
import { matrix, matrixOf, rowRange } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { connectionsAtLags } from './fit-observations.js';
import { fit, predict } from './index.js';

const units = 6;
const { W, initial } = randomNetwork({ units, gain: 2.5, seed: 2 });
const inputs = matrix(
  901,
  1,
  Float64Array.from({ length: 901 }, (_, t) => Math.sin(t * t)),
);
/** The network hears the input at once, and again, with other weights, two frames later. */
const Win = matrix(
  units,
  2,
  Float64Array.from({ length: 2 * units }, (_, i) => Math.cos(3 * i)),
);
const twice = matrix(
  901,
  2,
  Float64Array.from({ length: 1802 }, (_, i) => inputs.data[(i >> 1) - 2 * (i % 2)] ?? 0),
);
const inputNoise = { kind: 'gaussian', size: 0.05 } as const;
const { rates } = simulate({
  W,
  Win,
  inputs: rowRange(twice, 0, 900),
  alpha: 0.2,
  steps: 900,
  initial,
  inputNoise,
  seed: 2,
});
const trials = Int32Array.from({ length: 901 }, (_, t) => (t < 500 ? 0 : 1));

describe('inputLags', () => {
  it('recovers weights of late inputs, and is the fit of inputs moved by hand', async () => {
    const late = await fit(
      { rates },
      { alpha: 0.2, inputs, inputLags: [0, 2], trials, scale: 'none', backend: 'cpu', estimator: 'convex' },
    );
    expect(Array.from(late.model.inputLags)).toEqual([0, 2]);
    expect(late.dropped.rows).toBe(4);
    late.model.Win.data.forEach((w, i) => expect(Math.abs(w - Win.data[i]!)).toBeLessThan(0.02));
    // By hand: the first two frames of each trial left out.
    const kept = Array.from({ length: 901 }, (_, t) => t).filter((t) => t !== 0 && t !== 1 && t !== 500 && t !== 501);
    const take = (a: typeof rates) =>
      matrixOf(
        kept.map((t) => [...a.data.subarray(t * a.columns, (t + 1) * a.columns)]).filter((row) => row.length > 0),
      );
    const hand = await fit(
      { rates: take(rates) },
      {
        alpha: 0.2,
        inputs: take(twice),
        trials: kept.map((t) => trials[t]!),
        scale: 'none',
        backend: 'cpu',
        estimator: 'convex',
      },
    );
    expect(hand.model.W).toEqual(late.model.W);
    expect(hand.model.Win).toEqual(late.model.Win);
    expect(hand.scores).toEqual(late.scores);
  });

  it('predict runs with late inputs, from where they have a full history', () => {
    const model = { W, Win, inputLags: [0, 2], alpha: 0.2 };
    const ours = predict(model, rates, { start: 10, steps: 20, inputs });
    const same = predict({ W, Win, alpha: 0.2 }, rates, { start: 10, steps: 20, inputs: twice });
    expect(ours).toEqual(same);
    expect(() => predict(model, rates, { start: 1, steps: 5, inputs })).toThrow('a frame from 2 on');
  });

  it('a mask of connections with a column an input holds at every lag', async () => {
    const mask = matrix(units, units + 1, new Float64Array(units * (units + 1)).fill(1));
    mask.data[units] = 0;
    expect(connectionsAtLags(mask, units, 2, 2).columns).toBe(units + 2);
    const { model } = await fit(
      { rates },
      {
        alpha: 0.2,
        inputs,
        inputLags: [2, 0],
        connections: mask,
        holdout: 0,
        scale: 'none',
        backend: 'cpu',
        estimator: 'convex',
      },
    );
    expect([...model.Win.data.subarray(0, 2)]).toEqual([0, 0]);
    expect(model.Win.data.subarray(2).every((w) => w !== 0)).toBe(true);
  });
});

describe('badFrames', () => {
  it('are frames in which all units are missing, beside those that are missing anyway', async () => {
    const observed = matrix(901, units, new Float64Array(901 * units).fill(1));
    observed.data[300 * units + 1] = 0;
    const badFrames = Float64Array.from({ length: 901 }, (_, t) => (t % 40 === 7 ? 1 : 0));
    const both = matrix(
      901,
      units,
      observed.data.map((seen, i) => (badFrames[Math.floor(i / units)] === 1 ? 0 : seen)),
    );
    const broken = matrix(
      901,
      units,
      rates.data.map((r, i) => (both.data[i] === 1 ? r : Number.NaN)),
    );
    const options = { alpha: 0.2, trials, scale: 'none', backend: 'cpu', estimator: 'convex' } as const;
    const bad = await fit({ rates: broken }, { ...options, observed, badFrames });
    const masked = await fit({ rates }, { ...options, observed: both });
    expect(bad.dropped.rows).toBeGreaterThan(40);
    expect(bad.model).toEqual(masked.model);
    await expect(fit({ rates }, { ...options, badFrames: [0, 2] })).rejects.toThrow(/time=2[^]*2 at frame 1/);
  });
});

describe('sampleWeights', () => {
  it('of 1 are the rule none, and of 0 take a target away from its unit', async () => {
    const options = {
      alpha: 0.2,
      holdout: 0,
      scale: 'none',
      backend: 'cpu',
      estimator: 'convex',
      weights: 'none',
    } as const;
    const ones = matrix(901, units, new Float64Array(901 * units).fill(1));
    const plain = await fit({ rates }, options);
    expect((await fit({ rates }, { ...options, sampleWeights: ones })).model.W).toEqual(plain.model.W);
    const without = matrix(901, units, ones.data.slice());
    for (let t = 0; t < 400; t++) without.data[t * units + 3] = 0;
    const weighted = await fit({ rates }, { ...options, sampleWeights: without });
    const row = (a: typeof plain, j: number): readonly number[] => [
      ...a.model.W.data.subarray(j * units, (j + 1) * units),
    ];
    for (const j of [0, 1, 2, 4, 5])
      row(weighted, j).forEach((w, k) => expect(Math.abs(w - row(plain, j)[k]!)).toBeLessThan(1e-7));
    // Unit 3 from its last frames alone; the ridge is per transition of all.
    const tail = matrix(501, units, rates.data.slice(400 * units));
    const late = await fit({ rates: tail }, { ...options, ridge: (1e-5 * 900) / 500 });
    row(weighted, 3).forEach((w, k) => expect(Math.abs(w - row(late, 3)[k]!)).toBeLessThan(1e-6));
    const negative = matrix(
      901,
      units,
      ones.data.map((_, i) => (i === 5 ? -1 : 1)),
    );
    await expect(fit({ rates }, { ...options, sampleWeights: negative })).rejects.toThrow('-1 at entry 5');
  });
});

describe('tau', () => {
  it('of each unit is dt over it', async () => {
    const tau = Float64Array.from({ length: units }, (_, j) => 0.1 + 0.01 * j);
    const options = { holdout: 0, scale: 'none', backend: 'cpu', estimator: 'convex' } as const;
    const a = await fit({ rates }, { ...options, dt: 0.02, tau });
    const b = await fit({ rates }, { ...options, alpha: tau.map((each) => 0.02 / each) });
    expect(a.model).toEqual(b.model);
    await expect(fit({ rates }, { dt: 0.1, tau: tau.map((each, j) => (j === 2 ? 0.05 : each + 1)) })).rejects.toThrow(
      '0.1 / 0.05 = 2 of unit 2',
    );
    await expect(fit({ rates }, { dt: 0.1, tau: Float64Array.of(1, -1) })).rejects.toThrow(/tau: saw -1/);
  });
});
