import {
  type BasinAgreement,
  basinAgreement,
  comparePortraits,
  type Measured,
  medianTimeConstantError,
  pairSpectra,
  type Portrait,
  type PortraitComparison,
  shuffled,
  support,
  type Verdict,
  type VerdictName,
  verdictOf,
  weightAgreement,
  type WeightAgreement,
} from '@drnn/comparison';
import { type Model, modelOf, type ModelParts } from '@drnn/recordings';
import { firstNonFinite, type Issue, type Matrix, matrix, refuse } from '@drnn/tensor';
import { attractors, type Attractors, type AttractorsOptions, scaledFrames } from './attractors.js';
import { type ActivityFloors, activityFloors, type ActivityMeasures, activityMeasures } from './compare-activity.js';

export interface CompareOptions {
  /** u `[input]` of the reference, held; also that of the fit, unless `fitInput` is given. Default 0. */
  readonly input?: ArrayLike<number>;
  /** u of the fit, where its inputs are others. */
  readonly fitInput?: ArrayLike<number>;
  /** Most random starts of each search. Default 1024. */
  readonly seeds?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Seconds of each search. Default none. */
  readonly timeLimit?: number;
  /** What was recorded `[time, unit]`, in its own units: says which points and states the activity came near. */
  readonly recording?: Matrix;
  /** u `[time, input]` of the recording: both models are then run with it, and compared by their activity too. */
  readonly inputs?: Matrix;
  /**
   * A second fit, of other data of the same network: fit against fit is then the noise ceiling. Default: the reference
   * against itself, searched with another seed.
   */
  readonly again?: ModelParts;
  /**
   * Units of the reference that the fit's are, in order, where the fit saw only some. Points are then matched by those units;
   * proofs, basins and weights, which need all, are not measured. A recording may have the reference's units or the fit's.
   */
  readonly observed?: ArrayLike<number>;
  /** How far apart a pair of points may be, over sqrt N. Default a tenth of the root mean square radius of the activity. */
  readonly gate?: number;
  /** Whether chance and ceiling are measured, at the cost of two more searches. Default true. */
  readonly judged?: boolean;
  readonly onProgress?: (progress: {
    readonly stage: string;
    readonly fraction: number;
    readonly note: string;
  }) => void;
}

/** Two models side by side. */
export interface Comparison extends PortraitComparison {
  readonly reference: Attractors;
  readonly fit: Attractors;
  /** The same from states that were recorded; null without a recording. */
  readonly supportedBasins: BasinAgreement | null;
  /** The fit's activity in closed loop beside the recording; null without one, or without the inputs that a model needs. */
  readonly activity: ActivityMeasures | null;
  /** How far the weights agree, in the directions that were recorded too; null where the models have other scales. */
  readonly weights: WeightAgreement | null;
  readonly verdict: Verdict;
  /** The units of the reference that the fit's are; null where they are all. */
  readonly observed: readonly number[] | null;
  /** What the verdict's ceiling is of; null where it was not measured. */
  readonly ceilingOf: 'second fit' | 'reference' | null;
}

const portraitOf = (found: Attractors, model: Model): Portrait => ({
  network: { ...model, form: found.form },
  input: found.input,
  points: found.points,
  indexSum: found.indexSum,
  scale: model.scale,
  offset: model.offset,
});

