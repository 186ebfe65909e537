import type { Transfer } from '@drnn/objectives';
import {
  restrict,
  selectTransitions,
  sourceOfTransitions,
  splitTransitions,
  streamTransitions,
  type Transitions,
  type TransitionSource,
  transitions,
} from '@drnn/simulator';
import { failure, refuse } from '@drnn/tensor';
import { observationsOf } from './fit-observations.js';
import { alphaOf, type Settings } from './fit-options.js';
import type { Filling } from './fill-rounds.js';
import { rowsFrom, sweepMemory, sweepSource } from './row-sweeps.js';
import { applyScaling, applyScalingTo, type Scaling, scalingOf, scalingSweeps } from './scaling.js';
import { type Trivial, trivialSweeps } from './scores.js';
import type { Session } from './session.js';
import type { StreamedSession } from './streamed-session.js';
import { unobservedUnits } from './unobserved-units.js';

/** What a network has besides weights. */
export type NetworkFacts = Pick<Transitions, 'units' | 'inputs' | 'inputLags' | 'alpha'>;

/** What a fit works on: transitions in the units of the model, all and split, in memory or read as they are needed. */
export interface Prepared {
  readonly facts: NetworkFacts;
  readonly scaling: Scaling;
  readonly trials: number;
  readonly dropped: Transitions['dropped'];
  readonly all: TransitionSource;
  /** What the scored fit sees; null where nothing is held out. */
  readonly train: TransitionSource | null;
  /** What it is scored on; null where nothing is held out, or all of it knows of what is to be predicted. */
  readonly heldOut: Transitions | null;
  /** What trivial predictors learn from the training transitions. */
  trivial(): Promise<Trivial>;
  /** All and the training transitions; null where they are read from a file. */
  readonly inMemory: { readonly all: Transitions; readonly train: Transitions } | null;
}

const refuseTooFew = (rows: number): void =>
  refuse(
    rows >= 2
      ? []
      : [{ path: 'recording', seen: '1 transition', expected: 'at least 2: a single one tells nothing of change' }],
  );

/** Transitions of a recording in memory. Errors: everything `transitions` refuses, a unit that cannot be fitted. */
export const prepareInMemory = (
  session: Session,
  settings: Settings,
  transfer: Transfer,
  filling: Filling | null,
): Prepared => {
  const raw = transitions(observationsOf(session, settings, filling?.values));
  refuseTooFew(raw.targets.rows);
  const scaling = scalingOf(raw, settings.scale, settings.center, transfer, (j) => session.unitNames[j] ?? `unit ${j}`);
  const all = applyScaling(raw, scaling);
  const split = settings.holdout > 0 ? splitTransitions(all, settings.holdout) : null;
  const train = split?.train ?? all;
  refuse(unobservedUnits(train, session.unitNames));
  return {
    facts: all,
    scaling,
    trials: raw.trialStarts.length,
    dropped: raw.dropped,
    all: sourceOfTransitions(all),
    train: split === null ? null : sourceOfTransitions(train),
    // A row with an interpolated predictor knows of the frame that it is to predict.
    heldOut: split === null ? null : withoutInterpolated(split.heldOut),
    trivial: async () => sweepMemory(trivialSweeps(all.alpha), train),
    inMemory: { all, train },
  };
};

const withoutInterpolated = (heldOut: Transitions): Transitions | null => {
  const rows = Array.from(heldOut.interpolated, (known, row) => (known === 1 ? -1 : row)).filter((row) => row >= 0);
  if (rows.length === heldOut.interpolated.length) return heldOut;
  return rows.length === 0 ? null : selectTransitions(heldOut, rows);
};

/** The same of a recording that is read piece by piece; only what is held out is in memory. */
export const prepareStreamed = async (
  session: StreamedSession,
  settings: Settings,
  transfer: Transfer,
): Promise<Prepared> => {
  const raw = streamTransitions({ rates: session.rates, alpha: alphaOf(settings, session.samplingInterval) });
  const { units, alpha } = raw;
  const { rows } = raw.targets;
  refuseTooFew(rows);
  const nameOf = (j: number): string => session.unitNames[j] ?? `unit ${j}`;
  const scaling = await sweepSource(scalingSweeps(raw, rows, settings.scale, settings.center, transfer, nameOf), raw);
  const all = applyScalingTo(raw, scaling);
  const facts: NetworkFacts = { units, inputs: 0, inputLags: Int32Array.of(0), alpha };
  const dropped = { rows: 0, interpolated: 0, filled: 0 };
  const parts = settings.holdout > 0 ? await splitStreamed(all, facts, dropped, settings.holdout) : null;
  return {
    facts,
    scaling,
    trials: 1,
    dropped,
    all,
    train: parts?.train ?? null,
    heldOut: parts?.heldOut ?? null,
    trivial: () => sweepSource(trivialSweeps(alpha), parts?.train ?? all),
    inMemory: null,
  };
};

/** `splitTransitions` of one trial with nothing missing: the row between the parts shares a frame with both. */
const splitStreamed = async (
  all: TransitionSource,
  facts: NetworkFacts,
  dropped: Transitions['dropped'],
  holdout: number,
): Promise<{ readonly train: TransitionSource; readonly heldOut: Transitions }> => {
  const { rows } = all.targets;
  const cut = Math.round((1 - holdout) * rows);
  const from = cut === 0 ? 0 : cut + 1;
  if (cut === 0 || from >= rows) {
    throw failure({
      path: 'holdout',
      seen: `${holdout} of ${rows} transitions: nothing ${cut === 0 ? 'to train on' : 'held out'}`,
      expected: 'at least 1 row in either part',
      hint: 'record more frames, or change the fraction',
    });
  }
  const { predictors, targets } = await rowsFrom(all, from);
  const heldOut: Transitions = {
    ...facts,
    predictors,
    targets,
    weights: null,
    frames: Int32Array.from({ length: targets.rows }, (_, row) => from + row),
    trialStarts: Int32Array.of(0),
    interpolated: new Uint8Array(targets.rows),
    dropped,
  };
  return { train: restrict(all, [{ from: 0, to: cut }]), heldOut };
};
