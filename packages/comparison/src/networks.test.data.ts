import { type AttractorNetwork, type FixedPointOptions, fixedPoints, linearise } from '@drnn/attractors';
import { fillGaussian, randomStream } from '@drnn/simulator';
import { type Matrix, matrix } from '@drnn/tensor';
import type { Portrait } from './portrait.js';

/** Networks and sets of points of tests. Not public. */

/** Numbers ~ N(0, 1). */
export const gaussian = (rows: number, columns: number, seed: number): Matrix => {
  const a = matrix(rows, columns);
  fillGaussian(randomStream(seed, 'test')(0), 1, a.data);
  return a;
};

const frobenius = (a: Matrix): number => Math.sqrt(a.data.reduce((sum, value) => sum + value * value, 0));

/** A flip-flop of `bits`: a block of `size` units for each, W = 2 / size within it, and noise of `noise` |W|_F. */
export const flipFlop = (bits: number, size: number, noise = 0, seed = 1): AttractorNetwork => {
  const units = bits * size;
  const W = matrix(units, units);
  for (let i = 0; i < units; i++) {
    for (let j = 0; j < units; j++) {
      W.data[i * units + j] = Math.floor(i / size) === Math.floor(j / size) ? 2 / size : 0;
    }
  }
  const E = gaussian(units, units, seed);
  const factor = (noise * frobenius(W)) / frobenius(E);
  return {
    W: matrix(
      units,
      units,
      W.data.map((value, k) => value + factor * E.data[k]!),
    ),
    alpha: 0.1,
  };
};

/** The points of a network, each with its linearisation. */
export const portraitOf = (network: AttractorNetwork, options: FixedPointOptions = {}): Portrait => {
  const set = fixedPoints(network, options);
  const { input } = options;
  return {
    network,
    ...(input === undefined ? {} : { input }),
    points: set.points.map((point) => ({
      ...point,
      linearisation: linearise(network, point.state, input === undefined ? {} : { input }),
    })),
    indexSum: set.indexSum,
  };
};
