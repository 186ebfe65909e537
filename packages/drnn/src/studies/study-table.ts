import type { Quartiles } from './quartiles.js';
import { describeNoise } from './study.js';
import type { StudyResult } from './run-study.js';
import type { StudySummary } from './study-summary.js';
import { textTable } from './text-table.js';

const fixed = (value: number, digits: number): string => (Number.isFinite(value) ? value.toFixed(digits) : '-');

/** A correlation, with more digits near 1. */
const correlationText = (value: number): string => fixed(value, value > 0.999 ? 6 : 4);

/** An error or a ratio of errors, with two digits where it is next to nothing or beyond all others. */
const errorText = (value: number, digits: number): string =>
  (value > 0 && value < 10 ** (1 - digits)) || value >= 1e4 ? value.toExponential(1) : fixed(value, digits);
const secondsText = (value: number): string => (Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '-');

const spread = ({ lower, upper, count }: Quartiles, text: (value: number) => string): string =>
  count < 2 ? '-' : `${text(lower)} to ${text(upper)}`;

/** The rows of the table of how near the weights come, as text. */
export const accuracyColumns = [
  'method',
  'n',
  'r of W',
  'quartiles of r',
  'slope',
  'rel. error',
  '/ informed',
  '/ authors',
  'drive R2',
] as const;

export const accuracyRows = ({ methods }: StudySummary): readonly (readonly string[])[] =>
  methods.map((row) => [
    row.method.label,
    String(row.networks),
    correlationText(row.correlation.median),
    spread(row.correlation, correlationText),
    fixed(row.slope.median, 4),
    errorText(row.relativeError.median, 4),
    errorText(row.errorToInformed.median, 3),
    errorText(row.errorToAuthors.median, 3),
    fixed(row.driveScore.median, 4),
  ]);

/** The rows of the table of what it takes, as text. */
export const timeColumns = ['method', 'steps', 'seconds', 'best r', "s to authors' error", 'ended'] as const;

export const timeRows = ({ methods }: StudySummary): readonly (readonly string[])[] =>
  methods
    .filter(({ method }) => method.isReference !== true)
    .map((row) => [
      row.method.label,
      fixed(row.steps.median, 0),
      secondsText(row.seconds.median),
      correlationText(row.bestCorrelation.median),
      row.secondsToAuthors.count * 2 > row.networks ? secondsText(row.secondsToAuthors.median) : '-',
      Object.entries(row.endings)
        .map(([ending, count]) => `${ending} ${count}`)
        .join(', '),
    ]);

/** The rows of ours beside the paper's, as text. */
export const comparisonColumns = ['method', 'at', 'paper r', 'paper s', 'our r', 'our s', 'our steps', 'note'] as const;

export const comparisonRows = ({ comparisons }: StudySummary): readonly (readonly string[])[] =>
  comparisons.map(({ published, method, correlation, seconds, steps }) => [
    method.label,
    published.steps === undefined ? 'the end' : `step ${published.steps}`,
    String(published.correlation),
    published.seconds === undefined ? '-' : String(published.seconds),
    correlationText(correlation.median),
    secondsText(seconds.median),
    fixed(steps.median, 0),
    published.note ?? '',
  ]);

/** Columns that are words; all others are numbers. */
export const wordColumns: readonly string[] = ['method', 'at', 'quartiles of r', 'ended', 'note'];

/** What was run, on what, in lines. */
export const studyHeader = (
  { study, size, seed, settings }: StudyResult,
  { load }: StudySummary,
): readonly string[] => [
  `${study.name}: ${study.title} (${study.figure} of the paper)`,
  `N=${size.units}, T=${size.transitions}, g=${study.gain}, alpha=${study.alpha}, noise in the current ${describeNoise(study.inputNoise)}, outside ${describeNoise(study.outputNoise)}; ${size.networks} ${size.networks === 1 ? 'network' : 'networks'}, seed ${seed}, at most ${size.limit} s a method`,
  `${settings.backend}${settings.device === null ? '' : ` (${settings.device})`}, ${settings.precision}, ${settings.threads} ${settings.threads === 1 ? 'thread' : 'threads'}; ${settings.machine.processor}, ${settings.machine.cores} cores, ${settings.machine.memoryGiB} GiB, ${settings.machine.system}; drnn ${settings.versions.drnn}, Node ${settings.versions.node}`,
  ...(load.median > 1.25 * settings.machine.cores
    ? [
        `The machine was busy with other things: load average ${load.median.toFixed(1)} for ${settings.machine.cores} cores. Times are longer than they need be, and compare with each other only roughly.`,
      ]
    : []),
];

/** What the columns of the tables are. */
export const accuracyNote =
  'r is over all entries of W, the diagonal included; rel. error is RMSE / sd(W), also as a multiple of that of the informed estimate and of the authors on the same network; drive R2 is that of d on a later stretch of the same run.';
export const timeNote =
  'Seconds run from the recording in memory to the weights, judging them left out; best r is the highest at any time, which nobody without the truth could pick.';

/** The whole table as Markdown: what was run, ours, ours beside the paper's, and what to know of it. */
export const studyMarkdown = (result: StudyResult, summary: StudySummary): string => {
  const { study, failed, jobs, methods, size } = result;
  const missing = methods.length * size.networks - jobs.length;
  const [title = '', ...about] = studyHeader(result, summary);
  return [
    `# ${title}`,
    '',
    ...about.flatMap((line) => [line, '']),
    `Medians over networks. ${accuracyNote}`,
    '',
    textTable(accuracyColumns, accuracyRows(summary), wordColumns),
    '',
    timeNote,
    '',
    textTable(timeColumns, timeRows(summary), wordColumns),
    '',
    'Beside the paper (on its own networks and machine):',
    '',
    textTable(comparisonColumns, comparisonRows(summary), wordColumns),
    '',
    `In the paper: ${study.paper}`,
    ...study.notes.flatMap((note) => ['', note]),
    ...(missing === 0
      ? []
      : ['', `Not complete: ${missing} of ${methods.length * size.networks} results are missing.`]),
    ...failed.map(({ method, network, reason }) => `\nFailed: ${method} on network ${network}: ${reason}`),
    '',
  ].join('\n');
};
