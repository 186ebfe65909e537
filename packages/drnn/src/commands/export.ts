import {
  checkWritable,
  encodeModelAsMat,
  encodeModelForPytorch,
  type Model,
  readModel,
  type TorchNonlinearity,
  writeFileBeside,
} from '@drnn/recordings';
import { failure } from '@drnn/tensor';
import { type Command, Option } from 'commander';
import { losses } from '../fit-options.js';
import { lossOf } from '../predict.js';
import { say } from './terminal.js';

const formats = ['mat', 'pytorch-npz'] as const;

interface ExportFlags {
  readonly to: (typeof formats)[number];
  readonly out: string;
  readonly force?: boolean;
}

/** `drnn export`: a model for other programs. */
export const exportCommand = (program: Command): void => {
  program
    .command('export')
    .description('write a model for MATLAB or PyTorch')
    .argument('<model>', 'a model (npz)')
    .addOption(new Option('--to <format>', 'what to write').choices(formats).makeOptionMandatory())
    .requiredOption('-o, --out <file>', 'where to write it')
    .option('--force', 'overwrite --out')
    .action(async (path: string, { to, out, force = false }: ExportFlags) => {
      await checkWritable(out, { force });
      const model = await readModel(path);
      const bytes =
        to === 'mat' ? encodeModelAsMat(model, path) : encodeModelForPytorch(model, nonlinearityOf(model, path), path);
      await writeFileBeside(out, bytes, { force });
      say(`wrote ${out}: ${model.W.rows} units, ${model.Win.columns} columns of inputs`);
    });
};

const nonlinearityOf = ({ record }: Model, path: string): TorchNonlinearity => {
  const transfer = losses[lossOf(record)];
  if (transfer === 'tanh' || transfer === 'relu') return transfer;
  throw failure({
    path,
    seen: `a network of the transfer function ${transfer}`,
    expected: 'tanh or relu, which torch.nn.RNN has',
    hint: 'export it to mat, or read the model itself: it is an npz file',
  });
};
