import { basename } from 'node:path';
import { type NumericArray, readKeyOrFile, readLabels, toFloat64 } from '@drnn/recordings';
import { failure, matrix, type Matrix } from '@drnn/tensor';
import { attempt, orThrow, together } from '@drnn/tensor/checked';
import type { FitOptions } from '../fit-options.js';
import type { StructureOptions } from '../structure-options.js';
import type { FitFlags } from './fit-flags.js';

/** Options of the library from flags; files are read here, relative to where the user stands. */
export const optionsOf = async (
  files: readonly string[],
  flags: FitFlags,
  isGiven: (option: string) => boolean,
): Promise<FitOptions> => {
  const optional = <Value>(name: string | undefined, use: (arrays: readonly NumericArray[], name: string) => Value) =>
    attempt(async () => (name === undefined ? undefined : use(await readEach(files, name), name)));
  const perUnit = (given: number | string | undefined) =>
    typeof given === 'string' ? optional(given, ([array], name) => asVector(array, name)) : attempt(async () => given);
  const named = (rule: 'auto' | 'auto-unit') => attempt(async () => rule);
  const { trials, inputs, observed, connections, groups, signs, badFrames, sampleWeights, alpha, tau } = orThrow(
    await together({
      trials: optional(flags.trials, joined),
      badFrames: optional(flags.badFrames, joined),
      sampleWeights: optional(flags.sampleWeights, (arrays, name) =>
        stack(arrays.map((array) => asRows(array, name, '[time, unit]'))),
      ),
      alpha: flags.alpha === 'auto' || flags.alpha === 'auto-unit' ? named(flags.alpha) : perUnit(flags.alpha),
      tau: perUnit(flags.tau),
      inputs: optional(flags.inputs, (arrays, name) => {
        const parts = arrays.map((array) => asRows(array, name, '[time, input]'));
        return parts.length === 1 && parts[0] !== undefined ? parts[0] : parts;
      }),
      observed: optional(flags.samples, (arrays, name) =>
        stack(arrays.map((array) => asRows(array, name, '[time, unit]'))),
      ),
      connections: optional(flags.connections, ([array], name) => asConnections(array, name)),
      groups: attempt(async () => (flags.groups === undefined ? undefined : readGroups(files, flags.groups))),
      signs: optional(flags.dale === 'auto' ? undefined : flags.dale, ([array], name) => asUnits(array, name)),
    })(),
  );
  // What an option means can depend on whether it was named: defaults are left to the library.
  const given = (options: FitOptions): FitOptions =>
    Object.fromEntries(Object.entries(options).filter(([name]) => isGiven(name)));
  return {
    ...(alpha === undefined ? {} : { alpha }),
    ...(flags.dt === undefined ? {} : { dt: flags.dt }),
    ...(tau === undefined ? {} : { tau }),
    ...(flags.inputLags === undefined ? {} : { inputLags: flags.inputLags }),
    ...(badFrames === undefined ? {} : { badFrames }),
    ...(sampleWeights === undefined ? {} : { sampleWeights }),
    ...(trials === undefined ? {} : { trials }),
    ...(inputs === undefined ? {} : { inputs }),
    ...(observed === undefined ? {} : { observed }),
    ...(connections === undefined ? {} : { connections }),
    ...(groups === undefined ? {} : { groups }),
    ...(flags.horizon === undefined ? {} : { horizon: flags.horizon }),
    ...structureOf(flags, signs),
    scale: flags.scale,
    center: flags.center,
    ...given({
      loss: flags.loss,
      weights: flags.weights,
      weightCap: flags.weightCap,
      kappa: flags.kappa,
      clip: flags.clip === 'none' ? null : flags.clip,
      solver: flags.solver,
      effort: flags.effort,
      memory: flags.memory,
      tolerance: flags.tolerance,
      maxSteps: flags.maxSteps,
    }),
    ridge: flags.ridge,
    bias: flags.bias,
    zeroDiagonal: flags.zeroDiagonal,
    missing: flags.missing,
    form: flags.form,
    ...(flags.settle === undefined ? {} : { settle: flags.settle }),
    ...(flags.estimator === undefined ? {} : { estimator: flags.estimator }),
    ...(flags.choosing === undefined ? {} : { choosing: flags.choosing }),
    ...(flags.intervals === undefined ? {} : { intervals: flags.intervals }),
    accelerate: flags.accelerate,
    holdout: flags.holdout,
    refit: flags.refit,
    backend: flags.backend,
    ...(flags.fallback === undefined ? {} : { fallback: flags.fallback }),
    ...(flags.precision === undefined ? {} : { precision: flags.precision }),
    ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    polish: flags.polish,
    stream: flags.stream,
    seed: flags.seed,
  };
};

