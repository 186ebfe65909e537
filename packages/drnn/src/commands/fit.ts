import {
  checkWritable,
  type ModelRecord,
  numericArray,
  type NumericArray,
  readKeyOrFile,
  readModel,
  toFloat64,
  writeFileBeside,
  writeModel,
  type OptionRecord,
} from '@drnn/recordings';
import { attempt, failure, matrix, type Matrix, orThrow, together } from '@drnn/tensor';
import { type Command, Option } from 'commander';
import { basename, resolve } from 'node:path';
import { type Fit, fit } from '../fit.js';
import { choices, defaults, type FitOptions } from '../fit-options.js';
import { reportOf } from '../report-of.js';
import { version } from '../version.js';
import { number, numberOrNone, wholeNumber } from './arguments.js';
import { progress } from './progress.js';
import { exitCodes, interruptible, jsonValue, printJson, say } from './terminal.js';

interface FitFlags {
  readonly key?: string;
  readonly layout: 'time-unit' | 'unit-time' | 'trial-time-unit';
  readonly trials?: string;
  readonly inputs?: string;
  readonly connections?: string;
  readonly samples?: string;
  readonly alpha?: number;
  readonly dt?: number;
  readonly tau?: number;
  readonly scale: (typeof choices.scale)[number];
  readonly center: boolean;
  readonly loss: NonNullable<FitOptions['loss']>;
  readonly weights: (typeof choices.weights)[number];
  readonly weightCap: number;
  readonly kappa: number;
  readonly clip: number | null;
  readonly ridge: number;
  readonly bias: boolean;
  readonly zeroDiagonal: boolean;
  readonly freeDiagonal?: boolean;
  readonly missing: (typeof choices.missing)[number];
  readonly estimator: 'convex';
  readonly solver: (typeof choices.solver)[number];
  readonly accelerate: (typeof choices.accelerate)[number];
  readonly tolerance: number;
  readonly maxSteps: number;
  readonly holdout: number;
  readonly horizon?: number;
  readonly refit: boolean;
  readonly from?: string;
  readonly backend: 'cpu';
  readonly precision: (typeof choices.precision)[number];
  readonly seed: number;
  readonly out?: string;
  readonly force?: boolean;
  readonly report?: string;
  readonly json?: boolean;
}

const oneOf = (flag: string, description: string, allowed: readonly string[], byDefault: string): Option =>
  new Option(flag, description).choices(allowed).default(byDefault);

