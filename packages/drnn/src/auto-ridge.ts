import { type RidgePath, ridgePath, weightsByFrame } from '@drnn/estimators';
import type { Objective, Transfer } from '@drnn/objectives';
import { splitTransitions, type Transitions, transitions } from '@drnn/simulator';
import { type Backend, refuse } from '@drnn/tensor';
import { observationsOf } from './fit-observations.js';
import type { RidgeRule, Settings } from './fit-options.js';
import { applyScaling, scalingOf } from './scaling.js';
import type { Session } from './session.js';
import { solverOf } from './solver-of.js';
import { unobservedUnits } from './unobserved-units.js';

/** A regularisation path, and the ridge that was taken from it. */
export interface ChosenRidge extends RidgePath {
  readonly rule: RidgeRule;
  /** Per transition: `best`, or `oneStandardError`. */
  readonly chosen: number;
}

export interface ChosenRidgeOptions {
  readonly rule: RidgeRule;
  readonly transfer: Transfer;
  readonly objective: (raw: Transitions) => Objective;
  /** The solver that was named, if one was. */
  readonly solver: Settings['solver'] | undefined;
  readonly signal?: AbortSignal;
  readonly onProgress: (step: number, fraction: number, score: number) => void;
}

/**
 * The ridge by its score on blocks of the transitions that the scored fit trains on: no frame that is held out for the
 * scores has a say. Values that a model will fill are interpolated here, for there is no model yet. Null where it was
 * aborted.
 */
export const chosenRidge = async (
  on: Backend,
  session: Session,
  settings: Settings,
  { rule, transfer, objective, solver, signal, onProgress }: ChosenRidgeOptions,
): Promise<ChosenRidge | null> => {
  const missing = settings.missing === 'drop' ? 'drop' : 'interpolate';
  const raw = transitions(observationsOf(session, { ...settings, missing }));
  const nameOf = (j: number): string => session.unitNames[j] ?? `unit ${j}`;
  const all = applyScaling(raw, scalingOf(raw, settings.scale, settings.center, transfer, nameOf));
  const samples = settings.holdout > 0 ? splitTransitions(all, settings.holdout).train : all;
  refuse(unobservedUnits(samples, session.unitNames));
  const path = await ridgePath(on, samples, weightsByFrame(objective(raw), all), {
    bias: settings.bias,
    solver: (task) => solverOf(task, solver, settings.accelerate).solver,
    ...(signal === undefined ? {} : { signal }),
    onProgress: ({ done, of, score }) => onProgress(done, done / of, 1 - score),
  });
  return path === null ? null : { ...path, rule, chosen: rule === 'auto' ? path.best : path.oneStandardError };
};

/** What a reader must know of a ridge that was looked for. */
export const ridgeNotes = (path: ChosenRidge | null): readonly string[] => {
  if (path === null) return [];
  const { atEnd, points, chosen } = path;
  const said: string[] = [];
  if (atEnd === 'strongest') {
    said.push(
      'No ridge explains held-out blocks better than one that leaves next to no weights: what these units do next does not follow from what they do now, as this network sees it.',
    );
  }
  if (atEnd === 'weakest') {
    said.push(
      `The weakest ridge that was tried, ${chosen.toPrecision(2)}, scored best: a smaller one may do as well, and hardly matters.`,
    );
  }
  const taken = points.find(({ strength }) => strength === chosen);
  if (taken?.converged === false) {
    said.push(
      'The fits of the path at the ridge that was chosen did not all converge, so that its score is a little too low or too high.',
    );
  }
  return said;
};
