import { transfers, type TransferName } from '@drnn/objectives';
import { randomNetwork, simulate, transitions, type Transitions } from '@drnn/simulator';
import { add, mapMatrix, type Matrix, matrix, mul, pointwise } from '@drnn/tensor';

/** Samples of a small random network, for tests: `units` of them, with noise, in the range of the transfer function. */
export const smallSamples = (options: {
  readonly seed: number;
  readonly units?: number;
  readonly steps?: number;
  readonly inputs?: number;
  readonly noise?: number;
  readonly transfer?: TransferName;
}): Transitions => {
  const { seed, units = 6, steps = 200, inputs = 0, noise = 0.1, transfer = 'tanh' } = options;
  const { W, Win, initial } = randomNetwork({ units, inputs, gain: 2, seed });
  const drive = matrix(
    steps,
    inputs,
    Float64Array.from({ length: steps * inputs }, (_, i) => Math.sin(0.37 * i + seed)),
  );
  const { rates } = simulate({
    W,
    ...(Win === undefined ? {} : { Win, inputs: drive }),
    initial,
    alpha: 0.3,
    steps,
    seed,
    inputNoise: { kind: 'gaussian', size: noise },
  });
  return transitions({ rates: inRange(rates, transfer), alpha: 0.3, ...(inputs > 0 ? { inputs: drive } : {}) });
};

/** Rates of tanh units moved into the range of another transfer function, with a margin for the targets. */
const inRange = (rates: Matrix, transfer: TransferName): Matrix => {
  const { low } = transfers[transfer].range;
  return low === 0
    ? mapMatrix(
        pointwise(({ z }) => add(0.5, mul(0.25, z))),
        { z: rates },
      )
    : rates;
};

/** The largest difference of two matrices, relative to the largest entry of the second. */
export const relativeDifference = (a: Matrix, b: Matrix): number => {
  const scale = b.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return a.data.reduce((most, x, i) => Math.max(most, Math.abs(x - b.data[i]!)), 0) / (scale > 0 ? scale : 1);
};

/** A deterministic [predictor, unit] matrix that keeps the zero diagonal. */
export const someTheta = (rows: number, columns: number, seed: number, size = 0.5): Matrix => {
  const result = matrix(rows, columns);
  for (let i = 0; i < result.data.length; i++) result.data[i] = size * Math.sin(12.9898 * (i + 1) + 78.233 * seed);
  for (let j = 0; j < columns; j++) result.data[j * columns + j] = 0;
  return result;
};
