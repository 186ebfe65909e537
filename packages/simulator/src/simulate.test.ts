import { DrnnError, matrix, matrixOf, rowRange, type Matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomNetwork } from './network.js';
import type { Noise } from './noise.js';
import { noiseSampler } from './noise.js';
import { simulate, type SimulationOptions } from './simulate.js';
import { transitions } from './transitions.js';

const at = (a: Matrix, row: number, column: number): number => a.data[row * a.columns + column] ?? Number.NaN;

const rowOf = (a: Matrix, row: number): number[] => [...rowRange(a, row, row + 1).data];

const wave = (rows: number, columns: number): Matrix =>
  matrix(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, (_, i) => Math.cos(2.3 * i)),
  );

const maxDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)));
  return worst;
};

const deviation = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] ?? Number.NaN) ** 2;
  return Math.sqrt(sum / values.length);
};

/** W r + Win u + b in the most literal way. */
const currents = (o: SimulationOptions, r: readonly number[], u: readonly number[]): number[] =>
  Array.from({ length: o.W.rows }, (_, i) => {
    const recurrent = r.reduce((sum, value, j) => sum + at(o.W, i, j) * value, 0);
    const driven = u.reduce((sum, value, j) => sum + (o.Win === undefined ? 0 : at(o.Win, i, j)) * value, 0);
    return recurrent + driven + (o.b?.[i] ?? 0);
  });

const phi: Record<string, (z: number) => number> = {
  tanh: Math.tanh,
  logistic: (z) => 1 / (1 + Math.exp(-z)),
  softplus: (z) => Math.log(1 + Math.exp(z)),
  relu: (z) => (z > 0 ? z : 0),
  identity: (z) => z,
  exp: Math.exp,
};

const noises = {
  inputNoise: { kind: 'gaussian', size: 0.2, correlation: { time: 1.5, space: 1 } },
  outputNoise: { kind: 'laplace', size: 0.1 },
  observationNoise: { kind: 'poisson', size: 0.3, correlation: { time: 0.8 } },
} satisfies Record<string, Noise>;