/** Everything that may be wrong with the options, before the first search. */
const checkOptions = (from: Model, to: Model, again: Model | null, options: CompareOptions): void => {
  const { gate, timeLimit, seeds, seed, recording, inputs } = options;
  const positive = (path: string, value: number | undefined): readonly Issue[] =>
    value === undefined || value > 0 ? [] : [{ path, seen: `${value}`, expected: 'above 0' }];
  const whole = (path: string, value: number | undefined): readonly Issue[] =>
    value === undefined || (Number.isSafeInteger(value) && value >= 0)
      ? []
      : [{ path, seen: `${value}`, expected: 'a whole number, 0 or more' }];
  const inputOf = (
    whose: string,
    model: Model | null,
    input: ArrayLike<number> | undefined,
    path = 'input',
  ): readonly Issue[] => {
    if (model === null || input === undefined) return [];
    const count = model.Win.columns / model.inputLags.length;
    return [
      ...(input.length === count
        ? []
        : [
            { path, seen: `${input.length} numbers`, expected: `[input=${count}], one for each input of the ${whose}` },
          ]),
      ...(firstNonFinite(input) < 0 ? [] : [{ path, seen: 'NaN or infinity', expected: 'finite numbers' }]),
    ];
  };
  refuse([
    ...positive('gate', gate),
    ...positive('timeLimit', timeLimit),
    ...whole('seeds', seeds),
    ...whole('seed', seed),
    ...inputOf('reference', from, options.input),
    ...(options.fitInput === undefined
      ? inputOf('fit', to, options.input)
      : inputOf('fit', to, options.fitInput, 'fitInput')),
    ...inputOf('second fit', again, options.fitInput ?? options.input),
    ...(inputs === undefined || recording !== undefined
      ? []
      : [{ path: 'inputs', seen: 'inputs without a recording', expected: 'the recording that they belong to' }]),
    ...(inputs === undefined || firstNonFinite(inputs.data) < 0
      ? []
      : [{ path: 'inputs', seen: 'NaN or infinity', expected: 'finite numbers' }]),
  ]);
};

/** States of one model in the units of another, as starts of a search; `observed` are those of the first that count. */
const startsFrom = ({ points }: Portrait, from: Model, to: Model, observed?: ArrayLike<number>): Matrix | undefined => {
  const n = to.W.rows;
  const starts = matrix(points.length, n);
  points.forEach(({ state }, k) => {
    for (let i = 0; i < n; i++) {
      const unit = observed?.[i] ?? i;
      const outside = state[unit]! * from.scale[unit]! + from.offset[unit]!;
      starts.data[k * n + i] = (outside - to.offset[i]!) / to.scale[i]!;
    }
  });
  return points.length === 0 ? undefined : starts;
};

/**
 * Whether a fit has the dynamics of a reference, such as the network that its recording was simulated from: matched
 * fixed points with proofs, spectra, saddle graphs and basins, each beside chance (the fit with its weights shuffled
 * within rows) and a ceiling. The fit is searched from the reference's points too, and the reference from those of the
 * fit that have no partner, so that neither search's luck decides. Errors: those of `attractors`; other units.
 */
