import { type AlphaMode, type AlphaProfile, profileAlpha } from '@drnn/estimators';
import type { Constraints, Transfer } from '@drnn/objectives';
import { selectTransitions, splitTransitions, type Transitions, transitions } from '@drnn/simulator';
import type { Backend } from '@drnn/tensor';
import { observationsOf } from './fit-observations.js';
import type { Settings } from './fit-options.js';
import { applyScaling, scalingOf } from './scaling.js';
import type { Session } from './session.js';

export interface ProfiledAlphaOptions {
  readonly mode: AlphaMode;
  readonly transfer: Transfer;
  readonly constraints: (raw: Transitions) => Constraints;
  readonly signal?: AbortSignal;
  readonly onProgress: (step: number, fraction: number, score: number) => void;
}

/** Alphas of a profile as long as they get. */
const expectedTrials = 16;

/**
 * Alpha by its score on the last fifth of the rows that the scored fit trains on: no frame that is held out for the
 * scores has a say. At each alpha activity is scaled as the fit would scale it. Values that a model will fill are
 * interpolated here, for there is no model yet; rows with an interpolated predictor are left out where others remain.
 */
export const profiledAlpha = async (
  on: Backend,
  session: Session,
  settings: Settings,
  { mode, transfer, constraints, signal, onProgress }: ProfiledAlphaOptions,
): Promise<AlphaProfile> => {
  const missing = settings.missing === 'drop' ? 'drop' : 'interpolate';
  const raw = transitions(observationsOf(session, { ...settings, alpha: 1, missing }));
  const known = withoutInterpolated(raw);
  const samples = settings.holdout > 0 ? splitTransitions(known, settings.holdout).train : known;
  return profileAlpha(on, samples, {
    mode,
    transfer,
    constraints: constraints(samples),
    bias: settings.bias,
    memory: settings.memory,
    scaled: (at) => {
      const scaling = scalingOf(
        at,
        settings.scale,
        settings.center,
        transfer,
        (j) => session.unitNames[j] ?? `unit ${j}`,
      );
      return { samples: applyScaling(at, scaling), scale: scaling.scale };
    },
    ...(signal === undefined ? {} : { signal }),
    onProgress: (done, _, score) => onProgress(done, Math.min(1, done / expectedTrials), score),
  });
};

const fewest = 100;

const withoutInterpolated = (raw: Transitions): Transitions => {
  const rows = Array.from(raw.interpolated.keys()).filter((row) => raw.interpolated[row] === 0);
  return rows.length === raw.interpolated.length || rows.length < fewest ? raw : selectTransitions(raw, rows);
};

/** What a reader must know of an alpha that was looked for. */
export const alphaNotes = (profile: AlphaProfile | null): readonly string[] => {
  if (profile === null) return [];
  const { mode, flat, atEnd, values, path } = profile;
  const said: string[] = [];
  const best = path.reduce((low, { score }) => Math.min(low, score), Infinity);
  if (flat.length > 0) {
    said.push(
      mode === 'shared'
        ? `These data hardly determine alpha: on held-out rows an alpha 2.4 times as large or as small does as well as ${values[0]?.toPrecision(2)}, as far as chance lets one tell. Weights scale with it; give alpha, or dt and tau, if they are known.`
        : `These data hardly determine the alpha of ${flat.length} of ${values.length} units; they have the one that is best for all.`,
    );
  }
  if (atEnd.length > 0) {
    said.push(
      `The best alpha ${mode === 'shared' ? 'is' : `of ${atEnd.length} units is`} at an end of the range that was searched, .02 to 1: the model may not suit these data, or the frames be too far apart or too close.`,
    );
  }
  if (best > 1) said.push(`At no alpha does the brief fit predict the next frame better than that nothing changes.`);
  return said;
};