describe('simulate', () => {
  it.each(Object.keys(phi))('agrees with a literal implementation of both forms, with noise: %s', (name) => {
    const transfer = (['tanh', 'logistic', 'softplus', 'relu', 'identity', 'exp'] as const).find((t) => t === name);
    const f = phi[name];
    if (transfer === undefined || f === undefined) throw new Error(name);
    const units = 6;
    const steps = 9;
    const { W, Win, initial } = randomNetwork({ units, inputs: 2, gain: 0.4, seed: 8 });
    const alpha = Float64Array.of(0.1, 0.2, 0.3, 0.5, 0.9, 1);
    for (const form of ['rate', 'current'] as const) {
      const options: SimulationOptions = {
        W,
        ...(Win === undefined ? {} : { Win }),
        b: Float64Array.of(0.1, -0.2, 0.3, 0, 0.5, -0.4),
        alpha,
        steps,
        inputs: wave(steps, 2),
        initial,
        ...noises,
        seed: 12,
        form,
        transfer,
      };
      const draw = (noise: Noise, stream: string, time: number): number[] => {
        const row = new Float64Array(units);
        noiseSampler(noise, units, 12, stream)(time, row);
        return [...row];
      };
      const expected: number[] = [];
      let x = [...initial];
      for (let t = 0; t <= steps; t++) {
        const xi = draw(noises.inputNoise, 'input-noise', t);
        const eta = draw(noises.outputNoise, 'output-noise', t);
        const r = form === 'rate' ? x : x.map((value, i) => f(value) + (eta[i] ?? Number.NaN));
        expected.push(...r);
        if (t === steps) break;
        const z = currents(options, r, rowOf(wave(steps, 2), t)).map((value, i) => value + (xi[i] ?? Number.NaN));
        x = x.map((value, i) => {
          const a = alpha[i] ?? Number.NaN;
          const drive = z[i] ?? Number.NaN;
          return (1 - a) * value + a * (form === 'rate' ? f(drive) + (eta[i] ?? Number.NaN) : drive);
        });
      }
      const result = simulate(options);
      expect(maxDifference(result.latent?.data ?? [], expected)).toBeLessThan(1e-12);
      expect(maxDifference(result.finalState, x)).toBeLessThan(1e-12);
      for (let t = 0; t <= steps; t++) {
        const noise = draw(noises.observationNoise, 'observation-noise', t);
        for (let j = 0; j < units; j++) {
          expect(at(result.rates, t, j)).toBeCloseTo((expected[t * units + j] ?? 0) + (noise[j] ?? 0), 11);
        }
      }
    }
  });

  it('cut anywhere and continued, gives the single run bit for bit', () => {
    const scenario = fc.record({
      units: fc.integer({ min: 1, max: 9 }),
      steps: fc.integer({ min: 2, max: 30 }),
      cut: fc.double({ min: 0, max: 1, noNaN: true }),
      startTime: fc.integer({ min: -50, max: 2 ** 34 }),
      form: fc.constantFrom('rate' as const, 'current' as const),
      seed: fc.maxSafeInteger(),
    });
    fc.assert(
      fc.property(scenario, ({ units, steps, cut, startTime, form, seed }) => {
        const first = Math.min(steps - 1, 1 + Math.floor(cut * (steps - 1)));
        const { W, Win } = randomNetwork({ units, inputs: 1, seed });
        const inputs = wave(steps, 1);
        const base = { W, ...(Win === undefined ? {} : { Win }), alpha: 0.3, form, seed, ...noises };
        const whole = simulate({ ...base, steps, inputs, startTime });
        const before = simulate({ ...base, steps: first, inputs: rowRange(inputs, 0, first), startTime });
        const after = simulate({
          ...base,
          steps: steps - first,
          inputs: rowRange(inputs, first, steps),
          startTime: startTime + first,
          initial: before.finalState,
        });
        expect(after.finalState).toEqual(whole.finalState);
        expect([...before.rates.data]).toEqual([...whole.rates.data.subarray(0, (first + 1) * units)]);
        expect([...after.rates.data]).toEqual([...whole.rates.data.subarray(first * units)]);
      }),
    );
  });

  it('is inverted by transitions: d = tanh(W r + Win u + b) to rounding, per-unit alpha and trials included', () => {
    const scenario = fc.record({
      units: fc.integer({ min: 1, max: 7 }),
      alphas: fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 7, maxLength: 7 }),
      lengths: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 }),
      seed: fc.integer(),
    });
    fc.assert(
      fc.property(scenario, ({ units, alphas, lengths, seed }) => {
        const { W, Win } = randomNetwork({ units, inputs: 2, seed });
        const alpha = Float64Array.from(alphas.slice(0, units));
        const b = Float64Array.from({ length: units }, (_, i) => 0.1 * i);
        const base: SimulationOptions = { W, ...(Win === undefined ? {} : { Win }), b, alpha, steps: 1 };
        const inputs = wave(64, 2);
        const rates: number[] = [];
        const drive: number[] = [];
        const trials: number[] = [];
        lengths.forEach((steps, trial) => {
          const run = simulate({ ...base, steps, inputs: rowRange(inputs, 0, steps), seed: seed + trial });
          rates.push(...run.rates.data);
          drive.push(...inputs.data.subarray(0, (steps + 1) * 2));
          for (let t = 0; t <= steps; t++) trials.push(trial);
        });
        const result = transitions({
          rates: matrix(trials.length, units, Float64Array.from(rates)),
          inputs: matrix(trials.length, 2, Float64Array.from(drive)),
          alpha,
          trials,
        });
        expect(result.predictors.rows).toBe(lengths.reduce((sum, steps) => sum + steps, 0));
        for (let row = 0; row < result.predictors.rows; row++) {
          const x = rowOf(result.predictors, row);
          const z = currents(base, x.slice(0, units), x.slice(units));
          for (let j = 0; j < units; j++) {
            const error = Math.abs(at(result.targets, row, j) - Math.tanh(z[j] ?? Number.NaN));
            expect(error).toBeLessThan(1e-12 / (alpha[j] ?? Number.NaN));
          }
        }
      }),
    );
  });

  it('puts each noise where it belongs, with its size', () => {
    const units = 20;
    const steps = 3000;
    const network = randomNetwork({ units, gain: 1.5 });
    const base = { ...network, alpha: 0.1, steps };
    const gaussian = (size: number): Noise => ({ kind: 'gaussian', size });
    const tolerance = 4 / Math.sqrt(2 * steps * units);
    const residuals = (options: SimulationOptions, of: (d: number, z: number) => number): Float64Array => {
      const run = simulate(options);
      const { predictors, targets } = transitions({ rates: run.rates, alpha: 0.1 });
      const result = new Float64Array(targets.data.length);
      for (let row = 0; row < targets.rows; row++) {
        const z = currents(options, rowOf(predictors, row), []);
        for (let j = 0; j < units; j++) result[row * units + j] = of(at(targets, row, j), z[j] ?? Number.NaN);
      }
      return result;
    };
    const output = residuals({ ...base, outputNoise: gaussian(1e-2) }, (d, z) => d - Math.tanh(z));
    expect(Math.abs(deviation(output) / 1e-2 - 1)).toBeLessThan(tolerance);
    const input = residuals({ ...base, inputNoise: gaussian(1e-2) }, (d, z) => Math.atanh(d) - z);
    expect(Math.abs(deviation(input) / 1e-2 - 1)).toBeLessThan(tolerance);

    const noisy = simulate({ ...base, observationNoise: gaussian(1e-2) });
    const clean = simulate(base);
    expect(clean).not.toHaveProperty('latent');
    expect(noisy.latent).toEqual(clean.rates);
    const difference = noisy.rates.data.map((r, i) => r - (clean.rates.data[i] ?? Number.NaN));
    expect(Math.abs(deviation(difference) / 1e-2 - 1)).toBeLessThan(tolerance);
  });

  it('does not centre Poisson noise', () => {
    const run = simulate({
      W: matrix(4, 4),
      alpha: 1,
      steps: 20_000,
      transfer: 'identity',
      inputNoise: { kind: 'poisson', size: 0.2 },
      outputNoise: { kind: 'poisson', size: 0.3 },
    });
    const values = run.rates.data.subarray(4);
    const mean = values.reduce((sum, r) => sum + r, 0) / values.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(0.5 / values.length));
  });

  it('starts at the given state, else at a seeded one inside (-1, 1), and ignores a spare input row', () => {
    const network = randomNetwork({ units: 5, inputs: 1, seed: 3 });
    const given = simulate({ ...network, alpha: 0.1, steps: 4, inputs: wave(4, 1) });
    expect(rowOf(given.rates, 0)).toEqual([...network.initial]);
    const spare = simulate({ ...network, alpha: 0.1, steps: 4, inputs: wave(5, 1) });
    expect(spare.rates).toEqual(given.rates);
    const W = network.W;
    expect(rowOf(simulate({ W, alpha: 0.1, steps: 1, seed: 3 }).rates, 0)).toEqual([...network.initial]);
    const current = simulate({ W, alpha: 0.1, steps: 1, seed: 3, form: 'current' });
    expect(maxDifference(rowOf(current.rates, 0), network.initial)).toBeLessThan(1e-14);
    expect(network.initial).toEqual(randomNetwork({ units: 5, seed: 3 }).initial);
  });

  it('names the step and unit at which a run leaves the finite numbers', () => {
    const run = (): unknown =>
      simulate({
        W: matrixOf([
          [0, 0],
          [0, 1e60],
        ]),
        alpha: 1,
        steps: 50,
        initial: Float64Array.of(0, 1),
        transfer: 'relu',
      });
    expect(run).toThrow(DrnnError);
    expect(run).toThrow(/step 6, unit 1/);
  });

  it('lists every bad option at once', () => {
    const run = (): unknown =>
      simulate({
        W: matrix(2, 3),
        Win: matrix(4, 2),
        b: Float64Array.of(1),
        alpha: 2,
        steps: 0,
        inputs: matrix(7, 2),
        initial: Float64Array.of(Number.NaN, 0),
        inputNoise: { kind: 'gaussian', size: -1 },
        seed: 1.5,
      });
    expect(run).toThrow(DrnnError);
    expect(run).toThrow(
      /^W: [^]*\nWin: .*transpose[^]*\nb: [^]*\ninitial: saw NaN[^]*\nalpha: [^]*\nsteps: [^]*\ninputs: [^]*\ninputNoise.size[^]*\nseed/,
    );
    expect(() => simulate({ W: matrix(1, 1), alpha: 1, steps: 1, inputs: matrix(1, 1) })).toThrow(/^inputs[^]*Win/);
    expect(() => simulate({ W: matrix(1, 1), alpha: 1, steps: 2 ** 31 })).toThrow(/startTime/);
  });
});
