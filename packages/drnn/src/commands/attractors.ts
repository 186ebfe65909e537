import { type FixedPoint, type FlowCycle, type FoundCycle, type Lyapunov, saddleGraph } from '@drnn/attractors';
import { checkWritable, readModel, readRecording, writeFileBeside } from '@drnn/recordings';
import { type Matrix, refuse } from '@drnn/tensor';
import { type Command, Option } from 'commander';
import { basename } from 'node:path';
import { type AttractorPoint, attractors, type Attractors, scaledFrames } from '../attractors.js';
import { portraitView } from '../portrait-view.js';
import { number, numbers, wholeNumber } from './arguments.js';
import { progress } from './progress.js';
import { version } from '../version.js';
import { commandLine } from './fit-result.js';
import { printJson, say } from './terminal.js';

interface AttractorsFlags {
  readonly input?: readonly number[];
  readonly seeds: number;
  readonly seed: number;
  readonly from?: string;
  readonly key?: string;
  readonly trial: number;
  readonly timeLimit?: number;
  readonly form?: 'rate' | 'current';
  readonly cycles: number;
  readonly basins: number;
  readonly lyapunov?: boolean;
  readonly json?: boolean;
  readonly report?: string;
  readonly force?: boolean;
}

/** The part of the time for what is not drawing, where there is a report. */
const FOR_ANALYSIS = 0.75;

/** `drnn attractors`: the fixed points of a model, each with its stability. */
export const attractorsCommand = (program: Command): void => {
  program
    .command('attractors')
    .description(
      'fixed and slow points of a model with its input held, each with its stability and a proof that it exists, and cycles',
    )
    .argument('<model>', 'a model (npz); W and alpha are enough')
    .option('--input <values>', 'the input that is held, a number for each with commas between (default: 0)', numbers)
    .option('--seeds <count>', 'most random starts of the search', wholeNumber, 1024)
    .option('--seed <seed>', 'seed of the starts', wholeNumber, 1)
    .option('--from <file>', 'a recording: most starts are then on and near it')
    .option('--key <name>', 'which array of the recording (default: the only 2-D numeric array)')
    .option('--trial <count>', 'time constants in which a slow point moves by less than a tenth', number, 50)
    .option('--time-limit <seconds>', 'of all parts together; those that it ends are named (default: none)', number)
    .addOption(
      new Option('--form <form>', "which state the leak acts on (default: the model's, else rate)").choices([
        'rate',
        'current',
      ]),
    )
    .option('--cycles <count>', 'random starts of the search for limit cycles; 0 for none', wholeNumber, 16)
    .option('--basins <count>', 'random states to run for the shares of basins; 0 for none', wholeNumber, 0)
    .option('--lyapunov', 'Lyapunov exponents as well, from two random starts')
    .option('--json', 'print the result as one JSON object on stdout')
    .option('--report <file>', 'where to write the report (html)')
    .option('--force', 'overwrite --report')
    .action(
      async (
        path: string,
        {
          from,
          key,
          json = false,
          cycles: cycleSeeds,
          basins: basinSeeds,
          report,
          force = false,
          ...flags
        }: AttractorsFlags,
        command: Command,
      ) => {
        refuse(
          key === undefined || from !== undefined
            ? []
            : [{ path: '--key', seen: `${key} without --from`, expected: 'the recording that it is an array of' }],
        );
        if (report !== undefined) await checkWritable(report, { force });
        const began = performance.now();
        const { timeLimit } = flags;
        const model = await readModel(path);
        const recording = from === undefined ? undefined : await readRecording(from, key === undefined ? {} : { key });
        const bar = progress();
        const found = attractors(model, {
          ...flags,
          cycleSeeds,
          basinSeeds,
          ...(timeLimit === undefined
            ? {}
            : { timeLimit: report === undefined ? timeLimit : FOR_ANALYSIS * timeLimit }),
          onProgress: ({ fraction, starts, points }) =>
            bar.update('attractors', fraction, `${starts} starts, ${points} fixed points`),
          ...(recording === undefined ? {} : { recording: recording.rates }),
        });
        bar.stop();
        if (!found.isInputGiven && found.input.length > 0) {
          say(`input held at 0; --input takes ${found.input.length} numbers`);
        }
        const cut: string[] = [...found.cut];
        if (report !== undefined) {
          // Drawing takes longer to load than most searches take.
          const { renderAttractors } = await import('../report/attractors-page.js');
          const network = { ...model, form: found.form };
          // At least a little, so that there is a figure of what was found.
          const left = (): { readonly timeLimit?: number } =>
            timeLimit === undefined
              ? {}
              : { timeLimit: Math.max(0.05 * timeLimit, timeLimit - (performance.now() - began) / 1000) / 2 };
          const graph = saddleGraph(network, found.points, { input: found.input, ...left() });
          const view = portraitView(network, found, {
            seed: flags.seed,
            ...left(),
            ...(recording === undefined ? {} : { activity: scaledFrames(recording.rates, model) }),
          });
          if (graph.unexplored.length > 0) cut.push('graph');
          if (view.isCut) cut.push('portrait');
          const html = renderAttractors({
            title: basename(path),
            command: commandLine(command),
            found,
            graph,
            view,
            verdict: [verdictOf(found), ...continuumOf(found), ...cutOf(cut)],
            version,
          });
          await writeFileBeside(report, html, { force });
          say(`wrote ${report}`);
        }
        if (json) return printJson(attractorsJson(found, cut));
        process.stdout.write(`${linesOf(found, cut).join('\n')}\n`);
      },
    );
};