/** `drnn fit`: from recordings to a model, its scores and a report. */
export const fitCommand = (program: Command): void => {
  const command = program
    .command('fit')
    .description('fit a network to one or more recordings')
    .argument('<file...>', 'npy, npz, csv, tsv, mat, HDF5 or NWB; several files are sessions of the same units')
    .option('--key <name>', 'which array of the file (default: the only 2-D numeric array)')
    .addOption(
      oneOf('--layout <layout>', 'order of the axes', ['time-unit', 'unit-time', 'trial-time-unit'], 'time-unit'),
    )
    .option('--trials <file|key>', 'the trial of each frame, whole numbers [time]; a change starts a new trial')
    .option('--inputs <file|key>', 'inputs u [time, input]; row t drives frame t to t + 1')
    .option('--alpha <a>', 'dt / tau, in (0, 1]', number)
    .option('--dt <seconds>', "seconds between frames (default: the recording's own)", number)
    .option('--tau <seconds>', 'time constant of the units', number)
    .addOption(oneOf('--scale <rule>', 'how units are scaled before the fit', choices.scale, defaults.scale))
    .option('--center', "subtract each unit's mean", defaults.center)
    .addOption(oneOf('--loss <name>', 'matching loss of the transfer function', choices.loss, defaults.loss))
    .addOption(oneOf('--weights <rule>', 'weight of each sample', choices.weights, defaults.weights))
    .option('--weight-cap <cap>', 'largest weight, with --weights capped', number, defaults.weightCap)
    .option('--kappa <kappa>', 'ratio of noise variances, with --weights calibrated', number, defaults.kappa)
    .option('--clip <tau|none>', 'bound on the weighted slope', numberOrNone, defaults.clip)
    .option('--ridge <strength>', 'ridge per transition, over W and Win', number, defaults.ridge)
    .option('--bias', 'fit a bias for each unit', defaults.bias)
    .option('--no-bias', 'no bias')
    .option('--zero-diagonal', 'no self-connections', defaults.zeroDiagonal)
    .option('--free-diagonal', 'self-connections are fitted too')
    .option('--connections <file>', '[unit, unit + input], row = target, 1 = may be nonzero')
    .option('--samples <file|key>', '[time, unit], 1 = observed, 0 = missing')
    .addOption(oneOf('--missing <rule>', 'rows with a missing predictor', choices.missing, defaults.missing))
    .addOption(oneOf('--estimator <name>', 'the estimator', choices.estimator, defaults.estimator))
    .addOption(oneOf('--solver <name>', 'the solver', choices.solver, defaults.solver))
    .addOption(oneOf('--accelerate <how>', 'acceleration of shared-newton', choices.accelerate, defaults.accelerate))
    .option('--tolerance <size>', 'residual and relative error of the weights', number, defaults.tolerance)
    .option('--max-steps <count>', 'most steps of a fit', wholeNumber, defaults.maxSteps)
    .option(
      '--holdout <fraction>',
      'held out at the end of every trial for the scores; 0 for none',
      number,
      defaults.holdout,
    )
    .option('--horizon <frames>', 'frames between restarts of the closed loop (default: 10 tau / dt)', wholeNumber)
    .option('--no-refit', 'keep the model that was scored')
    .option('--from <model>', 'start from this model')
    .addOption(oneOf('--backend <name>', 'the hardware', choices.backend, defaults.backend))
    .addOption(oneOf('--precision <precision>', 'of the rows', choices.precision, defaults.precision))
    .option('--seed <seed>', 'kept with the model; this fit draws nothing', wholeNumber, defaults.seed)
    .option('--out <model>', 'where to write the model (npz)')
    .option('--force', 'overwrite --out and --report')
    .option('--report <file>', 'where to write the report (html)')
    .option('--json', 'print the result as one JSON object on stdout')
    .addHelpText(
      'after',
      '\nExample: drnn fit sim.npz --key r --alpha 0.1 --out model.npz --report report.html\nExit codes: 0 done, 1 bad input, 2 bad usage, 3 not converged (the model is written and says so), 130 interrupted.',
    );
  command.action(async (files: readonly string[], flags: FitFlags) => {
    process.exitCode = await runFit(files, flags, command);
  });
};

const runFit = async (files: readonly string[], flags: FitFlags, command: Command): Promise<number> => {
  const force = flags.force ?? false;
  for (const path of [flags.out, flags.report]) {
    if (path === undefined) continue;
    if (!force && files.some((file) => resolve(file) === resolve(path))) {
      throw failure({
        path,
        seen: 'an output equal to an input',
        expected: 'another name',
        hint: 'or --force to overwrite it',
      });
    }
    await checkWritable(path, { force });
  }
  const bar = progress();
  const interrupt = interruptible();
  try {
    const options = await optionsOf(files, flags, command.getOptionValueSource('solver') === 'cli');
    const from = flags.from === undefined ? {} : { from: await readModel(flags.from) };
    const result = await fit(files, {
      ...options,
      ...from,
      ...(flags.key === undefined ? {} : { key: flags.key }),
      layout: flags.layout,
      signal: interrupt.signal,
      onProgress: ({ stage, step, residual, maxSteps }) =>
        bar.update(stage, step, maxSteps, `step ${step}, residual ${residual.toExponential(1)}`),
    });
    bar.stop();
    await writeResult(result, flags, command, force);
    return exitCodeOf(result);
  } finally {
    bar.stop();
    interrupt.done();
  }
};

const exitCodeOf = ({ solution }: Fit): number =>
  solution.status === 'converged'
    ? exitCodes.done
    : solution.status === 'aborted'
      ? exitCodes.interrupted
      : exitCodes.notConverged;

