import { join } from 'node:path';
import { numericArray, writeArrays } from '@drnn/recordings';
import { randomStream, simulate, uniform } from '@drnn/simulator';
import { type Matrix, matrix } from '@drnn/tensor';

export interface FlipFlopOptions {
  readonly bits?: number;
  /** Units of each bit. */
  readonly size?: number;
  readonly steps?: number;
  /** Standard deviation of the noise in the currents. */
  readonly noise?: number;
  /** Of the recording, not of the network. */
  readonly seed?: number;
}

/**
 * A flip-flop whose 3^bits fixed points are known, W = 2 / size within the block of each bit, and a recording of it that
 * visits all corners: pulses of 20 steps and either sign, one in some hundred steps for each bit. Written to
 * `folder/name` with r, u, W, Win and alpha: a recording and a model at once.
 */
export const writeFlipFlop = async (folder: string, name: string, options: FlipFlopOptions = {}): Promise<Matrix> => {
  const { bits = 3, size = 8, steps = 8000, noise = 0.2, seed = 1 } = options;
  const units = bits * size;
  const block = (unit: number): number => Math.floor(unit / size);
  const W = matrix(units, units);
  const Win = matrix(units, bits);
  for (let i = 0; i < units; i++) {
    for (let j = 0; j < units; j++) W.data[i * units + j] = block(i) === block(j) ? 2 / size : 0;
    Win.data[i * bits + block(i)] = 1;
  }
  const inputs = matrix(steps, bits);
  const generator = randomStream(seed, 'pulses')(0);
  for (let bit = 0; bit < bits; bit++) {
    let left = 0;
    let height = 0;
    for (let t = 0; t < steps; t++) {
      if (left === 0 && uniform(generator) < 0.01) [left, height] = [20, uniform(generator) < 0.5 ? -1.5 : 1.5];
      if (left > 0) {
        inputs.data[t * bits + bit] = height;
        left -= 1;
      }
    }
  }
  const inputNoise = { kind: 'gaussian', size: noise } as const;
  const { rates } = simulate({ W, Win, inputs, alpha: 0.1, steps, inputNoise, seed });
  const array = ({ rows, columns, data }: Matrix): ReturnType<typeof numericArray> =>
    numericArray([rows, columns], data);
  await writeArrays(join(folder, name), {
    r: array(rates),
    u: array(inputs),
    W: array(W),
    Win: array(Win),
    alpha: numericArray([], Float64Array.of(0.1)),
  });
  return rates;
};
