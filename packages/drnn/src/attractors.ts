import {
  areNear,
  type Basin,
  basins,
  cycles,
  type CycleSet,
  type FixedPoint,
  type FixedPointOptions,
  fixedPoints,
  type FixedPointSet,
  type FoundCycle,
  type Linearisation,
  linearise,
  lyapunov,
  type Lyapunov,
  type LyapunovOptions,
} from '@drnn/attractors';
import { type Model, modelOf, type ModelParts } from '@drnn/recordings';
import { firstNonFinite, type Issue, type Matrix, matrix, refuse, stackRows } from '@drnn/tensor';
import { losses } from './fit-options.js';
import { lossOf } from './predict.js';

/** A point with the network near it. */
export interface AttractorPoint extends FixedPoint {
  readonly linearisation: Linearisation;
}

/** A part of the analysis: the search for points, their linearisations, the search for cycles, basins, exponents. */
export type AttractorsPart = 'points' | 'linearisation' | 'cycles' | 'basins' | 'lyapunov';

export interface Attractors extends Omit<FixedPointSet, 'points'> {
  readonly points: readonly AttractorPoint[];
  /** Points that were found, but too late to be linearised: what would follow after `points`. */
  readonly unexamined: readonly FixedPoint[];
  /** Parts that the time limit ended before they were done, or left out. */
  readonly cut: readonly AttractorsPart[];
  /** The limit cycles that runs of the network ended on, and circles beside them that Newton's method found. */
  readonly cycles: readonly FoundCycle[];
  /** How many runs there were, where those ended that are on no cycle, and why there were no more. */
  readonly cycleSearch: Omit<CycleSet, 'cycles' | 'rests'>;
  /** Shares of random states that end at each stable point, where they were asked for and there was time. */
  readonly basins: readonly Basin[] | null;
  /** Lyapunov exponents, where they were asked for and there was time. */
  readonly lyapunov: Lyapunov | null;
  /** u that was held. */
  readonly input: Float64Array;
  /** Whether it was given, or is 0 because nothing was said. */
  readonly isInputGiven: boolean;
  readonly form: 'rate' | 'current';
}

export interface AttractorsOptions extends Omit<FixedPointOptions, 'trajectories' | 'timeLimit'> {
  /** A recording `[time, unit]` in its own units: most starts are then on and near it. Frames that miss a value are left out. */
  readonly recording?: Matrix;
  /** Default that of the model, else rate. Points and multipliers are the same in both, eigenvectors are not. */
  readonly form?: 'rate' | 'current';
  /** Random starts of the search for limit cycles, to which come some beside unstable points; 0 for none. Default 16. */
  readonly cycleSeeds?: number;
  /** Runs from random states, for the shares of basins of attraction; 0 for none. Default 0. */
  readonly basinSeeds?: number;
  /** Lyapunov exponents as well. Default no. */
  readonly lyapunov?: boolean | Omit<LyapunovOptions, 'input'>;
  /**
   * Seconds of everything together: each part may take half of what is left when it begins, the last one all of it. Default
   * none.
   */
  readonly timeLimit?: number;
}

/** States beside unstable points, along their fastest mode: a cycle may be around one. */
const besideUnstable = (points: readonly AttractorPoint[], units: number): Matrix => {
  const unstable = points
    .filter(({ class: kind, linearisation }) => kind === 'fixed' && !linearisation.isMapStable)
    .slice(0, BESIDE);
  const starts = matrix(unstable.length, units);
  unstable.forEach(({ state, linearisation: { right } }, k) => {
    for (let i = 0; i < units; i++) {
      starts.data[k * units + i] = state[i]! + 1e-3 * right.real.data[i * right.real.columns]!;
    }
  });
  return starts;
};

