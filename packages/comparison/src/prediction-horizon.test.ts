import { type Matrix, matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { predictionHorizon } from './prediction-horizon.js';

type State = readonly [number, number, number];

/** Lorenz's flow, one step of Runge and Kutta's method. */
const lorenz = (at: State, dt: number): State => {
  const slope = ([x, y, z]: State): State => [10 * (y - x), x * (28 - z) - y, x * y - (8 / 3) * z];
  const moved = (by: State, h: number): State => [at[0] + h * by[0], at[1] + h * by[1], at[2] + h * by[2]];
  const a = slope(at);
  const b = slope(moved(a, dt / 2));
  const c = slope(moved(b, dt / 2));
  const d = slope(moved(c, dt));
  const mean = (k: 0 | 1 | 2): number => at[k] + (dt / 6) * (a[k] + 2 * b[k] + 2 * c[k] + d[k]);
  return [mean(0), mean(1), mean(2)];
};

const run = (from: State, steps: number, dt: number): Matrix => {
  const result = matrix(steps + 1, 3);
  let at = from;
  for (let t = 0; t <= steps; t++) {
    result.data.set(at, 3 * t);
    at = lorenz(at, dt);
  }
  return result;
};

describe('predictionHorizon', () => {
  it('is ln(0.4 / e0) / lambda on the Lorenz attractor', () => {
    const dt = 0.01;
    const long = run([1, 1, 20], 40_000, dt);
    let [mean, square] = [[0, 0, 0], 0];
    for (let k = 0; k < long.data.length; k++) mean[k % 3]! += long.data[k]! / long.rows;
    for (let k = 0; k < long.data.length; k++) square += (long.data[k]! - mean[k % 3]!) ** 2 / long.rows;
    const spread = Math.sqrt(square);
    const starts = Array.from({ length: 60 }, (_, k): State => {
      const at = 3 * (1000 + 600 * k);
      return [long.data[at]!, long.data[at + 1]!, long.data[at + 2]!];
    });
    const truth = starts.map((at) => run(at, 3000, dt));
    const predicted = starts.map(([x, y, z], k) => {
      const angle = k;
      return run([x + 1e-6 * spread * Math.cos(angle), y + 1e-6 * spread * Math.sin(angle), z], 3000, dt);
    });
    const [horizon] = predictionHorizon(truth, predicted, { thresholds: [0.4], spread });
    const wanted = Math.log(0.4 / 1e-6) / 0.9056;
    expect(Math.abs(wanted - 14.24)).toBeLessThan(0.01);
    expect(Math.abs(((horizon?.median ?? 0) * dt) / wanted - 1)).toBeLessThan(0.2);
    expect(horizon?.censored).toBe(0);
  });

  it('counts the first step beyond, and runs that never are', () => {
    const truth = matrix(5, 1, Float64Array.of(1, -1, 1, -1, 1));
    const off = matrix(5, 1, Float64Array.of(1, -1, 1, 0, 1));
    const [one, other] = predictionHorizon([truth, truth, truth], [off, off, truth], {
      thresholds: [0.5, 2],
      spread: 1,
    });
    expect(one).toEqual({ threshold: 0.5, median: 3, censored: 1, runs: 3 });
    expect(other).toEqual({ threshold: 2, median: 4, censored: 3, runs: 3 });
    const lost = matrix(5, 1, Float64Array.of(1, Number.NaN, 1, 0, 1));
    expect(predictionHorizon([truth], [lost], { spread: 1 })[0]?.median).toBe(1);
    expect(() => predictionHorizon([truth], [matrix(4, 1)])).toThrow('shape');
    expect(() => predictionHorizon([], [])).toThrow('at least one');
    expect(() => predictionHorizon([matrix(5, 1)], [truth])).toThrow('varies');
  });
});