/** What the search says of a point, with or without its linearisation. */
const searchedJson = (point: FixedPoint) => ({
  state: point.state,
  speed: point.speed,
  class: point.class,
  certificateRadius: point.certificateRadius,
  uniqueRadius: point.uniqueRadius,
  indexSign: point.indexSign,
  hits: point.hits,
  mirror: point.mirror,
  extent: point.extent,
});

/** The JSON of `drnn attractors`; infinities become null when it is printed. */
const attractorsJson = (found: Attractors, cut: readonly string[]): unknown => ({
  points: found.points.map(({ linearisation, ...point }) => ({
    ...searchedJson(point),
    stable: linearisation.isMapStable,
    flowStable: linearisation.isFlowStable,
    marginal: linearisation.isMarginal,
    kind: linearisation.kind,
    index: linearisation.mapIndex,
    eigenvalues: linearisation.eigenvalues,
    timeConstants: linearisation.modes.map(({ timeConstant }) => timeConstant),
  })),
  unexamined: found.unexamined.map(searchedJson),
  cut,
  indexSum: found.indexSum,
  unseen: found.unseen,
  starts: found.starts,
  converged: found.converged,
  trace: found.trace,
  stoppedBecause: found.stoppedBecause,
  input: found.input,
  inputGiven: found.isInputGiven,
  form: found.form,
  unknowns: found.unknowns,
  seconds: found.seconds,
  cycles: found.cycles.map((cycle) => ({
    class: cycle.class,
    pieces: cycle.pieces,
    period: cycle.period,
    orbit: rowsOf(cycle.orbit),
    amplitude: cycle.amplitude,
    harmonics: cycle.harmonics,
    exponents: cycle.exponents,
    stable: cycle.isStable,
    transverseMultiplier: cycle.transverseMultiplier,
    multipliers: cycle.multipliers?.map(({ value }) => value) ?? null,
    residual: cycle.residual,
    hits: cycle.hits,
    mirror: cycle.mirror,
    flow: cycle.flow === null ? null : flowJson(cycle.flow),
  })),
  cycleSearch: found.cycleSearch,
  basins: found.basins,
  lyapunov: found.lyapunov === null ? null : lyapunovJson(found.lyapunov),
});

const rowsOf = ({ rows, columns, data }: Matrix): readonly Float64Array[] =>
  Array.from({ length: rows }, (_, p) => data.subarray(p * columns, (p + 1) * columns));

