import { type AlphaProfile, weightsByFrame } from '@drnn/estimators';
import { certify } from '@drnn/objectives';
import type { TransitionSource } from '@drnn/simulator';
import { designOf, type Solution } from '@drnn/solvers';
import { type Backend, type Host, isDeviceLost, type Issue, type Matrix, matrix, refuse } from '@drnn/tensor';
import { type ChosenRidge, chosenRidge, ridgeNotes } from './auto-ridge.js';
import { type Hardware, hardwareOn } from './backends/hardware.js';
import { openBackend } from './backends/open-backend.js';
import { withChosenSigns } from './dale.js';
import { type Filling, fillInRounds } from './fill-rounds.js';
import type { FitContext, FitProgress } from './fit-context.js';
import { convexBecauseOf, type Settings, settle } from './fit-options.js';
import type { Fit } from './fitted.js';
import { identifiabilityOf } from './identifiability.js';
import { modelOf, thetaFrom } from './network-of-theta.js';
import { objectiveOf, transferFor } from './objective-of.js';
import { observationNoiseOf } from './observation-noise.js';
import { type Prepared, prepareInMemory, prepareStreamed } from './prepared.js';
import { alphaNotes, profiledAlpha } from './profiled-alpha.js';
import { type ScoredModel, scoresBeside, tracesOf } from './scores.js';
import { type FitSource, type Session, sessionOf } from './session.js';
import { orCut, type Solved, type SolveFrom, solveSamples } from './solve-samples.js';
import { streamedSession } from './streamed-session.js';
import { summaryOf } from './summary.js';
import { unitGroups } from './unit-groups.js';
import { verdictOf, warningsOf } from './verdict.js';
import {
  intervalNotes,
  lastRoundOf,
  type WeightIntervals,
  weightIntervalsOf,
  type WeightIntervalsRequest,
} from './weight-intervals.js';

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
    solveSamples(hardware, samples, objective, context, settings, stage, from);
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

const mean = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;
