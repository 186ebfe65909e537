import { type Command, Option } from 'commander';
import { choices } from '../fit-options.js';
import { interval, number } from './arguments.js';

/** The options of structure: penalties beside the ridge, signs and bounds of weights. */
export const structureFlags = (command: Command): Command =>
  command
    .addOption(
      new Option(
        '--penalty <name>',
        'what is added to the ridge (default: what the options below are of, else nothing)',
      ).choices(choices.penalty),
    )
    .option('--l1 <strength>', 'strength of l1, elastic-net or groups, per transition (default: 0.001)', number)
    .option('--l1-ratio <ratio>', 'share of l1 in elastic-net, the rest is ridge (default: 0.5)', number)
    .option('--nuclear <strength>', 'strength of the nuclear norm of W, per transition (default: 0.001)', number)
    .option('--dale <file|auto>', "Dale's law: signs [unit] of -1, 0 (unknown), 1, or auto: chosen from the data")
    .option('--box <low,high>', 'bounds on the weights of W and Win, in scaled units', interval);