const writeResult = async (result: Fit, flags: FitFlags, command: Command, force: boolean): Promise<void> => {
  const record = recordOf(result, command);
  if (flags.out !== undefined) await writeModel(flags.out, { ...result.model, record }, { force });
  if (flags.report !== undefined) {
    const html = await reportOf(result, { options: record.options, command: commandLine(command) });
    await writeFileBeside(flags.report, html, { force });
  }
  if (flags.json === true) printJson(jsonOf(result, flags));
  else process.stdout.write(`${result.summary()}\n`);
  for (const path of [flags.out, flags.report]) if (path !== undefined) say(`wrote ${path}`);
};

/** What `--json` prints. */
const jsonOf = (result: Fit, flags: FitFlags): unknown => {
  const { solution, scores, scaling } = result;
  return {
    status: solution.status,
    residual: solution.residual,
    thetaErrorBound: solution.thetaErrorBound,
    objective: solution.objective,
    steps: solution.steps,
    solver: result.solver,
    seconds: result.seconds,
    timing: result.timing,
    units: result.units,
    inputs: result.inputs,
    trials: result.trials,
    samples: result.samples,
    trainSamples: result.trainSamples,
    refit: result.refit,
    oneStepR2: scores?.oneStep ?? null,
    driveR2: scores?.drive ?? null,
    closedLoopR2: scores?.closedLoop ?? null,
    baselineR2: scores?.baseline ?? null,
    backend: result.backend,
    precision: result.precision,
    scale: {
      method: scaling.method,
      outsideBefore: scaling.outsideBefore,
      outsideAfter: scaling.outsideAfter,
      targetsClipped: result.targetsClipped,
    },
    dropped: result.dropped,
    certificate: result.certificate.verdict,
    warnings: result.warnings,
    verdict: result.verdict,
    out: flags.out ?? null,
    report: flags.report ?? null,
  };
};

/** Every option with its value and whether the user gave it, and how the fit went: `drnn.json` of the model. */
const recordOf = (result: Fit, command: Command): ModelRecord => {
  const json = (value: unknown): ModelRecord['scores'] => JSON.parse(JSON.stringify(jsonValue(value ?? null)));
  const options: Record<string, OptionRecord> = {};
  for (const option of command.options) {
    const name = option.attributeName();
    const value = command.getOptionValue(name);
    options[name] = { value: json(value), given: command.getOptionValueSource(name) === 'cli' };
  }
  const { solution } = result;
  return {
    schema: 1,
    status: solution.status,
    options,
    sources: result.sources,
    versions: { drnn: version, node: process.versions.node },
    scores: json(
      result.scores === null
        ? null
        : {
            oneStepR2: result.scores.oneStep,
            driveR2: result.scores.drive,
            closedLoopR2: result.scores.closedLoop,
            baselineR2: result.scores.baseline,
          },
    ),
    details: {
      residual: json(solution.residual),
      thetaErrorBound: json(solution.thetaErrorBound),
      objective: json(solution.objective),
      steps: solution.steps,
      solver: result.solver,
      backend: result.backend,
      precision: result.precision,
      samples: result.samples,
      trainSamples: result.trainSamples,
      refit: result.refit,
      scaling: json({
        method: result.scaling.method,
        outsideBefore: result.scaling.outsideBefore,
        outsideAfter: result.scaling.outsideAfter,
      }),
      unitNames: json(result.unitNames),
    },
  };
};

/** The command that repeats a fit, with names of files and not their folders. */
const commandLine = (command: Command): string => {
  const given = command.options.flatMap((option) => {
    const name = option.attributeName();
    if (command.getOptionValueSource(name) !== 'cli') return [];
    const value: unknown = command.getOptionValue(name);
    if (typeof value === 'boolean') {
      return value === !option.negate ? [option.long ?? ''] : [];
    }
    return [`${option.long ?? ''} ${quoted(value === null ? 'none' : basename(String(value)))}`];
  });
  return ['drnn fit', ...command.args.map((file) => quoted(basename(file))), ...new Set(given)].join(' ');
};

const quoted = (text: string): string =>
  /^[\w.,:=+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Options of the library from flags; files are read here, relative to where the user stands. */
const optionsOf = async (files: readonly string[], flags: FitFlags, solverGiven: boolean): Promise<FitOptions> => {
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
