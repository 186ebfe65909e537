import { readArray, numericArray, toFloat64, type NumericArray, checkWritable, writeArrays } from '@drnn/recordings';
import { fillGaussian, type Noise, randomNetwork, randomStream, simulate } from '@drnn/simulator';
import { type Command, Option } from 'commander';
import { failure, matrix, type Matrix, refuse } from '@drnn/tensor';
import { number, wholeNumber } from './arguments.js';
import { say } from './terminal.js';

interface SimulateFlags {
  readonly units: number;
  readonly steps: number;
  readonly gain: number;
  readonly alpha: number;
  readonly inputNoise: number;
  readonly outputNoise: number;
  readonly observationNoise: number;
  readonly inputNoiseKind: Noise['kind'];
  readonly outputNoiseKind: Noise['kind'];
  readonly observationNoiseKind: Noise['kind'];
  readonly inputs?: number;
  readonly inputFile?: string;
  readonly form: 'rate' | 'current';
  readonly seed: number;
  readonly out: string;
  readonly force?: boolean;
}

const kinds = ['gaussian', 'laplace', 'poisson'];

/** `drnn simulate`: a random network and its activity, as npz. */
export const simulateCommand = (program: Command): void => {
  program
    .command('simulate')
    .description('simulate a random network and write its rates and weights')
    .option('--units <count>', 'units', wholeNumber, 100)
    .option('--steps <count>', 'time steps', wholeNumber, 3000)
    .option('--gain <g>', 'W ~ N(0, g^2 / units), zero diagonal', number, 3)
    .option('--alpha <a>', 'dt / tau, in (0, 1]', number, 0.1)
    .option('--input-noise <size>', 'noise inside the nonlinearity: sd, scale or rate', number, 0.01)
    .option('--output-noise <size>', 'noise outside the nonlinearity', number, 1e-4)
    .option('--observation-noise <size>', 'noise on the record only', number, 0)
    .addOption(new Option('--input-noise-kind <kind>', 'law of the input noise').choices(kinds).default('gaussian'))
    .addOption(new Option('--output-noise-kind <kind>', 'law of the output noise').choices(kinds).default('gaussian'))
    .addOption(
      new Option('--observation-noise-kind <kind>', 'law of the observation noise').choices(kinds).default('gaussian'),
    )
    .option('--inputs <count>', 'inputs; without --input-file they are white noise of sd 1 (default: 0)', wholeNumber)
    .option('--input-file <file>', 'inputs u [steps, input] from a file')
    .addOption(new Option('--form <form>', 'which state the leak acts on').choices(['rate', 'current']).default('rate'))
    .option('--seed <seed>', 'seed of everything that is random', wholeNumber, 1)
    .requiredOption('--out <file>', 'where to write r [steps + 1, units], W, alpha, and u and Win with inputs')
    .option('--force', 'overwrite --out')
    .action(async (flags: SimulateFlags) => {
      await checkWritable(flags.out, { force: flags.force ?? false });
      const arrays = await simulation(flags);
      await writeArrays(flags.out, arrays, { force: flags.force ?? false });
      say(
        `wrote ${flags.out}: ${Object.entries(arrays)
          .map(([name, a]) => `${name} [${a.shape.join(', ')}]`)
          .join(', ')}`,
      );
    });
};

/** The arrays of a simulation, by the names they have in the file. */
export const simulation = async (
  flags: Omit<SimulateFlags, 'out' | 'force'>,
): Promise<Readonly<Record<string, NumericArray>>> => {
  const { units, steps, alpha, seed } = flags;
  const inputs = await inputsOf(flags);
  const network = randomNetwork({ units, inputs: inputs?.columns ?? 0, gain: flags.gain, seed });
  const noise = (size: number, kind: Noise['kind']): Noise => ({ size, kind });
  const { W, Win, initial } = network;
  const { rates } = simulate({
    W,
    ...(Win === undefined ? {} : { Win }),
    ...(inputs === null ? {} : { inputs }),
    alpha,
    steps,
    // The state of the current form is the current itself.
    initial: flags.form === 'current' ? initial.map(Math.atanh) : initial,
    inputNoise: noise(flags.inputNoise, flags.inputNoiseKind),
    outputNoise: noise(flags.outputNoise, flags.outputNoiseKind),
    observationNoise: noise(flags.observationNoise, flags.observationNoiseKind),
    seed,
    form: flags.form,
  });
  return {
    r: arrayOf(rates),
    W: arrayOf(W),
    alpha: numericArray([], Float64Array.of(alpha)),
    ...(inputs === null || Win === undefined ? {} : { u: arrayOf(inputs), Win: arrayOf(Win) }),
  };
};

const inputsOf = async (flags: Omit<SimulateFlags, 'out' | 'force'>): Promise<Matrix | null> => {
  const { steps, seed } = flags;
  if (flags.inputFile === undefined) {
    const count = flags.inputs ?? 0;
    if (count === 0) return null;
    const white = matrix(steps, count);
    const stream = randomStream(seed, 'inputs');
    for (let t = 0; t < steps; t++) fillGaussian(stream(t), 1, white.data.subarray(t * count, (t + 1) * count));
    return white;
  }
  const { array } = await readArray(flags.inputFile);
  const [rows = 0, columns = 0] = array.shape;
  if (array.shape.length !== 2) {
    throw failure({
      path: flags.inputFile,
      seen: `an array of ${array.shape.length} axes`,
      expected: `[steps=${steps}, input]`,
    });
  }
  refuse([
    ...(flags.inputs !== undefined && flags.inputs !== columns
      ? [{ path: flags.inputFile, seen: `${columns} inputs`, expected: `${flags.inputs}, as --inputs says` }]
      : []),
    ...(rows < steps
      ? [{ path: flags.inputFile, seen: `${rows} rows`, expected: `one for each of the ${steps} steps` }]
      : []),
  ]);
  return matrix(steps, columns, toFloat64(array).slice(0, steps * columns));
};

/** A matrix as an array of a file. */
export const arrayOf = (a: Matrix): NumericArray => numericArray([a.rows, a.columns], a.data.slice());
