import { matrix, matrixOf } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixedPoints } from './fixed-points.js';
import { gaussianWeights } from './known-networks.test.data.js';
import { rotation } from './known-systems.js';
import { linearise } from './linearisation.js';
import { lyapunov } from './lyapunov.js';

describe('a time limit', () => {
  it('shortens the runs, which say so', () => {
    const network = { W: gaussianWeights(40, 2.5 / Math.sqrt(40), 1), alpha: 0.5 };
    const began = performance.now();
    const cut = lyapunov(network, { steps: 1e9, timeLimit: 0.2, count: 2, tolerance: 0 });
    // Without the limit: a day.
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(cut.runs.map(({ isCut }) => isCut)).toEqual([true, true]);
    expect(cut.length).toBeLessThan(1e9);
    expect(cut.exponents.every((exponent) => Number.isFinite(exponent))).toBe(true);
    const options = { steps: 500, count: 2, transient: 100, tolerance: 0 };
    const whole = lyapunov(network, { ...options, timeLimit: 1e6 });
    expect(whole).toEqual(lyapunov(network, options));
    expect(whole.isCut).toBe(false);
    const short = lyapunov(network, { steps: 1e9, timeLimit: 1e-6, count: 2 });
    expect([short.errors.includes(Infinity), short.dimension]).toEqual([true, null]);
    expect(() => lyapunov(network, { timeLimit: -1 })).toThrow(/timeLimit/);
  });
});

