import { type AlphaProfile, type Choice, weightsByFrame } from '@drnn/estimators';
import { certify, type Certificate, matching, type Objective, type Transfer } from '@drnn/objectives';
import type { Model, Source } from '@drnn/recordings';
import type { Transitions, TransitionSource } from '@drnn/simulator';
import {
  designOf,
  firstOf,
  maxSteps,
  problem,
  type Problem,
  run,
  type Iterate,
  type SignChoice,
  type Solution,
  stalled,
  tolerance,
  withPolish,
  withStopping,
  withTrace,
} from '@drnn/solvers';
import {
  type Backend,
  type DrnnError,
  failure,
  type Host,
  isDeviceLost,
  type Issue,
  type Matrix,
  matrix,
  type Precision,
  refuse,
} from '@drnn/tensor';
import { alphaNotes, profiledAlpha } from './profiled-alpha.js';
import { type ChosenRidge, chosenRidge, ridgeNotes } from './auto-ridge.js';
import { type DeviceLoss, type Hardware, hardwareOn } from './backends/hardware.js';
import { type Calibration, calibratedFit } from './calibrated-fit.js';
import { openBackend } from './backends/open-backend.js';
import type { Polisher } from './backends/polisher.js';
import { withChosenSigns } from './dale.js';
import { type Filling, fillInRounds } from './fill-rounds.js';
import { connectionsAtLags } from './fit-observations.js';
import { convexBecauseOf, countsIssue, type FitOptions, settle, type Settings, transferOf } from './fit-options.js';
import { type Identifiability, identifiabilityOf } from './identifiability.js';
import { modelOf, thetaFrom } from './network-of-theta.js';
import { type ObservationNoise, observationNoiseOf } from './observation-noise.js';
import type { HeldOutTraces, Scores } from './report/report-data.js';
import type { Scaling } from './scaling.js';
import { type NetworkFacts, type Prepared, prepareInMemory, prepareStreamed } from './prepared.js';
import { scoresBeside, type ScoredModel, tracesOf } from './scores.js';
import { type FitSource, type Session, sessionOf, type SessionOptions } from './session.js';
import { solverOf } from './solver-of.js';
import { streamedSession } from './streamed-session.js';
import { constraintsOf, penaltyOf } from './structure-options.js';
import { summaryOf } from './summary.js';
import { type UnitGroups, unitGroups } from './unit-groups.js';
import { verdictOf, warningsOf } from './verdict.js';
import {
  intervalNotes,
  lastRoundOf,
  type WeightIntervals,
  weightIntervalsOf,
  type WeightIntervalsRequest,
} from './weight-intervals.js';

/** How far a fit is. */
export interface FitProgress {
  readonly stage: 'alpha' | 'ridge' | 'scoring fit' | 'fit' | 'refit';
  readonly step: number;
  readonly residual: number;
  /** What this step ran on; a mixed fit may go on in float64. */
  readonly backend: string;
  readonly precision: Precision;
  /** From 0 to 1: how far the logarithm of the residual is on its way to the tolerance. */
  readonly fraction: number;
}

/** Beyond the options of the command line: things that only a program can give. */
export interface FitContext extends FitOptions, SessionOptions {
  /**
   * The hardware, open, in place of `backend`, `precision` and `threads`; closed by the caller. Default: a backend of
   * its own, closed at the end however it comes.
   */
  readonly on?: Backend;
  /** An objective in place of loss, weights, clip, ridge and constraints. */
  readonly objective?: Objective;
  /** A model to start from, in the same scaled units. */
  readonly from?: Pick<Model, 'W' | 'Win' | 'b'>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: FitProgress) => void;
  /** Told before a long fit begins that the recording looks wrong, in a sentence. */
  readonly onNotice?: (sentence: string) => void;
}

