import {
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
import { firstNonFinite, type Matrix, matrix, refuse } from '@drnn/tensor';
import { losses } from './fit-options.js';
import { lossOf } from './predict.js';

/** A point with the network near it. */
export interface AttractorPoint extends FixedPoint {
  readonly linearisation: Linearisation;
}

export interface Attractors extends Omit<FixedPointSet, 'points'> {
  readonly points: readonly AttractorPoint[];
  /** The attracting limit cycles that runs of the network ended on. */
  readonly cycles: readonly FoundCycle[];
  /** How many runs there were, and where those ended that are on no cycle. */
  readonly cycleSearch: Omit<CycleSet, 'cycles'>;
  /** Lyapunov exponents, where they were asked for. */
  readonly lyapunov: Lyapunov | null;
  /** u that was held. */
  readonly input: Float64Array;
  /** Whether it was given, or is 0 because nothing was said. */
  readonly isInputGiven: boolean;
  readonly form: 'rate' | 'current';
}

export interface AttractorsOptions extends Omit<FixedPointOptions, 'trajectories'> {
  /** A recording `[time, unit]` in its own units: most starts are then on and near it. Frames that miss a value are left out. */
  readonly recording?: Matrix;
  /** Default that of the model, else rate. Points and multipliers are the same in both, eigenvectors are not. */
  readonly form?: 'rate' | 'current';
  /** Random starts of the search for limit cycles, to which come some beside unstable points; 0 for none. Default 16. */
  readonly cycleSeeds?: number;
  /** Lyapunov exponents as well. Default no. */
  readonly lyapunov?: boolean | Omit<LyapunovOptions, 'input'>;
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
 * asked for, Lyapunov exponents: `fixedPoints`, `linearise`, `cycles` and `lyapunov` of `@drnn/attractors`. States are in the units that W acts on; a recording's are state x scale + offset. Errors: those of
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
  const { recording, form = model.form ?? 'rate', cycleSeeds = 16, lyapunov: exponents = false, ...search } = options;
  const network = { ...model, form };
  const set = fixedPoints(network, {
    ...search,
    ...(recording === undefined ? {} : { trajectories: scaledFrames(recording, model) }),
  });
  const inputs = model.Win.columns / model.inputLags.length;
  const input = Float64Array.from(options.input ?? new Float64Array(inputs));
  const points: AttractorPoint[] = [];
  set.points.forEach((point, k) => {
    // D, and with it everything about the modes, is the same at r and -r.
    const image = point.mirror !== null && point.mirror < k ? points[point.mirror] : undefined;
    const radius = Number.isFinite(point.certificateRadius) ? point.certificateRadius : 0;
    const linearisation = image?.linearisation ?? linearise(network, point.state, { input, radius });
    points.push({ ...point, linearisation });
  });
  const { cycles: found, ...cycleSearch } =
    cycleSeeds === 0
      ? { cycles: [], starts: 0, atFixedPoints: 0, unsettled: 0 }
      : cycles(network, {
          input,
          seeds: cycleSeeds,
          seed: options.seed ?? 1,
          starts: besideUnstable(points, model.W.rows),
          ...(options.timeLimit === undefined ? {} : { timeLimit: options.timeLimit }),
        });
  return {
    ...set,
    points,
    cycles: found,
    cycleSearch,
    lyapunov:
      exponents === false
        ? null
        : lyapunov(network, { input, seed: options.seed ?? 1, ...(exponents === true ? {} : exponents) }),
    input,
    isInputGiven: options.input !== undefined,
    form,
  };
};
