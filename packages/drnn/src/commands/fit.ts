import { resolve } from 'node:path';
import { checkWritable, readModel, writeFileBeside, writeModel } from '@drnn/recordings';
import { failure } from '@drnn/tensor';
import { type Command, Option } from 'commander';
import { fit } from '../fit.js';
import type { Fit } from '../fitted.js';
import { choices, defaults } from '../fit-options.js';
import { reportOf } from '../report-of.js';
import { number, numberOrName, numberOrNone, numberOrRidgeRule, wholeNumber, wholeNumbers } from './arguments.js';
import { backendOptions } from './backend-options.js';
import type { FitFlags } from './fit-flags.js';
import { optionsOf } from './fit-input.js';
import { commandLine, jsonOf, optionsRecord, recordOf } from './fit-result.js';
import { noteOf, progress } from './progress.js';
import { structureFlags } from './structure-flags.js';
import { exitCodes, interruptible, peakMemory, printJson, say } from './terminal.js';

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
    .option('--input-lags <lags>', 'frames by which inputs act late, such as 0,1,2 (default: 0)', wholeNumbers)
    .option(
      '--alpha <a|auto|auto-unit|file|key>',
      'dt / tau, in (0, 1]; one number, or [unit]; auto: that which predicts best',
      numberOrName,
    )
    .option('--dt <seconds>', "seconds between frames (default: the recording's own)", number)
    .option('--tau <seconds|file|key>', 'time constant of the units; one number, or [unit]', numberOrName)
    .addOption(oneOf('--scale <rule>', 'how units are scaled before the fit', choices.scale, defaults.scale))
    .option('--center', "subtract each unit's mean", defaults.center)
    .addOption(oneOf('--loss <name>', 'matching loss of the transfer function', choices.loss, defaults.loss))
    .addOption(oneOf('--weights <rule>', 'weight of each sample', choices.weights, defaults.weights))
    .option('--weight-cap <cap>', 'largest weight, with --weights capped', number, defaults.weightCap)
    .option('--kappa <kappa>', 'ratio of noise variances, with --weights calibrated', number, defaults.kappa)
    .option('--clip <tau|none>', 'bound on the weighted slope', numberOrNone, defaults.clip)
    .option(
      '--ridge <strength|auto|auto-1se>',
      'ridge per transition, over W and Win; auto: that which explains held-out blocks best',
      numberOrRidgeRule,
      defaults.ridge,
    )
    .option('--bias', 'fit a bias for each unit', defaults.bias)
    .option('--no-bias', 'no bias')
    .option('--zero-diagonal', 'no self-connections', defaults.zeroDiagonal)
    .addOption(new Option('--free-diagonal', 'self-connections are fitted too').implies({ zeroDiagonal: false }))
    .option('--connections <file>', '[unit, unit + input], row = target, 1 = may be nonzero')
    .option('--samples <file|key>', '[time, unit], 1 = observed, 0 = missing')
    .option('--bad-frames <file|key>', '[time], 1 = bad: all units of the frame are missing')
    .option('--sample-weights <file|key>', '[time, unit], at least 0: weight of each target, in place of --weights')
    .option(
      '--groups <file|key>',
      'the group of each unit, text or whole numbers [unit]; kept with the model, and what --penalty groups is over',
    )
    .addOption(oneOf('--missing <rule>', 'rows with a missing predictor', choices.missing, defaults.missing))
    .addOption(oneOf('--form <form>', 'which state the leak acts on', choices.form, defaults.form))
    .option(
      '--settle <frames>',
      'with --form current, frames at the start of each trial without a row (default: until a hundredth of the start is left)',
      wholeNumber,
    )
    .addOption(
      new Option(
        '--estimator <name>',
        'noise-calibrated rounds, or one convex problem (default: calibrated; convex where loss, weights, clip, solver, a penalty, --dale or --box are named)',
      ).choices(choices.estimator),
    )
    .addOption(oneOf('--effort <effort>', 'of the calibrated estimator', choices.effort, defaults.effort))
    .addOption(
      new Option(
        '--choosing <how>',
        'how the rounds are judged against plain ridge (default: cross-validation for full, split for quick)',
      ).choices(choices.choosing),
    )
    .addOption(
      oneOf(
        '--memory <how>',
        'arrays of a calibrated round, kept or made again in every pass',
        choices.memory,
        defaults.memory,
      ),
    )
    .addOption(
      new Option(
        '--intervals <method>',
        "standard errors and 95% intervals of the weights, where the calibrated estimator's rounds won",
      ).choices(choices.intervals),
    )
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
    .option('--from <model>', 'start from this model');
  structureFlags(command);
  backendOptions(command)
    .addOption(
      oneOf('--stream <when>', 'read an npy file piece by piece, not into memory', choices.stream, defaults.stream),
    )
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
  if (flags.out !== undefined && flags.report !== undefined && resolve(flags.out) === resolve(flags.report)) {
    throw failure({ path: '--report', seen: 'the same file as --out', expected: 'a file of its own' });
  }
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
    const options = await optionsOf(files, flags, (name) => command.getOptionValueSource(name) === 'cli');
    const from = flags.from === undefined ? {} : { from: await readModel(flags.from) };
    const result = await fit(files, {
      ...options,
      ...from,
      ...(flags.key === undefined ? {} : { key: flags.key }),
      layout: flags.layout,
      signal: interrupt.signal,
      onNotice: say,
      onProgress: (now) => bar.update(now.stage, now.fraction, noteOf(now)),
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
  const record = recordOf(result, optionsRecord(command, result));
  if (flags.out !== undefined) await writeModel(flags.out, { ...result.model, record }, { force });
  if (flags.report !== undefined) {
    const html = await reportOf(result, { options: record.options, command: commandLine(command) });
    await writeFileBeside(flags.report, html, { force });
  }
  if (flags.json === true) printJson(jsonOf(result, flags));
  else process.stdout.write(`${result.summary()}\n`);
  if (result.streamed) say(`read piece by piece; at most ${(peakMemory() / 2 ** 30).toFixed(2)} GiB of memory`);
  for (const path of [flags.out, flags.report]) if (path !== undefined) say(`wrote ${path}`);
};