describe('networks', () => {
  it('that contract have the logarithms of the multipliers of their point', () => {
    const network = {
      W: gaussianWeights(6, 0.9 / Math.sqrt(6), 4),
      alpha: 0.5,
      b: gaussianWeights(3, 0.5, 5).data.slice(0, 6),
    };
    const { points } = fixedPoints(network);
    const { multipliers } = linearise(network, points[0]!.state);
    const { exponents, dimension, isConsistent, positive, isRegular, volumeError } = lyapunov(network);
    multipliers.forEach(([re, im], k) => {
      expect(Math.abs(exponents[k]! - Math.log(Math.hypot(re, im)))).toBeLessThan(1e-6);
    });
    expect([dimension, isConsistent, positive, isRegular]).toEqual([0, true, 0, true]);
    expect(volumeError).toBeLessThan(1e-9);
  });

  it('in chaos are right to mean field, 6% at N = 300 on the mean of four', () => {
    // g = 2, a = 1: lambda = 1/2 ln(g^2 <(1 - tanh^2)^2>) = 0.1547242.
    const found = [1, 2, 3, 4].map(
      (seed) =>
        lyapunov(
          { W: gaussianWeights(300, 2 / Math.sqrt(300), seed), alpha: 1 },
          { count: 1, steps: 600, transient: 50, seeds: 1, tolerance: 0 },
        ).exponents[0]!,
    );
    expect(Math.abs(found.reduce((sum, value) => sum + value, 0) / 4 / 0.1547242 - 1)).toBeLessThan(0.06);
  });

  it('on a cycle have one exponent of 0, in both forms the same', () => {
    const [rate, current] = (['rate', 'current'] as const).map((form) =>
      lyapunov({ W: matrixOf(rotation(1.5, 30)), alpha: 0.1, form }, { dt: 0.01 }),
    );
    for (const k of [0, 1]) expect(Math.abs(rate!.exponents[k]! - current!.exponents[k]!)).toBeLessThan(1e-9);
    expect([rate?.zero, rate?.positive, rate?.dimension]).toEqual([1, 0, 1]);
    expect(rate?.perTimeConstant?.[1]).toBeCloseTo(-0.457058, 5);
    expect(rate?.perSecond?.[1]).toBeCloseTo(-4.57058, 4);
  });

  it('in full have exponents that sum up to the mean of ln|det J|', () => {
    const { volumeError, exponents } = lyapunov(
      { W: gaussianWeights(40, 2.5 / Math.sqrt(40), 1), alpha: 0.3 },
      { steps: 500, transient: 200, seeds: 1 },
    );
    expect(exponents.length).toBe(40);
    expect(volumeError).toBeLessThan(1e-10);
  });

  it('have the same exponents when units are exchanged and signs changed', () => {
    const W = gaussianWeights(5, 0.7, 3);
    const b = Float64Array.of(0.3, -0.2, 0.1, 0.4, 0);
    const start = Float64Array.of(0.2, 0.1, -0.3, 0.4, 0.5);
    const reference = lyapunov({ W, alpha: 0.4, b }, { starts: matrix(1, 5, start) });
    fc.assert(
      fc.property(
        fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }),
        fc.array(fc.constantFrom(-1, 1), { minLength: 5, maxLength: 5 }),
        (order, signs) => {
          const turned = matrix(5, 5);
          for (let k = 0; k < 25; k++) {
            const [i, j] = [Math.floor(k / 5), k % 5];
            turned.data[k] = signs[i]! * signs[j]! * W.data[order[i]! * 5 + order[j]!]!;
          }
          const drive = b.map((_, i) => signs[i]! * b[order[i]!]!);
          const starts = matrix(
            1,
            5,
            start.map((_, i) => signs[i]! * start[order[i]!]!),
          );
          const { exponents, errors } = lyapunov({ W: turned, alpha: 0.4, b: drive }, { starts });
          exponents.forEach((value, k) => {
            const within = 1e-9 + 4 * (errors[k]! + reference.errors[k]!);
            expect(Math.abs(value - reference.exponents[k]!)).toBeLessThan(within);
          });
          expect(exponents[0]).toBeCloseTo(reference.exponents[0]!, 9);
        },
      ),
      { numRuns: 5 },
    );
  });

  it('with several attractors disagree between starts, and say so', () => {
    // From one side a cycle, from the other a point.
    const W = matrixOf([
      [1.5 * Math.cos(1), -1.5 * Math.sin(1), 0.6],
      [1.5 * Math.sin(1), 1.5 * Math.cos(1), 0.6],
      [0, 0, 3],
    ]);
    const starts = matrix(2, 3, Float64Array.of(0.1, 0, 0, 0.1, 0, 0.9));
    const spectrum = lyapunov({ W, alpha: 0.1 }, { starts });
    expect(spectrum.runs.length).toBe(2);
    const [one, two] = spectrum.runs;
    const isSame = Math.abs(one!.exponents[0]! - two!.exponents[0]!) < 1e-6;
    expect(spectrum.isConsistent).toBe(isSame);
  });

  it('that are driven have exponents given the input', () => {
    const inputs = matrix(400, 1);
    for (let t = 0; t < 400; t++) inputs.data[t] = 3 * Math.sin(t / 7);
    const network = { W: gaussianWeights(20, 1.8 / Math.sqrt(20), 1), alpha: 0.3, Win: gaussianWeights(20, 1, 2) };
    const Win = matrix(20, 1, network.Win.data.slice(0, 20));
    const held = lyapunov({ ...network, Win }, { count: 2, seeds: 1, steps: 4000 });
    const driven = lyapunov({ ...network, Win }, { count: 2, seeds: 2, inputs, steps: 4000 });
    expect(driven.exponents[0]).toBeLessThan(Math.min(0, held.exponents[0]!));
    expect(driven.isConsistent).toBe(true);
    expect(() => lyapunov({ ...network, Win }, { inputs: matrix(5, 2) })).toThrow(/inputs/);
  });

  it('without weights lose every direction at once', () => {
    const { exponents, dimension } = lyapunov({ W: matrix(3, 3), alpha: 1 }, { steps: 100 });
    expect([...exponents]).toEqual([-Infinity, -Infinity, -Infinity]);
    expect(dimension).toBe(0);
    const leaky = lyapunov({ W: matrix(3, 3), alpha: 0.5 }, { steps: 1000 });
    for (const exponent of leaky.exponents) expect(exponent).toBeCloseTo(Math.log(0.5), 12);
  });
});
