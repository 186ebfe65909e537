import { DrnnError } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { cat, henon, logistic, lorenz, rossler, stuartLandau } from './known-systems.js';
import { kaplanYorkeDimension, lyapunovSpectrum, type LyapunovSpectrum } from './lyapunov-spectrum.js';
import { mapOf } from './iterated-map.js';

const expectExponents = (
  { exponents }: LyapunovSpectrum,
  wanted: readonly number[],
  within: readonly number[],
): void => {
  expect(exponents.length).toBe(wanted.length);
  wanted.forEach((value, k) => expect(Math.abs(exponents[k]! - value)).toBeLessThan(within[k] ?? 0));
};

describe('maps', () => {
  it('logistic, r = 4: ln 2', () => {
    const spectrum = lyapunovSpectrum(logistic(4), Float64Array.of(0.3), { length: 2e5 });
    expectExponents(spectrum, [Math.LN2], [1e-5]);
    expect([spectrum.isRegular, spectrum.positive]).toEqual([false, 1]);
  });

  it('logistic, r = 3.2: the multiplier 0.16 of its 2-cycle', () => {
    const spectrum = lyapunovSpectrum(logistic(3.2), Float64Array.of(0.3));
    expectExponents(spectrum, [Math.log(0.16) / 2], [1e-10]);
    expect([spectrum.isRegular, spectrum.positive, spectrum.dimension]).toEqual([true, 0, 0]);
  });

  it("Arnold's cat: ln((3 +- sqrt 5) / 2)", () => {
    const exact = Math.log((3 + Math.sqrt(5)) / 2);
    const spectrum = lyapunovSpectrum(cat(), Float64Array.of(0.1, 0.37));
    expectExponents(spectrum, [exact, -exact], [1e-12, 1e-12]);
    expect(spectrum.dimension).toBe(2);
  });

  it('Henon', () => {
    const spectrum = lyapunovSpectrum(henon(), Float64Array.of(0.1, 0.1), { length: 1e6 });
    expectExponents(spectrum, [0.41927, -1.62325], [1e-3, 1e-3]);
    expect(spectrum.exponents[0]! + spectrum.exponents[1]!).toBeCloseTo(Math.log(0.3), 12);
    expect(spectrum.volumeError).toBeLessThan(1e-9);
    expect(spectrum.dimension).toBeCloseTo(1.2583, 2);
    expect(spectrum.errors[0]).toBeLessThan(1e-3);
  });

  it('fewer exponents are the first of all', () => {
    const start = Float64Array.of(0.1, 0.1);
    const [one, two] = [1, 2].map((count) => lyapunovSpectrum(henon(), start, { count, length: 1e4 }));
    expect(Math.abs((one?.exponents[0] ?? 0) - (two?.exponents[0] ?? 1))).toBeLessThan(2e-3);
    expect(one?.dimension).toBeNull();
  });

  it('a direction that is lost has the exponent -Infinity, and nothing becomes NaN', () => {
    const zero = mapOf({ dimension: 2, image: (_, out) => out.fill(0), jacobian: (_, { data }) => data.fill(0) });
    const spectrum = lyapunovSpectrum(zero, Float64Array.of(1, 1), { length: 100 });
    expect([...spectrum.exponents]).toEqual([-Infinity, -Infinity]);
    expect([spectrum.volumeError, spectrum.dimension, spectrum.positive]).toEqual([0, 0, 0]);
  });

  it('a rotation of the plane has two exponents of zero', () => {
    const [c, s] = [Math.cos(1), Math.sin(1)];
    const turn = mapOf({
      dimension: 2,
      image: (x, out) => out.set([c * x[0]! - s * x[1]!, s * x[0]! + c * x[1]!]),
      jacobian: (_, { data }) => data.set([c, -s, s, c]),
    });
    const spectrum = lyapunovSpectrum(turn, Float64Array.of(1, 0));
    expectExponents(spectrum, [0, 0], [1e-12, 1e-12]);
    expect([spectrum.zero, spectrum.positive]).toEqual([2, 0]);
  });

  it('an orbit that runs away is refused, and a start that is not one', () => {
    expect(() => lyapunovSpectrum(logistic(5), Float64Array.of(0.3))).toThrow(DrnnError);
    expect(() => lyapunovSpectrum(logistic(3), Float64Array.of(Number.NaN))).toThrow(DrnnError);
    expect(() => lyapunovSpectrum(logistic(3), Float64Array.of(0.1), { count: 2 })).toThrow(DrnnError);
  });
});

describe('flows', () => {
  it.each([
    [0.1, 1],
    [1, 2],
  ])('normal form of a Hopf bifurcation, mu = %d: 0 and -2 mu', (mu, w) => {
    const spectrum = lyapunovSpectrum(stuartLandau(mu, w), Float64Array.of(0.1, 0.3), { length: 500, transient: 300 });
    expectExponents(spectrum, [0, -2 * mu], [1e-8, 1e-8]);
    expect([spectrum.isRegular, spectrum.zero, spectrum.positive]).toEqual([true, 1, 0]);
  });

  it('Lorenz, to what a short run gives', () => {
    const spectrum = lyapunovSpectrum(lorenz(), Float64Array.of(1, 1, 20), { length: 1000 });
    expectExponents(spectrum, [0.9056, 0, -14.5723], [0.02, 2e-3, 0.02]);
    expect(spectrum.volumeError).toBeLessThan(1e-9);
    expect([spectrum.positive, spectrum.zero, spectrum.isRegular]).toEqual([1, 1, false]);
    expect(spectrum.dimension).toBeCloseTo(2.062, 2);
  });

  it('Rossler, to what a short run gives', () => {
    const spectrum = lyapunovSpectrum(rossler(), Float64Array.of(1, 1, 0), { length: 2000 });
    expectExponents(spectrum, [0.0714, 0, -5.394], [0.015, 2e-3, 0.02]);
  });
});

describe('the dimension of Kaplan and Yorke', () => {
  it.each([
    [[-1, -2], true, 0],
    [[0, -1], true, 1],
    [[0.5, 0, -1], true, 2.5],
    [[0.4, 0.1], true, 2],
    [[0.4, 0.1], false, null],
  ] as const)('of %j is, all taken %s, %s', (exponents, isAll, wanted) => {
    expect(kaplanYorkeDimension(exponents, isAll)).toBe(wanted);
  });
});