/** A fitted network and all that is known of how it came about. */
export interface Fit {
  readonly model: Omit<Model, 'record'>;
  readonly solution: Solution;
  readonly transfer: Transfer;
  readonly objective: Objective;
  readonly settings: Settings;
  /** Of the calibrated estimator, how it came to this network; null for a convex fit. */
  readonly calibration: Calibration | null;
  /** The solver that ran, by name. */
  readonly solver: string;
  readonly backend: string;
  /** The library or the adapter that it runs on, where there is one to name. */
  readonly device: string | null;
  /** `mixed` also where a mixed fit went on in float64. */
  readonly precision: Precision;
  readonly threads: number;
  /** Whether a mixed fit went on in float64, and for how many steps. */
  readonly polished: boolean;
  readonly polishSteps: number;
  /** The device that was lost on the way, and where the fit went on from its last state; null where none was. */
  readonly deviceLost: DeviceLoss | null;
  readonly units: number;
  readonly inputs: number;
  readonly unitNames: readonly string[];
  /** The groups of the units, where they were given. */
  readonly groups: UnitGroups | null;
  /** How alpha was found; null where it was given. */
  readonly alphaProfile: AlphaProfile | null;
  /** How the ridge was chosen; null where it was given, or the choice was aborted. */
  readonly ridgePath: ChosenRidge | null;
  readonly trials: number;
  readonly samplingInterval: number | null;
  readonly sources: readonly Source[];
  /** Whether the recording was read piece by piece, and never held whole. */
  readonly streamed: boolean;
  /** Transitions of the model returned. */
  readonly samples: number;
  /** Transitions of the fit that was scored; 0 without holdout. */
  readonly trainSamples: number;
  readonly refit: boolean;
  /** Null without holdout, or where the fit was aborted before. */
  readonly scores: Scores | null;
  readonly traces: HeldOutTraces | null;
  readonly scaling: Scaling;
  readonly targetsClipped: number;
  /** Frames between restarts of the closed loop. */
  readonly horizon: number;
  readonly dropped: Transitions['dropped'];
  /** How missing predictors were filled by the model, and the fraction of predictors that were; null where none were. */
  readonly filling: (Omit<Filling, 'values'> & { readonly fraction: number }) | null;
  readonly certificate: Certificate;
  /** The signs that were chosen for Dale's law, and how clear each is; null where they were given or not asked for. */
  readonly dale: SignChoice | null;
  readonly identifiability: Identifiability;
  /** Null where they were not asked for, or the fit was aborted. */
  readonly intervals: WeightIntervals | null;
  /** What noise on the record does to the weights; null where it cannot be told. */
  readonly observationNoise: ObservationNoise | null;
  /** Data in memory to final model. */
  readonly seconds: number;
  /** Seconds: what is done once a problem (start, metric), the iterations, the certificates, the scores. */
  readonly timing: {
    readonly init: number;
    readonly steps: number;
    readonly certificate: number;
    readonly scores: number;
  };
  readonly warnings: readonly string[];
  readonly verdict: string;
  /** A few lines for a person. */
  summary(): string;
}

/**
 * Fits a network to a recording: scales, inverts to targets, fits the first part of every trial, scores the rest, and
 * refits on everything. By default with noise-calibrated rounds from a convex pilot, or a plain ridge where that explains
 * held-out blocks better (`estimate` of `@drnn/estimators`); with `estimator: 'convex'`, or an option that only it has, as
 * one convex problem a unit, for which with a ridge any start gives the same answer. Errors: one
 * `DrnnError` with everything that is wrong with the recording or the options.
 *
 * @example
 * const model = await fit('recording.npz', { dt: 0.02, tau: 0.1 });
 * console.log(model.summary());
 */
