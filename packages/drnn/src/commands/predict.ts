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

const layouts = ['time-unit', 'unit-time', 'trial-time-unit'] as const;
type Layout = (typeof layouts)[number];

interface PredictFlags {
  readonly from: string;
  readonly key?: string;
  readonly layout?: Layout;
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
    .option('--key <name>', 'which array of the recording (default: that of the fit, r, or the only 2-D numeric array)')
    .addOption(
      new Option('--layout <layout>', 'order of the axes (default: that of the fit, else time-unit)').choices(layouts),
    )
    .option('--inputs <file|key>', 'inputs u [time, input] (default: u, where the model has inputs)')
    .option('--start <frame>', 'frame of the recording to start from', wholeNumber, 0)
    .option('--steps <count>', 'frames to run', wholeNumber, 500)
    .requiredOption('--out <file>', 'where to write r [steps + 1, units]')
    .option('--force', 'overwrite --out')
    .action(async (path: string, flags: PredictFlags) => {
      await checkWritable(flags.out, { force: flags.force ?? false });
      const model = await readModel(path);
      const found = await inspect(flags.from);
      const fitted = model.record?.options;
      const key = flags.key ?? defaultKey(found, fitted?.['key']?.value);
      const recording = await readRecording(flags.from, {
        layout: flags.layout ?? layouts.find((layout) => layout === fitted?.['layout']?.value) ?? 'time-unit',
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

/** The key of the fit, or the name that `simulate` gives its rates, where the file has it among others. */
const defaultKey = ({ arrays }: Inspection, ofFit: unknown): string | undefined =>
  arrays.length < 2
    ? undefined
    : [ofFit, 'r'].map((key) => arrays.find(({ name }) => name === key)?.name).find(Boolean);
