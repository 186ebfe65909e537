import { Command, CommanderError } from 'commander';
import { attractorsCommand } from './commands/attractors.js';
import { compareCommand } from './commands/compare.js';
import { demoCommand } from './commands/demo.js';
import { doctorCommand } from './commands/doctor.js';
import { exportCommand } from './commands/export.js';
import { fitCommand } from './commands/fit.js';
import { inspectCommand } from './commands/inspect.js';
import { predictCommand } from './commands/predict.js';
import { simulateCommand } from './commands/simulate.js';
import { studyCommand } from './commands/study.js';
import { exitCodes, printJson, reportFailure } from './commands/terminal.js';
import { version } from './version.js';

const program = new Command('drnn')
  .description('Fit data-constrained recurrent neural networks to recordings by convex optimisation.')
  .version(version)
  .configureHelp({ showGlobalOptions: false })
  .showHelpAfterError('Run drnn --help, or drnn <command> --help.')
  .exitOverride();

// Commands inherit these settings when they are made, so that the settings come first.
fitCommand(program);
simulateCommand(program);
predictCommand(program);
attractorsCommand(program);
compareCommand(program);
inspectCommand(program);
exportCommand(program);
doctorCommand(program);
demoCommand(program);
studyCommand(program);

const json = process.argv.includes('--json');
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has already said it in words; help and version end here too, with 0.
    process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.badUsage;
    if (error.exitCode !== 0 && json) {
      printJson({
        error: {
          issues: [
            { path: 'arguments', seen: error.message.replace(/^error: /, ''), expected: 'what drnn --help lists' },
          ],
        },
      });
    }
  } else {
    reportFailure(error, json);
    process.exitCode = exitCodes.badInput;
  }
}