export const fit = async (source: FitSource, context: FitContext = {}): Promise<Fit> => {
  const settings = settle(context.objective === undefined ? context : { estimator: 'convex', ...context });
  refuse(conflicts(context));
  const named = convexBecauseOf(context);
  if (named.length > 0) context.onNotice?.(`${named.join(', ')}: named, so that the estimator is convex`);
  const streamed = await streamedSession(source, context, settings);
  const session = streamed === null ? await sessionOf(source, context) : null;
  const began = performance.now();
  const hardware = await openHardware(context, settings);
  try {
    if (session !== null) return await fitInMemory(hardware, session, context, settings, began);
    if (streamed === null) throw new Error('a fit of no recording');
    const prepared = await prepareStreamed(streamed, settings, transferFor(context.objective, settings));
    return await fitOn(
      hardware,
      streamed,
      prepared,
      context,
      settings,
      { filling: null, profile: null, path: null },
      began,
    );
  } finally {
    await hardware.close();
  }
};

/** The fit of a recording in memory: alpha and the ridge are looked for where that was asked for, missing values filled. */
const fitInMemory = async (
  hardware: Hardware,
  session: Session,
  context: FitContext,
  settings: Settings,
  began: number,
): Promise<Fit> => {
  const { settings: atAlpha, profile } = await hardware.use('search for alpha', (on) =>
    withAlpha(on, session, context, settings),
  );
  const { settings: settled, path } = await hardware.use('search for a ridge', (on) =>
    withRidge(on, session, context, atAlpha),
  );
  const transfer = transferFor(context.objective, settled);
  const fitWith = (how: Settings, filling: Filling | null): Promise<Fit> =>
    fitOn(
      hardware,
      session,
      prepareInMemory(session, how, transfer, filling),
      context,
      how,
      { filling, profile, path },
      began,
    );
  const filling = settled.missing === 'model' ? await fillInRounds(session, settled, fitWith) : null;
  return fitWith(settled, filling);
};

/** An open backend says by itself what it is. */
const conflicts = ({ on, backend, precision, threads, objective, ridge }: FitContext): readonly Issue[] => {
  const given = Object.entries({ backend, precision, threads }).filter(([, value]) => value !== undefined);
  const issues: Issue[] = [];
  if (on !== undefined && given.length > 0) {
    issues.push({
      path: 'on',
      seen: `an open backend together with ${given.map(([name]) => name).join(' and ')}`,
      expected: 'either on, or backend, precision and threads',
    });
  }
  if (objective !== undefined && typeof ridge === 'string') {
    issues.push({
      path: 'ridge',
      seen: `${ridge} together with an objective of its own`,
      expected: 'an objective that says how much ridge there is',
      hint: 'ridgePath of @drnn/estimators chooses it for any objective',
    });
  }
  return issues;
};

/** The backend that was given, or one that is opened for this fit. */
const openHardware = async (
  { on, onNotice }: FitContext,
  { backend, precision, threads, fallback }: Settings,
): Promise<Hardware> => {
  const notice = onNotice === undefined ? {} : { onNotice };
  if (on !== undefined) return hardwareOn({ on, closes: false, fallback, ...notice });
  const opened = await openBackend({
    name: backend,
    ...(precision === undefined ? {} : { precision }),
    ...(threads === undefined ? {} : { threads }),
    ...notice,
  });
  return hardwareOn({
    on: opened.on,
    closes: true,
    fallback: fallback ?? (backend === 'auto' ? 'auto' : undefined),
    ...notice,
  });
};

/** The settings with alpha as numbers: as they were given, or as the training rows predict best. */
const withAlpha = async (on: Backend, session: Session, context: FitContext, settings: Settings) => {
  if (typeof settings.alpha !== 'string') return { settings, profile: null };
  const transfer = transferFor(context.objective, settings);
  const profile = await profiledAlpha(on, session, settings, {
    mode: settings.alpha === 'auto' ? 'shared' : 'unit',
    transfer,
    constraints: (raw) => (context.objective ?? objectiveOf(settings, transfer, raw)).constraints,
    ...(context.signal === undefined ? {} : { signal: context.signal }),
    onProgress: (step, fraction, residual) =>
      context.onProgress?.({ stage: 'alpha', step, residual, backend: on.name, precision: on.precision, fraction }),
  });
  const alpha = profile.mode === 'shared' ? (profile.values[0] ?? Number.NaN) : profile.values;
  return { settings: { ...settings, alpha }, profile };
};