const flowJson = (flow: FlowCycle): unknown => ({
  period: flow.period,
  multipliers: flow.multipliers.map(({ value }) => value),
  stable: flow.isStable,
  orbit: rowsOf(flow.orbit),
  phaseResponse: flow.phaseResponse === null ? null : rowsOf(flow.phaseResponse),
  residual: flow.residual,
  trivialError: flow.trivialError,
  liouvilleError: flow.liouvilleError,
});

const lyapunovJson = (spectrum: Lyapunov): unknown => ({
  exponents: spectrum.exponents,
  errors: spectrum.errors,
  perTimeConstant: spectrum.perTimeConstant,
  regular: spectrum.isRegular,
  positive: spectrum.positive,
  zero: spectrum.zero,
  dimension: spectrum.dimension,
  entropyRate: spectrum.entropyRate,
  steps: spectrum.length,
  volumeError: spectrum.volumeError,
  cut: spectrum.runs.some(({ isCut }) => isCut),
  consistent: spectrum.isConsistent,
  first: spectrum.runs.map(({ exponents }) => exponents[0]),
});

const stabilityOf = ({ linearisation }: AttractorPoint): string => {
  const { isMapStable, isFlowStable, isMarginal, mapIndex, kind } = linearisation;
  if (isMarginal) return 'marginal';
  if (isMapStable) return `stable ${kind}`;
  const flips = isFlowStable ? ', of the map only' : '';
  return `${kind}, ${mapIndex} unstable${flips}`;
};

const steps = (timeConstant: number): string =>
  !Number.isFinite(timeConstant)
    ? 'without end'
    : timeConstant < 0
      ? `grows in ${(-timeConstant).toFixed(1)}`
      : timeConstant.toFixed(1);

