import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { ModelRecord, OptionRecord } from '@drnn/recordings';
import type { Command } from 'commander';
import type { Fit } from '../fitted.js';
import { version } from '../version.js';
import type { FitFlags } from './fit-flags.js';
import { jsonValue, peakMemory } from './terminal.js';
import { usedOptions } from './used-options.js';

/** What `--json` prints. */
export const jsonOf = (result: Fit, flags: FitFlags): unknown => {
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
    device: result.device,
    precision: result.precision,
    threads: result.threads,
    polished: result.polished,
    polishSteps: result.polishSteps,
    deviceLost: result.deviceLost,
    streamed: result.streamed,
    peakMemory: peakMemory(),
    scale: {
      method: scaling.method,
      outsideBefore: scaling.outsideBefore,
      outsideAfter: scaling.outsideAfter,
      targetsClipped: result.targetsClipped,
    },
    alpha: alphaOf(result),
    intervals: intervalsOf(result),
    dropped: result.dropped,
    filling: result.filling,
    observationNoise:
      result.observationNoise === null
        ? null
        : {
            share: result.observationNoise.share,
            autocorrelation: result.observationNoise.autocorrelation,
            slope: result.observationNoise.slope,
          },
    certificate: result.certificate.verdict,
    ...estimatorOf(result),
    ridgePath: result.ridgePath,
    dale: signsOf(result),
    warnings: result.warnings,
    verdict: result.verdict,
    out: flags.out ?? null,
    report: flags.report ?? null,
  };
};

/** The estimator, and how the calibrated one came to its network. */
const estimatorOf = ({ settings, calibration }: Fit) => {
  if (calibration === null) return { estimator: settings.estimator };
  const last = calibration.rounds.at(-1);
  return {
    estimator: settings.estimator,
    effort: settings.effort,
    winner: calibration.winner,
    choice: calibration.choice,
    noise: last === undefined ? null : { ...last.levels, autocorrelationTime: last.autocorrelationTime },
    rounds: calibration.rounds.map(({ shrinkage, remaining, converged, method, newtonSteps, products }) => ({
      shrinkage,
      remaining,
      converged,
      method,
      newtonSteps,
      products,
    })),
  };
};

/** The intervals but for the errors themselves, which the model file holds. */
const intervalsOf = ({ intervals }: Pick<Fit, 'intervals'>) => {
  if (intervals === null) return null;
  const { method, medianStandardError, undetermined, check } = intervals;
  const { trustworthy, reasons } = intervals.calibration;
  return { method, medianStandardError, undetermined, check, calibration: { trustworthy, reasons } };
};

/** Alpha, and where it was looked for, how its held-out error went. */
const alphaOf = ({ alphaProfile, model, settings }: Pick<Fit, 'alphaProfile' | 'model' | 'settings'>) => {
  const { alpha } = model;
  const values = alpha.every((a) => a === alpha[0]) ? alpha[0] : Array.from(alpha);
  if (alphaProfile === null) return { mode: settings.alpha === undefined ? 'dt / tau' : 'given', values };
  const { mode, path, flat, atEnd } = alphaProfile;
  return { mode: mode === 'shared' ? 'auto' : 'auto-unit', values, path, flat, atEnd };
};

/** The signs that were chosen for Dale's law, [unit], and how clear each choice is. */
const signsOf = ({ dale }: Pick<Fit, 'dale'>) =>
  dale === null ? null : { signs: Array.from(dale.signs), clarity: Array.from(dale.clarity) };

const json = (value: unknown): ModelRecord['scores'] => JSON.parse(JSON.stringify(jsonValue(value ?? null)));

/** The options of a command as the fit used them, with whether the user gave them; for the hardware, what ran. */
export const optionsRecord = (command: Command, result: Fit): ModelRecord['options'] => {
  const options: Record<string, OptionRecord> = {};
  for (const option of command.options) {
    const name = option.attributeName();
    const value: unknown = command.getOptionValue(name);
    options[name] = { value: json(nameOfFile(value)), given: command.getOptionValueSource(name) === 'cli' };
  }
  return usedOptions({ ...options, ...hardwareRecord(command, result) }, result);
};

/** The options of the hardware, with what ran for values. */
export const hardwareRecord = (
  command: Command,
  { backend, precision, threads }: Pick<Fit, 'backend' | 'precision' | 'threads'>,
): ModelRecord['options'] =>
  Object.fromEntries(
    Object.entries({ backend, precision, threads }).map(([name, value]) => [
      name,
      { value, given: command.getOptionValueSource(name) === 'cli' },
    ]),
  );

/** The options, and how the fit went: `drnn.json` of the model. */
export const recordOf = (result: Fit, options: ModelRecord['options']): ModelRecord => {
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
      estimator: json(estimatorOf(result)),
      solver: result.solver,
      backend: result.backend,
      device: result.device,
      precision: result.precision,
      threads: result.threads,
      polished: result.polished,
      deviceLost: json(result.deviceLost),
      samples: result.samples,
      trainSamples: result.trainSamples,
      refit: result.refit,
      scaling: json({
        method: result.scaling.method,
        outsideBefore: result.scaling.outsideBefore,
        outsideAfter: result.scaling.outsideAfter,
      }),
      unitNames: json(result.unitNames),
      dale: json(signsOf(result)),
      alpha: json(alphaOf(result)),
      ridgePath: json(result.ridgePath),
      intervals: json(intervalsOf(result)),
    },
  };
};

/** The name of a file that is named with its folder; anything else, a key of the recording say, as it is. */
const nameOfFile = (value: unknown): unknown =>
  typeof value === 'string' && (existsSync(value) || existsSync(dirname(value))) ? basename(value) : value;

/** The options that the user gave, as they would be written, with names of files and not their folders. */
export const givenOptions = (command: Command, names?: readonly string[]): readonly string[] => [
  ...new Set(
    command.options.flatMap((option) => {
      const name = option.attributeName();
      if (command.getOptionValueSource(name) !== 'cli' || names?.includes(name) === false) return [];
      const value: unknown = command.getOptionValue(name);
      if (typeof value === 'boolean') {
        return value === !option.negate ? [option.long ?? ''] : [];
      }
      return [`${option.long ?? ''} ${quoted(String(nameOfFile(value)))}`];
    }),
  ),
];

/** The command that repeats a fit. */
export const commandLine = (command: Command): string =>
  [`drnn ${command.name()}`, ...command.args.map((file) => quoted(basename(file))), ...givenOptions(command)].join(' ');

const quoted = (text: string): string =>
  /^[\w.,:=+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