/** Those of the rests that are none of the points. */
const restsBeside = (rests: Matrix, points: readonly FixedPoint[]): Matrix => {
  const of = (k: number): Float64Array => rests.data.subarray(k * rests.columns, (k + 1) * rests.columns);
  const missed = Array.from({ length: rests.rows }, (_, k) => of(k)).filter(
    (rest) => !points.some(({ state }) => areNear(state, rest)),
  );
  return matrix(missed.length, rests.columns, Float64Array.from(missed.flatMap((rest) => [...rest])));
};

const asRow = ({ state }: FixedPoint): Matrix => matrix(1, state.length, state);

/** Random starts where nothing is said, as `fixedPoints` has it. */
const DEFAULT_SEEDS = 1024;

/** Milliseconds of a linearisation over N^3, until one was made. */
const LINEARISED = 1e-5;
/** Unstable points that cycles are sought around. */
const BESIDE = 8;

/** The complete frames of a recording in the units that W acts on. */
export const scaledFrames = (recording: Matrix, { scale, offset }: Model): Matrix => {
  const { columns, data } = recording;
  const units = scale.length;
  refuse(
    columns === units
      ? []
      : [
          {
            path: 'recording',
            seen: `[${recording.rows}, ${columns}]`,
            expected: `[time, unit=${units}], as the model`,
          },
        ],
  );
  const kept: number[] = [];
  for (let t = 0; t < recording.rows; t++) {
    const row = data.subarray(t * columns, (t + 1) * columns);
    if (firstNonFinite(row) < 0) for (let j = 0; j < units; j++) kept.push((row[j]! - offset[j]!) / scale[j]!);
  }
  refuse(
    kept.length > 0
      ? []
      : [{ path: 'recording', seen: 'no frame without a missing value', expected: 'at least one complete frame' }],
  );
  return matrix(kept.length / units, units, Float64Array.from(kept));
};

/**
 * Fixed and slow points of a model with its input held, each with its linearisation, its limit cycles and, if they are
 * asked for, shares of basins and Lyapunov exponents: `fixedPoints`, `linearise`, `cycles`, `basins` and `lyapunov` of
 * `@drnn/attractors`. States are in the units that W acts on; a recording's are state x scale + offset. Errors: those of
 * `fixedPoints`; a model whose transfer function is not tanh; a recording of other units.
 */