export const compare = (reference: ModelParts, fit: ModelParts, options: CompareOptions = {}): Comparison => {
  const [from, to] = [modelOf(reference), modelOf(fit)];
  const again = options.again === undefined ? null : modelOf(options.again);
  const { observed } = options;
  const all = from.W.rows;
  const units = observed?.length ?? all;
  const otherUnits = (
    path: string,
    model: Model | null,
  ): readonly { path: string; seen: string; expected: string }[] =>
    model === null || model.W.rows === units
      ? []
      : [
          {
            path,
            seen: `${model.W.rows} units`,
            expected: observed === undefined ? `${units}, as the reference` : `${units}, as observed`,
          },
        ];
  const wrong = Array.from(observed ?? []).find((unit) => !(Number.isInteger(unit) && unit >= 0 && unit < all));
  const { recording: recorded, inputs = null } = options;
  refuse([
    ...otherUnits('fit', to),
    ...otherUnits('again', again),
    ...(wrong === undefined ? [] : [{ path: 'observed', seen: `unit ${wrong}`, expected: `0 to ${all - 1}` }]),
    ...(recorded === undefined || recorded.columns === units || recorded.columns === all
      ? []
      : [
          {
            path: 'recording',
            seen: `${recorded.columns} units`,
            expected: units === all ? `${all}, as the reference` : `${units}, those of the fit, or ${all}, all`,
          },
        ]),
  ]);
  checkOptions(from, to, again, options);
  /** The recording in the units of the fit. */
  const frames =
    recorded === undefined || observed === undefined || recorded.columns === units
      ? recorded
      : columnsOf(recorded, observed);

  const seed = options.seed ?? 1;
  const search = (
    model: Model,
    stage: string,
    more: AttractorsOptions = {},
  ): { found: Attractors; portrait: Portrait } => {
    const { seeds = 1024, timeLimit, onProgress } = options;
    const recording =
      model.W.rows === recorded?.columns ? recorded : model.W.rows === frames?.columns ? frames : undefined;
    const input = model === from ? options.input : (options.fitInput ?? options.input);
    const found = attractors(model, {
      seeds,
      seed,
      cycleSeeds: 0,
      ...(timeLimit === undefined ? {} : { timeLimit }),
      ...(recording === undefined ? {} : { recording }),
      ...(input === undefined ? {} : { input }),
      ...(onProgress === undefined
        ? {}
        : {
            onProgress: ({ fraction, starts, points }) =>
              onProgress({ stage, fraction, note: `${starts} starts, ${points} fixed points` }),
          }),
      ...more,
    });
    return { found, portrait: portraitOf(found, model) };
  };
  const startingAt = (portrait: Portrait, own: Model, other: Model): AttractorsOptions => {
    const starts = startsFrom(portrait, own, other, own === other || own !== from ? undefined : observed);
    return starts === undefined ? {} : { starts };
  };

  const near = frames === undefined ? null : support(frames);
  /** `seen` are the units of the first that those of the second are. */
  const compareWith = (
    a: Portrait,
    b: Portrait,
    seen: ArrayLike<number> | null = observed ?? null,
  ): PortraitComparison =>
    comparePortraits(a, b, {
      seed,
      basins: { seed },
      ...(seen === null ? {} : { observed: seen }),
      ...(options.gate === undefined ? {} : { gate: options.gate }),
      ...(near === null || b.network.W.rows !== frames?.columns
        ? {}
        : { radius: near.radius, isSupported: near.isSupported }),
    });

  let own = search(from, 'reference');
  const other = search(to, 'fit', startingAt(own.portrait, from, to));
  let compared = compareWith(own.portrait, other.portrait);
  if (observed === undefined && compared.match.unmatchedFit.length > 0) {
    const unmatched = {
      ...other.portrait,
      points: compared.match.unmatchedFit.flatMap((k) => other.portrait.points[k] ?? []),
    };
    const wider = search(from, 'reference', startingAt(unmatched, to, from));
    if (wider.found.points.length > own.found.points.length) {
      own = wider;
      compared = compareWith(own.portrait, other.portrait);
    }
  }

  /** What a network without the structure of the reference reaches. */
  const floorOf = (portrait: Portrait): Floor => {
    const { match, graph } = compareWith(own.portrait, portrait);
    return {
      fixedPointF1: (match.supported ?? match).typed.f1,
      displacement: match.medianNearestDisplacement,
      // The nearest points: where hardly anything is a pair, the few that are say nothing of the others.
      eigenvalueError: medianTimeConstantError(
        pairSpectra(own.portrait, portrait, match.nearest, observed === undefined ? {} : { observed }),
      ),
      graphF1: graph.f1,
    };
  };
  const judged = options.judged ?? true;
  const chance = judged ? search(shuffled(to, seed), 'chance').portrait : null;
  const best = !judged
    ? null
    : again === null
      ? compareWith(
          own.portrait,
          search(from, 'ceiling', { seed: seed + 1, ...startingAt(own.portrait, from, from) }).portrait,
          null,
        )
      : compareWith(other.portrait, search(again, 'ceiling', startingAt(own.portrait, from, again)).portrait, null);
  const supportedBasins =
    near === null || observed !== undefined
      ? null
      : basinAgreement(own.portrait, other.portrait, compared.match, { starts: near.frames });
  const measuresOf = (model: Model | null): ActivityMeasures | null =>
    frames === undefined || model === null ? null : activityMeasures(model, frames, inputs);
  const activity = measuresOf(to);
  const isJudged = judged && activity !== null;
  const isSameScale =
    observed === undefined && from.scale.every((value, i) => value === to.scale[i] && from.offset[i] === to.offset[i]);
  return {
    ...compared,
    reference: own.found,
    fit: other.found,
    supportedBasins,
    activity,
    weights: isSameScale
      ? weightAgreement(from.W, to.W, recorded === undefined ? {} : { activity: scaledFrames(recorded, from) })
      : null,
    verdict: verdictOf({
      ...portraitVerdict(compared, supportedBasins, chance === null ? null : floorOf(chance), best),
      ...activityVerdict(
        activity,
        isJudged ? measuresOf(shuffled(to, seed)) : null,
        isJudged && frames !== undefined ? activityFloors(to, frames, inputs, seed) : null,
        isJudged && !(observed !== undefined && again === null) ? measuresOf(again ?? from) : null,
      ),
    }),
    observed: observed === undefined ? null : Array.from(observed),
    ceilingOf: best === null ? null : again === null ? 'reference' : 'second fit',
  };
};