/** The settings with a ridge: as it was given, or as held-out blocks of the training rows are explained best. */
const withRidge = async (on: Backend, session: Session, context: FitContext, settings: Settings) => {
  const { ridgeRule: rule } = settings;
  if (rule === null) return { settings, path: null };
  const transfer = transferFor(context.objective, settings);
  const path = await chosenRidge(on, session, settings, {
    rule,
    transfer,
    objective: (raw) => objectiveOf(settings, transfer, raw),
    solver: context.solver,
    ...(context.signal === undefined ? {} : { signal: context.signal }),
    onProgress: (step, fraction, residual) =>
      context.onProgress?.({ stage: 'ridge', step, residual, backend: on.name, precision: on.precision, fraction }),
  });
  return { settings: path === null ? settings : { ...settings, ridge: path.chosen }, path };
};

/** What was found out before a fit. */
interface Findings {
  readonly filling: Filling | null;
  readonly profile: AlphaProfile | null;
  readonly path: ChosenRidge | null;
}

const fitOn = async (
  hardware: Hardware,
  session: Pick<Session, 'unitNames' | 'samplingInterval' | 'sources' | 'notes'>,
  prepared: Prepared,
  context: FitContext,
  settings: Settings,
  { filling, profile: alphaProfile, path }: Findings,
  began: number,
): Promise<Fit> => {
  const transfer = transferFor(context.objective, settings);
  const { facts, scaling, all, train, heldOut, inMemory } = prepared;
  const { units } = facts;
  const rows = all.targets.rows;
  if (rows < units) {
    context.onNotice?.(
      `${units} units, but only ${rows} transitions: if the rows of the file are units, stop here and say layout (--layout) unit-time`,
    );
  }
  const groups = settings.groups === undefined ? null : unitGroups(settings.groups, units);
  const own = context.objective ?? objectiveOf(settings, transfer, facts);
  const asked = inMemory === null ? own : weightsByFrame(own, inMemory.all);
  const horizon = settings.horizon ?? Math.max(1, Math.round(10 / mean(facts.alpha)));
  const start = context.from === undefined ? undefined : thetaFrom(context.from, facts, settings.bias);
  const trained = train ?? all;
  const { objective, dale } = await hardware.use('choice of signs', (on) =>
    withChosenSigns(on, trained, asked, settings, context.signal),
  );
  const solveFor = (samples: TransitionSource, stage: FitProgress['stage'], from: SolveFrom): Promise<Solved> =>
    solveLasting(hardware, samples, objective, context, settings, stage, from);
  const first = await solveFor(trained, train === null ? 'fit' : 'scoring fit', { start });
  const scoresBegan = performance.now();
  const scored: ScoredModel = { theta: first.solution.theta, bias: settings.bias, transfer, ...scaling };
  const isCut = ({ status }: Solution): boolean => status === 'aborted' || status === 'device-lost';
  const aborted = isCut(first.solution);
  const judged = heldOut !== null && !aborted;
  const { host } = hardware.now().on;
  const scores = judged ? scoresBeside(host, scored, await prepared.trivial(), heldOut, horizon) : null;
  const traces = judged ? tracesOf(host, scored, heldOut, horizon, session.unitNames) : null;
  const scoreSeconds = (performance.now() - scoresBegan) / 1000;
  if (settings.intervals !== undefined && !aborted) lastRoundOf(first.calibration);
  const refit = train !== null && settings.refit && !aborted;
  const last = refit
    ? await solveFor(all, 'refit', {
        start: first.solution.theta,
        ...(first.calibration?.choice == null ? {} : { decided: first.calibration.choice }),
      }).catch(orCut(first))
    : first;
  const { solution } = last;
  const { constraints } = objective;
  const wanted = isCut(solution) || aborted ? undefined : settings.intervals;
  const intervals =
    wanted === undefined || inMemory === null
      ? null
      : await weightIntervalsWith(hardware, {
          method: wanted,
          transfer,
          constraints,
          bias: settings.bias,
          last: {
            samples: refit || train === null ? inMemory.all : inMemory.train,
            theta: solution.theta,
            calibration: last.calibration,
          },
          scored:
            train === null
              ? null
              : { samples: inMemory.train, theta: first.solution.theta, calibration: first.calibration, heldOut },
        });

  const parts = { first: first.solution.timing, last: refit ? solution.timing : { init: 0, steps: 0, certificate: 0 } };
  const seconds = (performance.now() - began) / 1000;
  const fitted = refit ? all : trained;
  const gram = last.gram ?? (await gramOnHost(host, fitted, settings.bias));
  const identifiability = identifiabilityOf(host, gram, last.ridge);
  const moments = identifiability.inverseDiagonal.map((each) => each * fitted.targets.rows);
  const result = {
    model: {
      ...modelOf(solution.theta, facts, settings.bias, scaling, groups?.labels),
      ...(settings.form === 'current' ? { form: settings.form } : {}),
      ...(intervals === null ? {} : { standardErrors: intervals.standardErrors }),
    },
    intervals,
    solution,
    transfer,
    objective,
    settings,
    calibration:
      last.calibration === null
        ? null
        : { ...last.calibration, choice: last.calibration.choice ?? first.calibration?.choice ?? null },
    solver: last.solver,
    backend: hardware.now().on.name,
    device: hardware.now().device,
    precision: hardware.now().on.precision,
    threads: hardware.now().on.threads,
    polished: last.polishSteps !== null,
    polishSteps: last.polishSteps ?? 0,
    deviceLost: hardware.loss(),
    units,
    inputs: facts.inputs / facts.inputLags.length,
    unitNames: session.unitNames,
    groups,
    alphaProfile,
    ridgePath: path,
    trials: prepared.trials,
    samplingInterval: settings.dt ?? session.samplingInterval,
    sources: session.sources,
    streamed: inMemory === null,
    samples: (refit ? all : trained).targets.rows,
    trainSamples: train?.targets.rows ?? 0,
    refit,
    scores,
    traces,
    scaling,
    targetsClipped: last.targetsClipped,
    horizon,
    dropped: prepared.dropped,
    certificate: certify(objective),
    dale,
    filling:
      filling === null
        ? null
        : {
            rounds: filling.rounds,
            change: filling.change,
            fraction: prepared.dropped.filled / (rows * units),
          },
    identifiability,
    // Targets of the current form are not inverted, and noise on them leaves no trace in successive errors.
    observationNoise: judged && settings.form === 'rate' ? observationNoiseOf(host, scored, heldOut, moments) : null,
    seconds,
    timing: {
      init: parts.first.init + parts.last.init,
      steps: parts.first.steps + parts.last.steps,
      certificate: parts.first.certificate + parts.last.certificate,
      scores: scoreSeconds,
    },
  };
  const warnings = [
    ...session.notes,
    ...last.notes,
    ...alphaNotes(alphaProfile),
    ...ridgeNotes(path),
    ...intervalNotes(intervals),
    ...(wanted !== undefined && intervals === null
      ? ['no intervals: the device was lost while they were made; fit again on another backend for them']
      : []),
    ...warningsOf(result),
  ];
  const verdict = verdictOf(result);
  return { ...result, warnings, verdict, summary: () => summaryOf({ ...result, warnings, verdict }) };
};

