import { fillGaussian, randomStream } from '@drnn/simulator';
import { type Matrix, matrix } from '@drnn/tensor';

/** Networks of tests whose fixed points are known. Not public. */

/** W_ij of a rule. */
export const weights = (units: number, rule: (i: number, j: number) => number): Matrix =>
  matrix(
    units,
    units,
    Float64Array.from({ length: units * units }, (_, k) => rule(Math.floor(k / units), k % units)),
  );

/** The three networks fixed-point-finder is tested on, for N = 2, 3, 4, and their kind: a symmetric Hankel matrix. */
export const hankelNetwork = (units: number): Matrix =>
  weights(units, (i, j) => 1 - (2 * ((i + j) % units)) / (units - 1));

/** All 3^N states of -1, 0 and 1, `[start, unit]`. */
export const gridOfThree = (units: number): Matrix => {
  const rows = 3 ** units;
  const grid = matrix(rows, units);
  for (let k = 0; k < grid.data.length; k++) {
    grid.data[k] = (Math.floor(Math.floor(k / units) / 3 ** (k % units)) % 3) - 1;
  }
  return grid;
};

/** W_ij ~ N(0, deviation^2). */
export const gaussianWeights = (units: number, deviation: number, seed: number): Matrix => {
  const W = matrix(units, units);
  fillGaussian(randomStream(seed, 'W')(0), deviation, W.data);
  return W;
};

/** A flip-flop of `bits`: a block of `size` units for each, W = 2 / size within it, and noise of `noise` |W|_F. */
export const flipFlop = (bits: number, size: number, noise = 0, seed = 1): Matrix => {
  const W = weights(bits * size, (i, j) => (Math.floor(i / size) === Math.floor(j / size) ? 2 / size : 0));
  if (noise === 0) return W;
  const units = bits * size;
  const E = gaussianWeights(units, 1, seed);
  const length = (a: Matrix): number => Math.sqrt(a.data.reduce((sum, value) => sum + value * value, 0));
  const factor = (noise * length(W)) / length(E);
  return matrix(
    units,
    units,
    W.data.map((value, k) => value + factor * E.data[k]!),
  );
};
