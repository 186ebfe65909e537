import { matrix, type Matrix } from '@drnn/tensor';
import { randomNetwork, simulate } from '@drnn/simulator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fit, type Fit, type FitContext } from '../index.js';
import { simulated } from './simulated-recording.test.data.js';

const units = 6;
const { rates, inputs } = simulated({ units, steps: 250, inputs: 1, inputNoise: 0.1 });

/** The recording with unit order[j] as its unit j, times sign[j]. */
const changed = (order: readonly number[], sign: readonly number[]): Matrix =>
  matrix(
    rates.rows,
    units,
    rates.data.map((_, i) => sign[i % units]! * rates.data[i - (i % units) + order[i % units]!]!),
  );

const fitted = (data: Matrix, options: FitContext): Promise<Fit> =>
  fit({ rates: data }, { alpha: 0.1, inputs, holdout: 0, ...options });

const largest = (values: Float64Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** The models must agree after the order and the signs of the units are undone. */
const expectSame = (of: Fit, base: Fit, order: readonly number[], sign: readonly number[]): void => {
  const [ours, theirs] = [of.model, base.model];
  const allowed = 1e-6 * largest(theirs.W.data);
  let worst = 0;
  for (let j = 0; j < units; j++) {
    const [i, s] = [order[j]!, sign[j]!];
    for (let k = 0; k < units; k++) {
      const expected = s * sign[k]! * theirs.W.data[i * units + order[k]!]!;
      worst = Math.max(worst, Math.abs(ours.W.data[j * units + k]! - expected));
    }
    worst = Math.max(worst, Math.abs(ours.Win.data[j]! - s * theirs.Win.data[i]!));
    worst = Math.max(worst, Math.abs(ours.b[j]! - s * theirs.b[i]!));
  }
  expect(of.solution.status).toBe('converged');
  expect(worst).toBeLessThanOrEqual(allowed);
  expect(Math.abs(of.solution.objective / base.solution.objective - 1)).toBeLessThanOrEqual(1e-9);
};

const settings: readonly (FitContext & { readonly name: string })[] = [
  { name: 'the convex estimator', estimator: 'convex' },
  { name: 'newton, capped, no clip', solver: 'newton', weights: 'capped', clip: null },
  {
    name: 'calibrated weights, centred, free diagonal',
    weights: 'calibrated',
    center: true,
    zeroDiagonal: false,
    solver: 'newton',
  },
];

describe.each(settings)('a fit with $name', (options) => {
  it('follows the order and the signs of the units', async () => {
    const base = await fitted(rates, options);
    const ordered = fc.shuffledSubarray(
      Array.from({ length: units }, (_, j) => j),
      { minLength: units },
    );
    const signs = fc.array(fc.constantFrom(-1, 1), { minLength: units, maxLength: units });
    await fc.assert(
      fc.asyncProperty(ordered, signs, async (order, sign) => {
        expectSame(await fitted(changed(order, sign), options), base, order, sign);
      }),
      { numRuns: 4 },
    );
  });

  it('has one optimum, from any start', async () => {
    const base = await fitted(rates, options);
    const identity = Array.from({ length: units }, (_, j) => j);
    const ones = identity.map(() => 1);
    const starts = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 48, maxLength: 48 });
    await fc.assert(
      fc.asyncProperty(starts, async (start) => {
        const numbers = Float64Array.from(start);
        // Only starts that satisfy the constraints; what becomes of others is a law of its own.
        for (let j = 0; j < units; j++) if (options.zeroDiagonal !== false) numbers[j * (units + 1)] = 0;
        const from = {
          W: matrix(units, units, numbers.slice(0, 36)),
          Win: matrix(units, 1, numbers.slice(36, 42)),
          b: numbers.slice(42),
        };
        expectSame(await fitted(rates, { ...options, from }), base, identity, ones);
      }),
      { numRuns: 3 },
    );
  });

  it('holds its constraints from a start that breaks them', async () => {
    const connections = matrix(units, units + 1, new Float64Array(units * (units + 1)).fill(1));
    connections.data[2] = 0;
    const from = {
      W: matrix(units, units, new Float64Array(36).fill(0.5)),
      Win: matrix(units, 1),
      b: new Float64Array(units),
    };
    const { model } = await fitted(rates, { ...options, connections, from });
    expect(model.W.data[2]).toBe(0);
    if (options.zeroDiagonal === false) return;
    for (let j = 0; j < units; j++) expect(model.W.data[j * (units + 1)]).toBe(0);
  });
});

describe('a fit with the defaults', () => {
  it('follows the order and the signs of the units', async () => {
    // A round ends at a tenth of a standard error: only float64 makes the same of the same numbers in another order.
    const options = { choosing: 'none', backend: 'cpu', precision: 'float64' } as const;
    const base = await fitted(rates, options);
    const order = [3, 0, 5, 1, 4, 2];
    const sign = [1, -1, -1, 1, -1, 1];
    expectSame(await fitted(changed(order, sign), options), base, order, sign);
  });

  it('holds its constraints from a start that breaks them', async () => {
    const from = {
      W: matrix(units, units, new Float64Array(36).fill(0.5)),
      Win: matrix(units, 1),
      b: new Float64Array(units),
    };
    const { model } = await fitted(rates, { from });
    for (let j = 0; j < units; j++) expect(model.W.data[j * (units + 1)]).toBe(0);
  });
});

describe('noiseless data', () => {
  it('without ridge or clip give back the weights to 1e-6', async () => {
    const alpha = 0.1;
    const { W, Win, initial } = randomNetwork({ units: 10, inputs: 1, gain: 2, seed: 4 });
    const drive = matrix(
      600,
      1,
      Float64Array.from({ length: 600 }, (_, t) => Math.sin(t / 7)),
    );
    if (Win === undefined) throw new Error('no input weights');
    const run = simulate({ W, Win, inputs: drive, alpha, steps: 600, initial });
    // At this gain no target is so near 1 that the bound on targets moves it.
    const result = await fit(
      { rates: run.rates },
      { alpha, inputs: drive, ridge: 0, weights: 'variance', clip: null, bias: false, scale: 'none', holdout: 0 },
    );
    const error = largest(result.model.W.data.map((w, i) => w - W.data[i]!));
    expect({ status: result.solution.status, clipped: result.targetsClipped }).toEqual({
      status: 'converged',
      clipped: 0,
    });
    expect(error / largest(W.data)).toBeLessThanOrEqual(1e-6);
    expect(largest(result.model.Win.data.map((w, i) => w - Win.data[i]!))).toBeLessThanOrEqual(1e-6);
  });
});