const objectiveOf = (settings: Settings, transfer: Transfer, of: NetworkFacts): Objective => {
  const penalty = penaltyOf(settings);
  return {
    ...matching(transfer, {
      weights:
        settings.sampleWeights !== undefined
          ? { kind: 'explicit', values: settings.sampleWeights }
          : settings.weights === 'capped'
            ? { kind: 'capped', cap: settings.weightCap }
            : settings.weights === 'calibrated'
              ? { kind: 'calibrated', kappa: settings.kappa }
              : settings.weights,
      clip: settings.clip,
      ridge: settings.ridge,
      ...(penalty === undefined ? {} : { penalty }),
      constraints: constraintsOf(
        settings.connections === undefined
          ? settings
          : {
              ...settings,
              connections: connectionsAtLags(settings.connections, of.units, of.inputLags.length, of.inputs),
            },
      ),
    }),
    name: settings.loss,
  };
};

interface Solved {
  readonly solution: Solution;
  readonly calibration: Calibration | null;
  readonly solver: string;
  /** Null where the fit was not polished. */
  readonly polishSteps: number | null;
  readonly targetsClipped: number;
  /** X'X of the problem; null where the device was lost before it was made. */
  readonly gram: Matrix | null;
  readonly ridge: Float64Array;
  readonly notes: readonly string[];
}

