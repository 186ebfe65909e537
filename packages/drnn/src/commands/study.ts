import { type Command, Option } from 'commander';
import { choices } from '../fit-options.js';
import { runStudy, type StudyOptions, type StudyProgress } from '../studies/run-study.js';
import { studies, studyNamed } from '../studies/studies.js';
import { summaryOfStudy } from '../studies/study-summary.js';
import { studyMarkdown } from '../studies/study-table.js';
import { studyJson } from '../studies/study-json.js';
import { number, wholeNumber } from './arguments.js';
import { progress } from './progress.js';
import { exitCodes, interruptible, jsonText, printJson, say } from './terminal.js';

interface StudyFlags extends Omit<StudyOptions, 'methods' | 'signal' | 'onProgress' | 'onNotice'> {
  readonly methods?: readonly string[];
  readonly json?: boolean;
}

const list = (text: string): readonly string[] => text.split(',').map((name) => name.trim());

/** `drnn study`: the experiments of the paper, beside its figures. */
export const studyCommand = (program: Command): void => {
  program
    .command('study')
    .argument('<name>', `list, ${studies.map(({ name }) => name).join(', ')}`)
    .description("an experiment of the CORNN paper: all methods on the same networks, beside the paper's figures")
    .option('--networks <count>', 'networks (default: 10; with --full as the paper)', wholeNumber)
    .option('--full', 'the size, the networks and the time limit of the paper')
    .option('--methods <names>', 'only these methods, with commas between (default: all)', list)
    .option('--units <count>', 'units of each network (default: as the study)', wholeNumber)
    .option('--transitions <count>', 'transitions that are fitted (default: as the study)', wholeNumber)
    .option(
      '--limit <seconds>',
      'when a method that would go on ends, at its next state (default: as the study)',
      number,
    )
    .option('--seed <seed>', 'seed of everything that is random', wholeNumber, 1)
    .option('--out <folder>', 'where results are kept, and found again (default: named for the study)')
    .addOption(
      new Option('--backend <name>', 'the hardware; auto is the fastest that passes its self-check')
        .choices(choices.backend)
        .default('auto'),
    )
    .option('--threads <count>', 'threads of the backend (default: all physical cores)', wholeNumber)
    .addOption(
      new Option('--precision <precision>', 'of rows and products').choices(choices.precision).default('float64'),
    )
    .option('--json', 'print the result as one JSON object on stdout')
    .action(async (name: string, flags: StudyFlags) => {
      if (name === 'list') return showList(flags.json === true);
      await runAndShow(name, flags);
    });
};

const showList = (json: boolean): void => {
  if (json) {
    return printJson(
      studies.map(({ name, title, figure, paper, size, full, methods, sweep }) => ({
        name,
        title,
        figure,
        paper,
        size,
        full,
        sweep,
        methods: [...new Set(methods.map(({ curve }) => curve))],
      })),
    );
  }
  const lines = studies.flatMap(({ name, title, figure, size, full, methods }) => [
    `${name}  ${title} (${figure})`,
    `  N=${size.units}, T=${size.transitions}, ${size.networks} networks; --full: N=${full.units}, T=${full.transitions}, ${full.networks} networks`,
    `  methods: ${[...new Set(methods.map(({ curve }) => curve))].join(', ')}`,
  ]);
  process.stdout.write(`${lines.join('\n')}\n`);
};

const noteOf = ({ network, networks, method, step, seconds }: StudyProgress): string =>
  `network ${network + 1} of ${networks}, ${method}, step ${step}, ${seconds.toFixed(1)} s`;

const runAndShow = async (name: string, { json = false, methods, ...flags }: StudyFlags): Promise<void> => {
  const study = studyNamed(name);
  const bar = progress();
  const interrupt = interruptible();
  try {
    const result = await runStudy(study, {
      ...flags,
      ...(methods === undefined ? {} : { methods }),
      signal: interrupt.signal,
      onNotice: say,
      onProgress: (now) => bar.update(study.name, now.fraction, noteOf(now)),
    });
    bar.stop();
    const summary = summaryOfStudy(study, result.methods, result.jobs);
    const table = studyMarkdown(result, summary);
    const shown = studyJson(result, summary);
    // Drawing takes longer to load than many a command to run.
    const { studyPictures } = await import('../studies/study-report.js');
    const { accuracy, error, report } = studyPictures(result, summary);
    const files = {
      table: await result.store.writeFile('table.md', table),
      summary: await result.store.writeFile('summary.json', jsonText(shown)),
      report: await result.store.writeFile('report.html', report),
      ...(accuracy === null ? {} : { accuracy: await result.store.writeFile('accuracy.svg', accuracy) }),
      ...(error === null ? {} : { error: await result.store.writeFile('error.svg', error) }),
    };
    if (json) printJson({ ...shown, files });
    else process.stdout.write(table);
    for (const path of Object.values(files)) say(`wrote ${path}`);
    if (result.aborted) say('Interrupted: the same command goes on from here.');
    process.exitCode = result.aborted
      ? exitCodes.interrupted
      : result.failed.length > 0
        ? exitCodes.notConverged
        : exitCodes.done;
  } finally {
    bar.stop();
    interrupt.done();
  }
};
