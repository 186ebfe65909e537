import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { randomNetwork, simulate } from '@drnn/simulator';
import { checkWritable, numericArray, writeArrays, writeFileBeside, writeModel } from '@drnn/recordings';
import type { Command } from 'commander';
import { correlation } from '../correlation.js';
import { fit } from '../fit.js';
import { defaults } from '../fit-options.js';
import { number, wholeNumber } from './arguments.js';
import { backendOptions } from './backend-options.js';
import type { FitFlags } from './fit-flags.js';
import { givenOptions, hardwareRecord, recordOf } from './fit-result.js';
import { noteOf, progress } from './progress.js';
import { reportOf } from '../report-of.js';
import { arrayOf } from './simulate.js';
import { usedOptions } from './used-options.js';
import { exitCodes, interruptible, say } from './terminal.js';

interface DemoFlags extends Pick<FitFlags, 'backend' | 'fallback' | 'threads' | 'precision' | 'polish'> {
  readonly units: number;
  readonly steps: number;
  readonly gain: number;
  readonly seed: number;
  readonly folder: string;
}

/** Where the demo writes, and may overwrite what an earlier one wrote. */
const ownFolder = 'drnn-demo';

/** `drnn demo`: simulate, fit, report, and how near the weights came. */
export const demoCommand = (program: Command): void => {
  const command = program
    .command('demo')
    .description('simulate a chaotic network, fit it, and write a report')
    .option('--units <count>', 'units', wholeNumber, 60)
    .option('--steps <count>', 'time steps', wholeNumber, 4000)
    .option('--gain <g>', 'gain of the random weights; above 1 the network is chaotic', number, 3)
    .option('--seed <seed>', 'seed', wholeNumber, 1)
    .option('--folder <folder>', 'where to write', ownFolder);
  backendOptions(command).action(async (flags: DemoFlags) => {
    const alpha = 0.1;
    const { W, initial } = randomNetwork({ units: flags.units, gain: flags.gain, seed: flags.seed });
    say(`A random network of ${flags.units} units, gain ${flags.gain}, runs for ${flags.steps} steps with noise.`);
    const { rates } = simulate({
      W,
      alpha,
      steps: flags.steps,
      initial,
      inputNoise: { kind: 'gaussian', size: 0.01 },
      outputNoise: { kind: 'gaussian', size: 1e-4 },
      seed: flags.seed,
    });
    await mkdir(flags.folder, { recursive: true });
    const at = (name: string): string => join(flags.folder, name);
    // Only the demo's own folder is overwritten; anything else may hold what a user wants to keep.
    const force = flags.folder === ownFolder;
    for (const name of ['recording.npz', 'model.npz', 'report.html']) await checkWritable(at(name), { force });
    const recording = { r: arrayOf(rates), W: arrayOf(W), alpha: numericArray([], Float64Array.of(alpha)) };
    await writeArrays(at('recording.npz'), recording, { force });
    const bar = progress();
    const interrupt = interruptible();
    try {
      const result = await fit(at('recording.npz'), {
        key: 'r',
        alpha,
        signal: interrupt.signal,
        backend: flags.backend,
        ...(flags.fallback === undefined ? {} : { fallback: flags.fallback }),
        ...(flags.precision === undefined ? {} : { precision: flags.precision }),
        ...(flags.threads === undefined ? {} : { threads: flags.threads }),
        polish: flags.polish,
        onNotice: say,
        onProgress: (now) => bar.update(now.stage, now.fraction, noteOf(now)),
      });
      bar.stop();
      const line = [
        'drnn fit recording.npz --key r --alpha 0.1 --out model.npz --report report.html',
        ...givenOptions(command, ['backend', 'fallback', 'threads', 'precision', 'polish']),
      ].join(' ');
      const named = {
        key: { value: 'r', given: true },
        alpha: { value: alpha, given: true },
        ...Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, { value, given: false }])),
        polish: { value: flags.polish, given: !flags.polish },
        ...hardwareRecord(command, result),
      };
      const options = usedOptions(named, result);
      await writeModel(at('model.npz'), { ...result.model, record: recordOf(result, options) }, { force });
      await writeFileBeside(at('report.html'), await reportOf(result, { options, command: line }), { force });
      // The fit acts on scaled units; the weights of the simulation act on the rates themselves.
      const { scale } = result.model;
      const fitted = result.model.W.data.map((w, i) => w / (scale[i % flags.units] ?? 1));
      process.stdout.write(
        `${result.summary()}\ncorrelation with the true weights ${correlation(fitted, W.data).toFixed(4)}\nreport ${at('report.html')}\n`,
      );
      process.exitCode =
        result.solution.status === 'converged'
          ? exitCodes.done
          : result.solution.status === 'aborted'
            ? exitCodes.interrupted
            : exitCodes.notConverged;
    } finally {
      bar.stop();
      interrupt.done();
    }
  });
};