/** Where a fit starts, and what of it was decided before. */
interface SolveFrom {
  readonly start?: Matrix | undefined;
  readonly decided?: Choice;
}

/** A fit to some samples, which goes on elsewhere from its last state where its device is lost and that was asked for. */
const solveLasting = async (
  hardware: Hardware,
  samples: TransitionSource,
  objective: Objective,
  context: FitContext,
  settings: Settings,
  stage: FitProgress['stage'],
  from: SolveFrom,
): Promise<Solved> => {
  const solveHere = (told: FitContext, start: SolveFrom): Promise<Solved> =>
    hardware.use(stage, (on) => solve(on, hardware.now().polisher, samples, objective, told, settings, stage, start));
  const first = await solveHere(context, from);
  const { lost, steps, theta } = first.solution;
  if (lost === undefined || !(await hardware.replace(lost, stage, steps))) return first;
  const { onProgress } = context;
  const told: FitContext =
    onProgress === undefined
      ? context
      : { ...context, onProgress: (now) => onProgress({ ...now, step: steps + now.step }) };
  const choice = first.calibration?.choice ?? null;
  const rest = await solveHere(told, { ...from, start: theta, ...(choice === null ? {} : { decided: choice }) });
  return {
    ...rest,
    solution: afterLoss(first.solution, rest.solution),
    calibration: rest.calibration === null ? null : { ...rest.calibration, choice: rest.calibration.choice ?? choice },
  };
};

/** A solution that goes on where another ended: steps, history and time are those of both. */
const afterLoss = (first: Solution, rest: Solution): Solution => {
  const spent = first.timing.init + first.timing.steps + first.timing.certificate;
  return {
    ...rest,
    steps: first.steps + rest.steps,
    trace: [
      ...first.trace,
      ...rest.trace.map((entry) => ({ ...entry, step: first.steps + entry.step, seconds: spent + entry.seconds })),
    ],
    timing: {
      init: first.timing.init + rest.timing.init,
      steps: first.timing.steps + rest.timing.steps,
      certificate: first.timing.certificate + rest.timing.certificate,
    },
  };
};

/** What was done before stands as the last state of a fit that lost its device before it had one of its own. */
const orCut =
  (before: Solved) =>
  (error: unknown): Solved => {
    if (!isDeviceLost(error)) throw error;
    const lost: DrnnError = error;
    return { ...before, solution: { ...before.solution, status: 'device-lost', lost } };
  };

/** Intervals; null where the device is lost at the end of all, as the fit itself is done: a warning says so. */
const weightIntervalsWith = (hardware: Hardware, request: WeightIntervalsRequest): Promise<WeightIntervals | null> =>
  hardware
    .use('intervals', (on) => weightIntervalsOf(on, request))
    .catch((error: unknown) => {
      if (isDeviceLost(error)) return null;
      throw error;
    });