export const attractors = (parts: ModelParts, options: AttractorsOptions = {}): Attractors => {
  const model = modelOf(parts);
  const transfer = losses[lossOf(model.record)];
  refuse(
    transfer === 'tanh'
      ? []
      : [{ path: 'model', seen: `the transfer function ${transfer}`, expected: 'tanh, whose fixed points are found' }],
  );
  const {
    recording,
    form = model.form ?? 'rate',
    cycleSeeds = 16,
    basinSeeds = 0,
    lyapunov: exponents = false,
    timeLimit,
    ...search
  } = options;
  const count = (path: string, value: number): readonly Issue[] =>
    Number.isSafeInteger(value) && value >= 0
      ? []
      : [{ path, seen: `${value}`, expected: 'a whole number, 0 or more' }];
  refuse([
    ...count('cycleSeeds', cycleSeeds),
    ...count('basinSeeds', basinSeeds),
    ...(timeLimit === undefined || timeLimit > 0
      ? []
      : [{ path: 'timeLimit', seen: `${timeLimit}`, expected: 'above 0' }]),
  ]);
  const network = { ...model, form };
  const units = model.W.rows;
  const inputs = model.Win.columns / model.inputLags.length;
  const input = Float64Array.from(options.input ?? new Float64Array(inputs));
  const asked: readonly AttractorsPart[] = [
    'points',
    'linearisation',
    ...(cycleSeeds === 0 ? [] : ['cycles' as const]),
    ...(basinSeeds === 0 ? [] : ['basins' as const]),
    ...(exponents === false ? [] : ['lyapunov' as const]),
  ];
  const end = performance.now() + 1000 * (timeLimit ?? Infinity);
  /** Seconds that a part may take; null where there is no time for it. */
  const share = (part: AttractorsPart): number | null => {
    const left = (end - performance.now()) / 1000;
    return left <= 0 ? null : left / (part === asked.at(-1) ? 1 : 2);
  };
  const limited = (seconds: number): { readonly timeLimit?: number } =>
    seconds === Infinity ? {} : { timeLimit: seconds };
  const cut: AttractorsPart[] = [];

  /** The points, by a search from these states first, and as many of their linearisations as there is time for. */
  const examined = (starts: Matrix | undefined) => {
    const set = fixedPoints(network, {
      ...(starts === undefined || search.starts !== undefined ? {} : { seeds: DEFAULT_SEEDS }),
      ...search,
      ...(starts === undefined ? {} : { starts }),
      ...(recording === undefined ? {} : { trajectories: scaledFrames(recording, model) }),
      ...limited(share('points') ?? Number.MIN_VALUE),
    });
    const points: AttractorPoint[] = [];
    const until = performance.now() + 1000 * (share('linearisation') ?? 0);
    let took = LINEARISED * units ** 3;
    for (const [k, point] of set.points.entries()) {
      // D, and with it everything about the modes, is the same at r and -r.
      const image = point.mirror !== null && point.mirror < k ? points[point.mirror] : undefined;
      const began = performance.now();
      if (image === undefined && began + took > until) break;
      const radius = Number.isFinite(point.certificateRadius) ? point.certificateRadius : 0;
      const linearisation = image?.linearisation ?? linearise(network, point.state, { input, radius });
      if (image === undefined) took = performance.now() - began;
      points.push({ ...point, linearisation });
    }
    return { set, points };
  };
  let { set, points } = examined(undefined);

  const forCycles = cycleSeeds === 0 ? null : share('cycles');
  const {
    cycles: found,
    rests,
    ...cycleSearch
  }: CycleSet = forCycles === null
    ? {
        cycles: [],
        starts: 0,
        atFixedPoints: 0,
        unsettled: 0,
        circleGuesses: 0,
        unresolvedCircles: 0,
        rests: matrix(0, units),
        stoppedBecause: cycleSeeds === 0 ? 'starts' : 'time',
      }
    : cycles(network, {
        input,
        seeds: cycleSeeds,
        seed: options.seed ?? 1,
        starts: besideUnstable(points, units),
        ...limited(forCycles),
      });
  // Runs may end at stable points that the search did not come upon: it is made again, from there and from what it found.
  const missed = restsBeside(rests, set.points);
  if (missed.rows > 0 && set.stoppedBecause !== 'time' && share('points') !== null)
    ({ set, points } = examined(
      stackRows([...(search.starts === undefined ? [] : [search.starts]), missed, ...set.points.map(asRow)]),
    ));
  if (set.stoppedBecause === 'time') cut.push('points');
  if (points.length < set.points.length) cut.push('linearisation');
  if (cycleSearch.stoppedBecause === 'time') cut.push('cycles');

  const forBasins = basinSeeds === 0 ? null : share('basins');
  const shares =
    forBasins === null
      ? null
      : basins(network, points, { input, seeds: basinSeeds, seed: options.seed ?? 1, ...limited(forBasins) });
  const basinRuns = shares?.reduce((sum, { starts }) => sum + starts, 0) ?? 0;
  if (basinRuns < basinSeeds) cut.push('basins');

  const forExponents = exponents === false ? null : share('lyapunov');
  const spectrum =
    forExponents === null
      ? null
      : lyapunov(network, {
          input,
          seed: options.seed ?? 1,
          ...(typeof exponents === 'boolean' ? {} : exponents),
          ...limited(forExponents),
        });
  if (exponents !== false && (spectrum === null || spectrum.runs.some(({ isCut }) => isCut))) cut.push('lyapunov');
  return {
    ...set,
    points,
    unexamined: set.points.slice(points.length),
    cut,
    cycles: found,
    cycleSearch,
    basins: shares,
    lyapunov: spectrum,
    input,
    isInputGiven: options.input !== undefined,
    form,
  };
};
