import { basename } from 'node:path';
import { numericArray, type NumericArray, readKeyOrFile, toFloat64 } from '@drnn/recordings';
import { attempt, failure, matrix, type Matrix, orThrow, together } from '@drnn/tensor';
import type { FitOptions } from '../fit-options.js';
import type { FitFlags } from './fit-flags.js';

/** Options of the library from flags; files are read here, relative to where the user stands. */
export const optionsOf = async (
  files: readonly string[],
  flags: FitFlags,
  solverGiven: boolean,
): Promise<FitOptions> => {
  const optional = <Value>(name: string | undefined, use: (array: NumericArray, name: string) => Value) =>
    attempt(async () => (name === undefined ? undefined : use(await readFromAll(files, name), name)));
  const asMatrixOf = (expected: string) => (array: NumericArray, name: string) => asMatrix(array, name, expected);
  const { trials, inputs, observed, connections } = orThrow(
    await together({
      trials: optional(flags.trials, toFloat64),
      inputs: optional(flags.inputs, asMatrixOf('[time, input]')),
      observed: optional(flags.samples, asMatrixOf('[time, unit]')),
      connections: optional(flags.connections, asMatrixOf('[unit, unit + input]')),
    })(),
  );
  return {
    ...(flags.alpha === undefined ? {} : { alpha: flags.alpha }),
    ...(flags.dt === undefined ? {} : { dt: flags.dt }),
    ...(flags.tau === undefined ? {} : { tau: flags.tau }),
    ...(trials === undefined ? {} : { trials }),
    ...(inputs === undefined ? {} : { inputs }),
    ...(observed === undefined ? {} : { observed }),
    ...(connections === undefined ? {} : { connections }),
    ...(flags.horizon === undefined ? {} : { horizon: flags.horizon }),
    scale: flags.scale,
    center: flags.center,
    loss: flags.loss,
    weights: flags.weights,
    weightCap: flags.weightCap,
    kappa: flags.kappa,
    clip: flags.clip,
    ridge: flags.ridge,
    bias: flags.bias,
    zeroDiagonal: flags.freeDiagonal !== true,
    missing: flags.missing,
    estimator: flags.estimator,
    ...(solverGiven ? { solver: flags.solver } : {}),
    accelerate: flags.accelerate,
    tolerance: flags.tolerance,
    maxSteps: flags.maxSteps,
    holdout: flags.holdout,
    refit: flags.refit,
    backend: flags.backend,
    precision: flags.precision,
    seed: flags.seed,
  };
};

/** An array by its key in the recordings, their rows one after the other, or from a file of its own. */
const readFromAll = async (files: readonly string[], name: string): Promise<NumericArray> => {
  const [first, ...others] = files;
  if (first === undefined) throw failure({ path: 'recording', seen: 'no file', expected: 'at least one' });
  const { array, source } = await readKeyOrFile(first, name);
  if (others.length === 0 || source.key !== name || source.fileName !== basename(first)) return array;
  const arrays = [array];
  for (const file of others) arrays.push((await readKeyOrFile(file, name)).array);
  const [rows = 0, ...rest] = array.shape;
  const different = arrays.findIndex((other) => other.shape.slice(1).join() !== rest.join());
  if (different > 0) {
    throw failure({
      path: `${name} of ${files[different]}`,
      seen: `[${arrays[different]?.shape.join(', ')}]`,
      expected: `[time, ${rest.join(', ')}], as in ${first}`,
    });
  }
  const total = arrays.reduce((sum, other) => sum + (other.shape[0] ?? 0), 0);
  const perRow = array.data.length / Math.max(1, rows);
  const data = new Float64Array(total * perRow);
  let at = 0;
  for (const other of arrays) {
    data.set(toFloat64(other), at);
    at += other.data.length;
  }
  return numericArray([total, ...rest], data);
};

const asMatrix = (array: NumericArray, path: string, expected: string): Matrix => {
  const [rows, columns] = array.shape;
  if (array.shape.length === 2 && rows !== undefined && columns !== undefined) {
    return matrix(rows, columns, toFloat64(array));
  }
  throw failure({ path, seen: `an array of ${array.shape.length} axes [${array.shape.join(', ')}]`, expected });
};
