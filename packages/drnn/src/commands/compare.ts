import { readModel, readRecording } from '@drnn/recordings';
import { attempt, orThrow, together } from '@drnn/tensor/checked';
import type { Command } from 'commander';
import { compare } from '../compare.js';
import { number, numbers, wholeNumber } from './arguments.js';
import { compareJson, compareLines } from './compare-result.js';
import { progress } from './progress.js';
import { printJson, say } from './terminal.js';

interface CompareFlags {
  readonly input?: readonly number[];
  readonly seeds: number;
  readonly seed: number;
  readonly timeLimit?: number;
  readonly recording?: string;
  readonly key?: string;
  readonly again?: string;
  readonly gate?: number;
  readonly quick?: boolean;
  readonly json?: boolean;
}

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
    .option('--again <model>', 'a second fit, of other data: fit against fit is then the noise ceiling')
    .option(
      '--gate <distance>',
      'how far apart a pair of points may be, over sqrt N (default: a tenth of the radius)',
      number,
    )
    .option('--quick', 'no chance level and no ceiling, which take two more searches')
    .option('--json', 'print the result as one JSON object on stdout')
    .action(async (referencePath: string, fitPath: string, flags: CompareFlags) => {
      const { reference, fit, again, recording } = orThrow(
        await together({
          reference: attempt(() => readModel(referencePath)),
          fit: attempt(() => readModel(fitPath)),
          again: attempt(async () => (flags.again === undefined ? null : readModel(flags.again))),
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
        ...(recording === null ? {} : { recording: recording.rates }),
        ...(again === null ? {} : { again }),
      });
      bar.stop();
      if (!compared.reference.isInputGiven && compared.reference.input.length > 0) {
        say(`input held at 0; --input takes ${compared.reference.input.length} numbers`);
      }
      if (json) return printJson(compareJson(compared));
      process.stdout.write(`${compareLines(compared).join('\n')}\n`);
    });
};