const structureOf = (
  { penalty, l1, l1Ratio, nuclear, dale, box }: FitFlags,
  signs: Float64Array | undefined,
): StructureOptions => ({
  ...(penalty === undefined ? {} : { penalty }),
  ...(l1 === undefined ? {} : { l1 }),
  ...(l1Ratio === undefined ? {} : { l1Ratio }),
  ...(nuclear === undefined ? {} : { nuclear }),
  ...(signs === undefined ? {} : { dale: signs }),
  ...(dale === 'auto' ? { dale } : {}),
  ...(box === undefined ? {} : { box: { low: box[0], high: box[1] } }),
});

/** An array by its key in each of the recordings, or the one of a file of its own. */
const readEach = async (files: readonly string[], name: string): Promise<readonly NumericArray[]> => {
  const [first, ...others] = files;
  if (first === undefined) throw failure({ path: 'recording', seen: 'no file', expected: 'at least one' });
  const { array, source } = await readKeyOrFile(first, name);
  const arrays = [array];
  if (source.key !== name || source.fileName !== basename(first)) return arrays;
  for (const file of others) arrays.push((await readKeyOrFile(file, name)).array);
  return arrays;
};

/** The label of each unit, from the first recording or a file of its own. */
const readGroups = async ([first]: readonly string[], name: string): Promise<readonly string[]> => {
  if (first === undefined) throw failure({ path: 'recording', seen: 'no file', expected: 'at least one' });
  return readLabels(first, name);
};

/** Rows over time: a vector is a single column; the trials of [trial, time, column] follow each other. */
const asRows = (array: NumericArray, path: string, expected: string): Matrix => {
  const { shape } = array;
  const columns = shape.length === 1 ? 1 : shape.at(-1);
  if (shape.length < 1 || shape.length > 3 || columns === undefined) {
    throw failure({ path, seen: `an array of ${shape.length} axes [${shape.join(', ')}]`, expected });
  }
  const rows = (shape[0] ?? 0) * (shape.length === 3 ? (shape[1] ?? 0) : 1);
  return matrix(rows, columns, toFloat64(array));
};

/** Numbers over time, one recording after the other. */
const joined = (arrays: readonly NumericArray[]): Float64Array =>
  Float64Array.from(arrays.flatMap((array) => [...toFloat64(array)]));

/** A number a unit; an array of one number is that number, for all units. */
const asVector = (array: NumericArray | undefined, path: string): number | Float64Array => {
  const values = array === undefined ? new Float64Array(0) : toFloat64(array);
  const axes = array?.shape.filter((axis) => axis !== 1) ?? [];
  if (axes.length > 1 || values.length === 0) {
    throw failure({ path, seen: `an array [${array?.shape.join(', ')}]`, expected: 'a number, or [unit]' });
  }
  return array?.shape.length === 0 ? (values[0] ?? Number.NaN) : values;
};

const stack = (parts: readonly Matrix[]): Matrix => {
  const columns = parts[0]?.columns ?? 0;
  const data = Float64Array.from(parts.flatMap((part) => [...part.data]));
  return matrix(columns === 0 ? 0 : data.length / columns, columns, data);
};

/** A number for each unit. */
const asUnits = (array: NumericArray | undefined, path: string): Float64Array => {
  const values = asVector(array, path);
  return typeof values === 'number' ? Float64Array.of(values) : values;
};

const asConnections = (array: NumericArray | undefined, path: string): Matrix => {
  const [rows, columns] = array?.shape ?? [];
  if (array === undefined || array.shape.length !== 2 || rows === undefined || columns === undefined) {
    throw failure({ path, seen: `an array [${array?.shape.join(', ')}]`, expected: '[unit, unit + input]' });
  }
  return matrix(rows, columns, toFloat64(array));
};