/** Some units of activity `[time, unit]`. */
const columnsOf = ({ rows, columns, data }: Matrix, chosen: ArrayLike<number>): Matrix => {
  const result = matrix(rows, chosen.length);
  for (let t = 0; t < rows; t++) {
    for (let k = 0; k < chosen.length; k++) result.data[t * chosen.length + k] = data[t * columns + chosen[k]!]!;
  }
  return result;
};

interface Floor {
  readonly fixedPointF1: number;
  readonly displacement: number | null;
  readonly eigenvalueError: number | null;
  readonly graphF1: number;
}

/** The measures of a verdict that points and basins give. */
const portraitVerdict = (
  value: PortraitComparison,
  supportedBasins: BasinAgreement | null,
  floor: Floor | null,
  ceiling: PortraitComparison | null,
): Partial<Record<VerdictName, Measured>> => {
  const measured = (name: keyof Floor, measure: (of: PortraitComparison) => number | null): Measured => ({
    value: measure(value),
    floors: { weights: floor?.[name] ?? null },
    ceiling: ceiling === null ? null : measure(ceiling),
  });
  const basins = supportedBasins ?? value.basins;
  return {
    fixedPointF1: measured('fixedPointF1', ({ match }) => (match.supported ?? match).typed.f1),
    displacement: measured('displacement', ({ match }) => match.medianNearestDisplacement),
    eigenvalueError: measured('eigenvalueError', (of) => of.medianTimeConstantError),
    graphF1: measured('graphF1', ({ graph }) => graph.f1),
    basinAgreement: {
      value: basins?.agreement ?? null,
      floors: { weights: basins?.chance ?? null },
      ceiling: ceiling?.basins?.agreement ?? null,
    },
  };
};

/** Those that activity gives. The ceiling is of the reference, or of the second fit, run beside the same recording. */
const activityVerdict = (
  value: ActivityMeasures | null,
  floor: ActivityMeasures | null,
  others: ActivityFloors | null,
  ceiling: ActivityMeasures | null,
): Partial<Record<VerdictName, Measured>> => {
  const measured = (measure: (of: ActivityMeasures) => number | null): Measured => ({
    value: value === null ? null : measure(value),
    floors: {
      weights: floor === null ? null : measure(floor),
      time: others === null ? null : measure(others.time),
      linear: others === null || others.linear === null ? null : measure(others.linear),
    },
    ceiling: ceiling === null ? null : measure(ceiling),
  });
  return {
    stateSpaceDivergence: measured((of) => of.stateSpaceDivergence),
    powerSpectrumError: measured((of) => of.powerSpectrumError),
    predictionHorizon: measured((of) => of.predictionHorizon),
    dynamicalSimilarity: measured((of) => of.dynamicalSimilarity),
  };
};