/** X'X of samples that are not on a backend. */
const gramOnHost = async (host: Host, source: TransitionSource, bias: boolean): Promise<Matrix> => {
  const design = designOf(source, bias);
  const total = matrix(design.columns, design.columns);
  for await (const block of design.blocks(2048)) {
    const part = host.gram(block);
    for (let i = 0; i < part.data.length; i++) total.data[i]! += part.data[i]!;
  }
  return total;
};

const solve = async (
  on: Backend,
  polisher: Polisher,
  samples: TransitionSource,
  objective: Objective,
  context: FitContext,
  settings: Settings,
  stage: FitProgress['stage'],
  { start, decided }: SolveFrom,
): Promise<Solved> => {
  if (settings.estimator === 'calibrated') {
    const { transfer, constraints } = objective;
    if (transfer === null) throw new Error('the calibrated estimator without a transfer function');
    const { name: backend, precision } = on;
    const fitted = await calibratedFit(on, samples, {
      transfer,
      constraints,
      settings,
      ...(start === undefined ? {} : { start }),
      ...(decided === undefined ? {} : { decided }),
      ...(context.signal === undefined ? {} : { signal: context.signal }),
      onProgress: (residual, step, fraction) =>
        context.onProgress?.({ stage, step, residual, backend, precision, fraction }),
    });
    return { ...fitted, polishSteps: null, notes: [] };
  }
  const task = await problem(on, samples, objective, { bias: settings.bias });
  const { solver, notes } = solverOf(task, context.solver, settings.accelerate);
  let [first, fraction] = [0, 0];
  const polish: { problem: Problem | null; since: number } = { problem: null, since: 0 };
  const show = (state: Iterate): void => {
    if (state.step === 0) first = state.residual;
    const at = state.problem ?? task;
    if (at !== task && polish.problem === null) {
      polish.problem = at;
      polish.since = state.step;
    }
    const way = Math.log(first / state.residual) / Math.log(first / settings.tolerance);
    fraction = Math.max(fraction, Math.min(1, Number.isFinite(way) ? way : 0));
    const { name: backend, precision } = at.on;
    context.onProgress?.({ stage, step: state.step, residual: state.residual, backend, precision, fraction });
  };
  const rule = firstOf(tolerance(settings.tolerance), maxSteps(settings.maxSteps), stalled());
  const whole = settings.polish ? withPolish(polisher.open)(solver) : solver;
  try {
    const solution = await run(withStopping(rule)(withTrace(show)(whole)), task, {
      ...(start === undefined ? {} : { start }),
      ...(context.signal === undefined ? {} : { signal: context.signal }),
    });
    const { targetsClipped, ridge } = task;
    const polishSteps = polish.problem === null ? null : solution.steps - polish.since;
    return {
      solution,
      calibration: null,
      solver: solver.name,
      polishSteps,
      targetsClipped,
      gram: await task.gram().catch((error: unknown) => {
        if (isDeviceLost(error)) return null;
        throw error;
      }),
      ridge,
      notes,
    };
  } finally {
    task.release();
    polish.problem?.release();
  }
};

/** The transfer function of the network: that of an objective of one's own, or of the loss. */
const transferFor = (own: Objective | undefined, settings: Settings): Transfer => {
  if (own === undefined) return transferOf(settings.loss);
  if (own.transfer === null) {
    throw failure({
      path: 'objective',
      seen: 'an objective without a transfer function',
      expected: 'one, since a network needs it to run',
      hint: 'give `transfer` with the loss, or solve the problem alone with `run`',
    });
  }
  if (settings.estimator === 'calibrated' && own.transfer.name === 'exp') {
    throw failure(countsIssue('objective', 'an objective of exponential rates'));
  }
  return own.transfer;
};

const mean = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;
