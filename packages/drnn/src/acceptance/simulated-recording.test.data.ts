import { join } from 'node:path';
import { numericArray, type NumericArray, writeArrays, writeNpy } from '@drnn/recordings';
import { fillGaussian, randomNetwork, randomStream, simulate } from '@drnn/simulator';
import { matrix, type Matrix } from '@drnn/tensor';

/** A simulated recording and what made it. */
export interface Simulated {
  /** [time, unit]; time = steps + 1. */
  readonly rates: Matrix;
  /** [steps, input]. */
  readonly inputs: Matrix;
  readonly W: Matrix;
  readonly alpha: number;
}

interface Options {
  readonly units?: number;
  readonly steps?: number;
  readonly inputs?: number;
  readonly gain?: number;
  readonly seed?: number;
  readonly inputNoise?: number;
  readonly outputNoise?: number;
}

/** A small random network with white inputs of sd 0.5. */
export const simulated = (options: Options = {}): Simulated => {
  const {
    units = 6,
    steps = 300,
    inputs: count = 0,
    gain = 2,
    seed = 1,
    inputNoise = 0.05,
    outputNoise = 0.01,
  } = options;
  const alpha = 0.1;
  const { W, Win, initial } = randomNetwork({ units, inputs: count, gain, seed });
  const inputs = matrix(steps, count);
  const stream = randomStream(seed, 'inputs');
  for (let t = 0; t < steps; t++) fillGaussian(stream(t), 0.5, inputs.data.subarray(t * count, (t + 1) * count));
  const { rates } = simulate({
    W,
    ...(Win === undefined ? {} : { Win, inputs }),
    alpha,
    steps,
    initial,
    inputNoise: { kind: 'gaussian', size: inputNoise },
    outputNoise: { kind: 'gaussian', size: outputNoise },
    seed,
  });
  return { rates, inputs, W, alpha };
};

export const arrayOf = ({ rows, columns, data }: Matrix): NumericArray =>
  numericArray([rows, columns], Float64Array.from(data));

/** Writes a matrix as npy. */
export const writeMatrix = (folder: string, name: string, values: Matrix): Promise<void> =>
  writeNpy(join(folder, name), arrayOf(values));

/** Writes matrices as npz, each under its name. */
export const writeMatrices = (folder: string, name: string, values: Readonly<Record<string, Matrix>>): Promise<void> =>
  writeArrays(
    join(folder, name),
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, arrayOf(value)])),
  );
