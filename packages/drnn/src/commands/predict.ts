import {
  checkWritable,
  inspect,
  type Inspection,
  readKeyOrFile,
  readModel,
  readRecording,
  toFloat64,
  writeArrays,
} from '@drnn/recordings';
import { matrix } from '@drnn/tensor';
import { type Command, Option } from 'commander';
import { predict } from '../predict.js';
import { wholeNumber } from './arguments.js';
import { arrayOf } from './simulate.js';
import { say } from './terminal.js';

interface PredictFlags {
  readonly from: string;
  readonly key?: string;
  readonly layout: 'time-unit' | 'unit-time' | 'trial-time-unit';
  readonly inputs?: string;
  readonly start: number;
  readonly steps: number;
  readonly out: string;
  readonly force?: boolean;
}

/** `drnn predict`: a model in closed loop from a recorded state. */
export const predictCommand = (program: Command): void => {
  program
    .command('predict')
    .description('run a model in closed loop from a recorded state; row 0 of the result is that state')
    .argument('<model>', 'a model (npz)')
    .requiredOption('--from <file>', 'the recording that gives the state and the inputs')
    .option('--key <name>', 'which array of the recording (default: r, or the only 2-D numeric array)')
    .addOption(
      new Option('--layout <layout>', 'order of the axes')
        .choices(['time-unit', 'unit-time', 'trial-time-unit'])
        .default('time-unit'),
    )
    .option('--inputs <file|key>', 'inputs u [time, input] (default: u, where the model has inputs)')
    .option('--start <frame>', 'frame of the recording to start from', wholeNumber, 0)
    .option('--steps <count>', 'frames to run', wholeNumber, 500)
    .requiredOption('--out <file>', 'where to write r [steps + 1, units]')
    .option('--force', 'overwrite --out')
    .action(async (path: string, flags: PredictFlags) => {
      await checkWritable(flags.out, { force: flags.force ?? false });
      const model = await readModel(path);
      const key = flags.key ?? defaultKey(await inspect(flags.from));
      const recording = await readRecording(flags.from, {
        layout: flags.layout,
        ...(key === undefined ? {} : { key }),
      });
      const inputs = model.Win.columns === 0 ? null : await readKeyOrFile(flags.from, flags.inputs ?? 'u');
      const [rows = 0, columns = 1] = inputs?.array.shape ?? [];
      const run = predict(model, recording.rates, {
        start: flags.start,
        steps: flags.steps,
        ...(inputs === null ? {} : { inputs: matrix(rows, columns, toFloat64(inputs.array)) }),
      });
      await writeArrays(flags.out, { r: arrayOf(run) }, { force: flags.force ?? false });
      say(`wrote ${flags.out}: r [${run.rows}, ${run.columns}]`);
    });
};

/** The name that `simulate` gives its rates, where the file has it among others. */
const defaultKey = ({ arrays }: Inspection): string | undefined =>
  arrays.some(({ name }) => name === 'r') && arrays.length > 1 ? 'r' : undefined;
