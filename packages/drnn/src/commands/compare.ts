import { basename } from 'node:path';
import {
  checkWritable,
  type Model,
  type NumericArray,
  readKeyOrFile,
  readModel,
  readRecording,
  toFloat64,
  writeFileBeside,
} from '@drnn/recordings';
import { failure, type Issue, type Matrix, matrix, refuse } from '@drnn/tensor';
import { attempt, orThrow, together } from '@drnn/tensor/checked';
import type { Command } from 'commander';
import { scaledFrames } from '../attractors.js';
import { compare } from '../compare.js';
import { portraitView } from '../portrait-view.js';
import { version } from '../version.js';
import { number, numbers, wholeNumber, wholeNumbers } from './arguments.js';
import { compareFindings, compareJson, compareLines, compareMeasures } from './compare-result.js';
import { commandLine } from './fit-result.js';
import { progress } from './progress.js';
import { printJson, say } from './terminal.js';

interface CompareFlags {
  readonly input?: readonly number[];
  readonly seeds: number;
  readonly seed: number;
  readonly timeLimit?: number;
  readonly recording?: string;
  readonly key?: string;
  readonly inputs?: string;
  readonly again?: string;
  readonly observed?: readonly number[];
  readonly gate?: number;
  readonly quick?: boolean;
  readonly json?: boolean;
  readonly report?: string;
  readonly force?: boolean;
}

/** A list of numbers is one input over time. */
const matrixOfArray = (array: NumericArray, path: string): Matrix => {
  const [rows = 0, columns = 1, more] = array.shape;
  if (more !== undefined) throw failure({ path, seen: `[${array.shape.join(', ')}]`, expected: '[time, input]' });
  return matrix(rows, columns, toFloat64(array));
};

/** A state of one model in the units of another. */
const inUnitsOf =
  (to: Model, from: Model) =>
  (state: Float64Array): Float64Array =>
    state.map((value, i) => (value * from.scale[i]! + from.offset[i]! - to.offset[i]!) / to.scale[i]!);

/** `drnn compare`: whether a fit has the dynamics of its reference. */
export const compareCommand = (program: Command): void => {
  program
    .command('compare')
    .description('whether a fit has the dynamics of a reference: fixed points with proofs, spectra, graphs, basins')
    .argument('<reference>', 'a model (npz): the generator, or another fit')
    .argument('<fit>', 'a model (npz) of the same units')
    .option('--input <values>', 'the input that both hold, a number for each with commas between (default: 0)', numbers)
    .option('--seeds <count>', 'most random starts of each search', wholeNumber, 1024)
    .option('--seed <seed>', 'seed of all that is random', wholeNumber, 1)
    .option('--time-limit <seconds>', 'when each search ends at the latest, at its next start (default: none)', number)
    .option('--recording <file>', 'what was recorded: scores are then for where the activity was')
    .option('--key <name>', 'which array of the recording (default: the only 2-D numeric array)')
    .option('--inputs <file|key>', 'inputs u [time, input] of the recording: both models are then run with it')
    .option('--again <model>', 'a second fit, of other data: fit against fit is then the noise ceiling')
    .option(
      '--observed <list>',
      'units of the reference that the fit has, in its order, with commas between, from 0 (default: all)',
      wholeNumbers,
    )
    .option(
      '--gate <distance>',
      'how far apart a pair of points may be, over sqrt N (default: a tenth of the radius)',
      number,
    )
    .option('--quick', 'no chance level and no ceiling, which take two more searches')
    .option('--json', 'print the result as one JSON object on stdout')
    .option('--report <file>', 'where to write the report (html)')
    .option('--force', 'overwrite --report')
    .action(async (referencePath: string, fitPath: string, flags: CompareFlags, command: Command) => {
      const { report, force = false, observed } = flags;
      const alone = (name: string, value: string | undefined): readonly Issue[] =>
        value === undefined || flags.recording !== undefined
          ? []
          : [{ path: name, seen: `${value} without --recording`, expected: 'the recording that it belongs to' }];
      refuse([...alone('--key', flags.key), ...alone('--inputs', flags.inputs)]);
      if (report !== undefined && observed !== undefined) {
        throw failure({
          path: '--report',
          seen: 'with --observed',
          expected: 'models of the same units, which are drawn in the same space',
        });
      }
      if (report !== undefined) await checkWritable(report, { force });
      const { reference, fit, again, recording, inputs } = orThrow(
        await together({
          reference: attempt(() => readModel(referencePath)),
          fit: attempt(() => readModel(fitPath)),
          again: attempt(async () => (flags.again === undefined ? null : readModel(flags.again))),
          inputs: attempt(async () =>
            flags.recording === undefined || flags.inputs === undefined
              ? null
              : readKeyOrFile(flags.recording, flags.inputs),
          ),
          recording: attempt(async () =>
            flags.recording === undefined
              ? null
              : readRecording(flags.recording, flags.key === undefined ? {} : { key: flags.key }),
          ),
        })(),
      );
      const { input, seeds, seed, timeLimit, gate, quick = false, json = false } = flags;
      const bar = progress();
      const compared = compare(reference, fit, {
        seeds,
        seed,
        judged: !quick,
        onProgress: ({ stage, fraction, note }) => bar.update(stage, fraction, note),
        ...(input === undefined ? {} : { input }),
        ...(timeLimit === undefined ? {} : { timeLimit }),
        ...(gate === undefined ? {} : { gate }),
        ...(observed === undefined ? {} : { observed }),
        ...(recording === null ? {} : { recording: recording.rates }),
        ...(again === null ? {} : { again }),
        ...(inputs === null ? {} : { inputs: matrixOfArray(inputs.array, 'inputs') }),
      });
      bar.stop();
      if (recording !== null && compared.activity === null) {
        say(
          'the models were not run beside the recording: that takes complete frames, the rate form and all inputs (--inputs)',
        );
      }
      if (!compared.reference.isInputGiven && compared.reference.input.length > 0) {
        say(`input held at 0; --input takes ${compared.reference.input.length} numbers`);
      }
      if (report !== undefined) {
        // Drawing takes longer to load than most searches take.
        const { renderComparison } = await import('../report/compare-page.js');
        const view = portraitView({ ...reference, form: compared.reference.form }, compared.reference, {
          seed,
          ...(recording === null ? {} : { activity: scaledFrames(recording.rates, reference) }),
        });
        const toReference = inUnitsOf(reference, fit);
        const html = renderComparison({
          title: `${basename(fitPath)} beside ${basename(referencePath)}`,
          command: commandLine(command),
          compared,
          view,
          placeOfFit: (state) => view.place(toReference(state)),
          unitOfReference: 1 / reference.scale.reduce((least, scale) => Math.min(least, Math.abs(scale)), Infinity),
          measures: compareMeasures(compared),
          findings: compareFindings(compared),
          version,
        });
        await writeFileBeside(report, html, { force });
        say(`wrote ${report}`);
      }
      if (json) return printJson(compareJson(compared));
      process.stdout.write(`${compareLines(compared).join('\n')}\n`);
    });
};
