import { type Command, Option } from 'commander';
import { choices, defaults } from '../fit-options.js';
import { wholeNumber } from './arguments.js';

/** The options of every command that fits: what it runs on. */
export const backendOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--backend <name>', 'the hardware; auto is the fastest that passes its self-check')
        .choices(choices.backend)
        .default(defaults.backend),
    )
    .addOption(
      new Option(
        '--fallback <name>',
        'where a fit goes on from its last state when its device is lost (default: auto with --backend auto, else nowhere)',
      ).choices(choices.fallback),
    )
    .option('--threads <count>', 'threads of the backend (default: all physical cores)', wholeNumber)
    .addOption(
      new Option('--precision <precision>', 'of rows and products (default: float64 on cpu, mixed elsewhere)').choices(
        choices.precision,
      ),
    )
    .option('--no-polish', 'no float64 steps after mixed ones; the fit may end as precision-floor');
