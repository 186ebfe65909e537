import {
  type FixedPoint,
  type FixedPointOptions,
  fixedPoints,
  type FixedPointSet,
  type Linearisation,
  linearise,
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
}

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
 * Fixed and slow points of a model with its input held, each with its linearisation: `fixedPoints` and `linearise` of
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
  const { recording, form = model.form ?? 'rate', ...search } = options;
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
  return {
    ...set,
    points,
    input,
    isInputGiven: options.input !== undefined,
    form,
  };
};