const linesOf = (found: Attractors, cut: readonly string[]): readonly string[] => {
  const header = ['point', 'class', 'stability', 'time constant', 'speed', 'proven within', 'hits'];
  const rows = found.points.map((point, k) => [
    `${k}`,
    point.class,
    stabilityOf(point),
    steps(point.linearisation.modes[0]?.timeConstant ?? 0),
    point.speed.toExponential(1),
    Number.isFinite(point.certificateRadius) ? point.certificateRadius.toExponential(1) : 'not proven',
    `${point.hits}`,
  ]);
  const widths = header.map((title, c) => Math.max(title.length, ...rows.map((row) => row[c]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, c) => cell.padEnd(widths[c] ?? 0))
      .join('  ')
      .trimEnd();
  return [
    line(header),
    ...rows.map(line),
    '',
    verdictOf(found),
    ...continuumOf(found),
    ...cyclesOf(found),
    ...basinsOf(found),
    ...exponentsOf(found),
    ...(found.unexamined.length === 0
      ? []
      : [`${found.unexamined.length} more points were found, but not linearised: --json has them.`]),
    ...cutOf(cut),
  ];
};

const partNames: Readonly<Record<string, string>> = {
  points: 'the search for points',
  linearisation: 'the linearisation of points',
  cycles: 'the search for cycles',
  basins: 'the runs for basins',
  lyapunov: 'the Lyapunov exponents',
  graph: 'the saddle graph',
  portrait: 'the runs of the portrait',
};

const cutOf = (cut: readonly string[]): readonly string[] =>
  cut.length === 0 ? [] : [`The time limit cut short: ${cut.map((part) => partNames[part] ?? part).join(', ')}.`];

/** How much the set is worth, in words. */
const verdictOf = ({ indexSum, stoppedBecause, starts, unseen }: Attractors): string => {
  if (stoppedBecause === 'contraction') return 'Exactly one fixed point: the network is a contraction (|W| < 1).';
  const searched = `${starts} starts`;
  if (indexSum === null) return `A point is degenerate, so that the index sum says nothing; ${searched}.`;
  if (indexSum !== 1) return `Incomplete: the index sum is ${indexSum}, that of all fixed points is 1; ${searched}.`;
  const chance = `a further start finds a new point with a probability of about ${(unseen ?? 1).toFixed(3)}`;
  return stoppedBecause === 'complete'
    ? `Looks complete: the index sum is 1, and the last of ${searched} found nothing new.`
    : `The index sum is 1, as that of all fixed points; after ${searched} ${chance}.`;
};

const continuumOf = ({ points }: Attractors): readonly string[] =>
  points.flatMap(({ class: kind, extent, hits }, k) =>
    kind === 'degenerate' && extent > 0.01
      ? [`Point ${k} is one of a continuum: ${hits} starts ended on it, up to ${extent.toPrecision(3)} apart.`]
      : [],
  );

const cycleLine = (cycle: FoundCycle, k: number): string => {
  const shape =
    cycle.class === 'periodic'
      ? `${cycle.period} states, one after the other`
      : `a turn takes ${cycle.period.toPrecision(8)} steps${cycle.pieces > 1 ? ` on ${cycle.pieces} curves` : ''}`;
  const flow = cycle.flow === null ? '' : `; in the flow ${cycle.flow.period.toPrecision(8)}`;
  const image =
    cycle.mirror === null
      ? ''
      : cycle.mirror === k
        ? ' It is its own mirror image.'
        : cycle.mirror < k
          ? ` It is the mirror image of cycle ${cycle.mirror}.`
          : '';
  return (
    `Cycle ${k}: ${shape}${flow}; what is beside it ${cycle.isStable ? 'shrinks' : 'grows'} to ` +
    `${cycle.transverseMultiplier.toPrecision(3)} a turn.${image}`
  );
};

const endings = {
  starts: '',
  unsettled: ' No more runs were made, since the last four did not come to rest.',
  work: ' No more runs were made, since the work for them was spent.',
  time: ' No more runs were made, since the time was up.',
} as const;

const cyclesOf = ({ cycles, cycleSearch }: Attractors): readonly string[] => {
  const { starts, atFixedPoints, unsettled, circleGuesses, unresolvedCircles, stoppedBecause } = cycleSearch;
  if (starts === 0) return [];
  const open =
    unresolvedCircles === 0
      ? ''
      : ` Of ${circleGuesses} places where circles that repel may lie, ${unresolvedCircles} could not be searched to the end.`;
  const left = unsettled === 0 ? '' : `; ${unsettled} had not come to rest, which may be chaos: --lyapunov tells`;
  const rest = `${atFixedPoints} of ${starts} runs ended at fixed points${left}.${endings[stoppedBecause]}${open}`;
  return [...cycles.map(cycleLine), cycles.length === 0 ? `No limit cycle: ${rest}` : rest];
};

const basinsOf = ({ basins }: Attractors): readonly string[] => {
  if (basins === null || basins.length === 0) return [];
  const percent = (share: number): string => (100 * share).toFixed(1);
  const runs = basins.reduce((sum, { starts }) => sum + starts, 0);
  const largest = basins.toSorted((a, b) => b.starts - a.starts).slice(0, 8);
  const each = largest.map(
    ({ point, fraction, interval: [low, high] }) =>
      `${point === null ? 'at none' : `at point ${point}`} ${percent(fraction)}% (${percent(low)} to ${percent(high)})`,
  );
  const more = basins.length > largest.length ? ', ...' : '';
  return [`Of ${runs} random states end, with 95% intervals: ${each.join(', ')}${more}.`];
};

const exponentsOf = ({ lyapunov }: Attractors): readonly string[] => {
  if (lyapunov === null) return [];
  const { exponents, errors, dimension, isConsistent, runs } = lyapunov;
  const first = Array.from(exponents.subarray(0, 5), (exponent, k) =>
    Number.isFinite(exponent) ? `${exponent.toPrecision(4)} (${(errors[k] ?? 0).toExponential(0)})` : '-infinity',
  );
  const other = runs.map((run) => (run.exponents[0] ?? 0).toPrecision(3)).join(', ');
  return [
    `Lyapunov exponents, nats a step: ${first.join(', ')}${exponents.length > 5 ? ', ...' : ''}`,
    dimension === null
      ? `Kaplan-Yorke dimension: ${errors.includes(Infinity) ? 'the run was too short' : 'more exponents are needed'}.`
      : `Kaplan-Yorke dimension ${dimension.toPrecision(4)}.`,
    ...(isConsistent ? [] : [`The starts disagree (${other}): several attractors, or too short a run.`]),
  ];
};
